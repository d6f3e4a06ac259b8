"""A foreign model is a first-class citizen: a plain Hugging Face directory goes through `baseline` and `serve`."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.conftest import bertwatch
from tests.foreign_models import make_foreign_model
from tests.processes import Service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

TEXTS = ["Stocks fell.", "The team won the cup after extra time in front of forty thousand people.", "x " * 300, "?"]


@pytest.mark.parametrize("kind", ["distilbert", "roberta"])
def test_baseline_and_serve(kind: str, tmp_path: Path, free_port: int) -> None:
    """LABEL_0 names become names; what is served equals transformers' own pipeline to 1e-5; nothing is written."""
    directory = make_foreign_model(kind, tmp_path / "model")
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    names = "World,Sports,Business,Sci/Tech"
    done = bertwatch(
        "baseline", "--model", directory, "--labels", names, "--dataset", "sample", "--rows", "1-200",
        "--output", tmp_path / "baseline", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 200

    from transformers import pipeline

    classify = pipeline("text-classification", model=str(directory), top_k=None)
    database = f"sqlite:///{tmp_path / 'log.db'}"
    settings = {"model": directory, "labels": names, "baseline": tmp_path / "baseline", "database": database}
    with Service(free_port, tmp_path / "serve.log", **settings) as service:
        for text in TEXTS:
            answer = httpx.post(f"{service.url}/predict", json={"text": text}, timeout=30).raise_for_status().json()
            wanted = {one["label"]: one["score"] for one in classify([text], truncation=True)[0]}
            got = list(answer["scores"].values())
            np.testing.assert_allclose(got, [wanted[f"LABEL_{i}"] for i in range(4)], atol=1e-5)
            assert answer["label"] == names.split(",")[int(np.argmax(got))]
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
