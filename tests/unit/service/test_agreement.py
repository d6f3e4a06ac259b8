"""An engine that is not exact is held to the exact one by the baseline's rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.engines.onnx_int8_engine import Int8Engine
from model.errors import GateFailed
from monitors.baseline import load_baseline
from service.agreement import refuse_disagreement
from service.release import Words
from service.settings import Settings
from service.workbench.baselines import baseline


def make_baseline(model: Path, output: Path, engine: str) -> None:
    settings = Settings(model=str(model), engine=engine)
    baseline(settings, "sample", "1-400", str(output), words=Words(), tracking=None, quiet=True)


def test_ninety_nine_of_a_hundred_is_enough_and_less_is_not() -> None:
    exact = np.zeros(200, np.int64)
    said = exact.copy()
    said[:2] = 1
    assert refuse_disagreement(said, exact, "onnx-int8") == 0.99
    said[2] = 1
    with pytest.raises(GateFailed, match=r"onnx-int8 answers 3 of 200 rows .* agrees on 98\.50%, and 99% is asked"):
        refuse_disagreement(said, exact, "onnx-int8")


def test_the_baseline_holds_the_agreement(tiny_model: Path, tmp_path: Path) -> None:
    make_baseline(tiny_model, tmp_path / "quick", "onnx-int8")
    quick = load_baseline(tmp_path / "quick")
    assert (quick.engine, quick.precision) == ("onnx-int8", "int8")
    assert quick.agreement is not None
    assert 0.99 <= quick.agreement <= 1
    engine = json.loads((tmp_path / "quick" / "baseline.json").read_text())["engine"]
    assert engine == {"name": "onnx-int8", "precision": "int8", "agreement": quick.agreement}


def test_an_exact_engine_needs_no_other_beside_it(tiny_model: Path, tmp_path: Path) -> None:
    make_baseline(tiny_model, tmp_path / "exact", "onnx")
    exact = load_baseline(tmp_path / "exact")
    assert (exact.engine, exact.precision, exact.agreement) == ("onnx", "fp32", None)


def test_nothing_is_written_for_an_engine_that_disagrees(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Int8Engine.run

    def noisy(self: Int8Engine, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, embedding = run(self, *arrays)
        logits[::4] = logits[::4, ::-1]
        return logits, embedding

    monkeypatch.setattr(Int8Engine, "run", noisy)
    with pytest.raises(GateFailed, match=r"of 400 rows differently"):
        make_baseline(tiny_model, tmp_path / "quick", "onnx-int8")
    assert not (tmp_path / "quick").exists()
