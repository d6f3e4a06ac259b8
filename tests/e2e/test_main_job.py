"""The main job on the built-in sample: what the log holds, what is shown, and what a second model changes."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.conftest import bertwatch
from tests.foreign_models import make_foreign_model
from tests.processes import Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

BY_HAND = """
    SELECT count(*), sum(p.label = l.label)
    FROM predictions p JOIN labels l ON l.prediction_seq = p.seq AND l.newest
    WHERE p.model_version = ?
"""


def test_what_is_shown_is_what_the_log_holds(
    tiny_model: Path, tiny_baseline: Path, tmp_path: Path, free_port: int
) -> None:
    """Every row sent is a row logged; /status and /metrics show the accuracy that the log gives by hand."""
    log = tmp_path / "log.db"
    settings = {"model": tiny_model, "baseline": tiny_baseline, "database": f"sqlite:///{log}", "monitor": "false"}
    with Service(free_port, tmp_path / "serve.log", **settings) as service:
        done = bertwatch(
            "replay", "--url", service.url, "--dataset", "sample", "--count", "400", "--label-delay", "0.2", "--json"
        )
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        once = bertwatch("monitor", "--once", "--baseline", tiny_baseline, BERTWATCH_DATABASE=f"sqlite:///{log}")
        assert once.returncode == 0, once.stderr
        status = service.status()
        with sqlite3.connect(log) as database:
            assert database.execute("SELECT count(*) FROM predictions").fetchone() == (400,)
            labels, right = database.execute(BY_HAND, (status["model"]["version"],)).fetchone()
        database.close()
        assert (labels, right) == (400, summary["correct"])
        assert status["predictions"]["total"] == 400
        assert status["accuracy"]["value"] == right / labels
        assert status["accuracy"]["low"] < right / labels < status["accuracy"]["high"]
        metrics = httpx.get(f"{service.url}/metrics", timeout=10).text
        shown = re.search(r"^bertwatch_online_accuracy_ratio\{.*\} (\S+)$", metrics, re.M)
        assert shown is not None
        assert float(shown[1]) == right / labels


def test_a_second_version_leaves_the_first_readable(
    tiny_model: Path, tiny_baseline: Path, tmp_path: Path, free_port: int
) -> None:
    """v2 is served with its own baseline on the same log; rows, labels and verdicts of v1 stay as they were."""
    log = tmp_path / "log.db"
    database = {"database": f"sqlite:///{log}"}
    first = {"model": tiny_model, "baseline": tiny_baseline, "monitor": "false", **database}
    with Service(free_port, tmp_path / "v1.log", **first) as service:
        replayed = bertwatch(
            "replay", "--url", service.url, "--dataset", "sample", "--count", "60", "--label-delay", "0"
        )
        assert replayed.returncode == 0, replayed.stderr
        once = bertwatch("monitor", "--once", "--baseline", tiny_baseline, BERTWATCH_DATABASE=f"sqlite:///{log}")
        assert once.returncode == 0, once.stderr
        before = service.status()
    names = "World,Sports,Business,Sci/Tech"
    other = make_foreign_model("distilbert", tmp_path / "v2")
    made = bertwatch(
        "baseline", "--model", other, "--labels", names, "--dataset", "sample", "--rows", "1-100",
        "--output", tmp_path / "v2-baseline",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    second = {"model": other, "labels": names, "baseline": tmp_path / "v2-baseline", "monitor": "false", **database}
    with Service(free_port, tmp_path / "v2.log", **second) as service:
        assert service.status()["predictions"]["total"] == 0
        httpx.post(f"{service.url}/predict", json={"text": "A first text for v2."}, timeout=30).raise_for_status()
        until(lambda: service.status()["predictions"]["total"] == 1, 5, "the status has read the log anew")
        assert service.status()["verdict"] is None
    with Service(free_port, tmp_path / "v1.log", **first) as service:
        after = service.status()
    assert after["predictions"]["total"] == 60
    for part in ("accuracy", "verdict", "checks", "episodes"):
        assert after[part] == before[part], part
