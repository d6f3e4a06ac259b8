"""The published JSON Schema takes every baseline that is written, and refuses what no reader could use."""

from __future__ import annotations

import importlib.resources
import json

import jsonschema
import numpy as np
import pytest

from model.evaluation import proportion
from model.evaluation.behavior import BehaviorReport, BehaviorResult, FailedCase
from model.prediction import CutOff, ModelInfo, Predictions
from monitors.baseline import Strained, fit_baseline, load_baseline, save_baseline
from monitors.baseline.contract import SCHEMA_VERSION, contract

SCHEMA = json.loads((importlib.resources.files("monitors.baseline") / "schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
BEHAVIOR = BehaviorReport(
    "mine",
    (
        BehaviorResult(
            "typos", "invariance", "", 0.1, proportion(1, 8), (3,),
            (FailedCase(3, "a text of ours", "a txet of ours", "stays", "leaves"),), "0123456789ab",
        ),
    ),
)  # fmt: skip


def said(labels=("stays", "leaves")):
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(len(labels)), 60).astype(np.float32)
    return Predictions(
        labels=scores.argmax(1), scores=scores, features=np.ones((60, 1)), projections=np.zeros((60, 32)),
        truncated=np.zeros(60, np.bool_),
    )  # fmt: skip


def made(labels=("stays", "leaves"), truth=None, **options):
    return fit_baseline(
        model=ModelInfo(version="abc123", labels=labels, features=("words",), name="mine"),
        engine="torch",
        precision="fp32",
        predictions=said(labels),
        truth=np.arange(60) % len(labels) if truth is None else truth,
        texts=[f"row {i}" for i in range(60)],
        dataset={"name": "rows.csv", "sha256": "00" * 32, "rows": 60},
        created="2026-01-01T00:00:00+00:00",
        **options,
    )


BASELINES = {
    "two classes": lambda: made(cut_off=CutOff(1, 0.3, "cost", 1.0, 5.0), segments=["web", None, "app"] * 20),
    "behavior": lambda: made(behavior=BEHAVIOR),
    "strained": lambda: made(strained=Strained(said(), np.arange(60))),
    "many classes": lambda: made(labels=tuple(f"class {i}" for i in range(12))),
    "missing class": lambda: made(labels=("a", "b", "c"), truth=np.arange(60) % 2),
}


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["enum"][-1] == SCHEMA_VERSION


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_is_taken_and_read_back_as_it_was(name, tmp_path):
    baseline = BASELINES[name]()
    save_baseline(baseline, tmp_path / "b")
    facts = json.loads((tmp_path / "b" / "baseline.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    VALIDATOR.validate(facts)
    again = load_baseline(tmp_path / "b")
    assert contract(again) == contract(baseline) == facts
    assert facts["schema_version"] == (2 if name == "strained" else 1)
    assert (again.cut_off, again.behavior) == (baseline.cut_off, baseline.behavior)


def test_nothing_is_written_that_the_schema_does_not_describe():
    assert set(contract(made())) == set(SCHEMA["properties"]) == set(SCHEMA["required"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda facts: facts.pop("metrics"),
        lambda facts: facts["metrics"].pop("accuracy"),
        lambda facts: facts["metrics"]["accuracy"].pop("low"),
        lambda facts: facts.update(schema_version=3),
        lambda facts: facts["model"].update(labels=["only"]),
        lambda facts: facts["cut_off"].update(value=1.5),
        lambda facts: facts["cut_off"].update(chosen_by="guess"),
        lambda facts: facts.update(confusion=[["many"]]),
        lambda facts: facts.update(texts=["a row"]),
    ],
)
def test_what_is_no_baseline_is_refused(spoil):
    facts = json.loads(json.dumps(contract(BASELINES["two classes"]())))
    VALIDATOR.validate(facts)
    spoil(facts)
    assert not VALIDATOR.is_valid(facts)


def test_predicted_classes_follow_the_cut_off():
    baseline = BASELINES["two classes"]()
    rows = baseline.reference
    assert (rows.predicted == (rows.scores[:, 1] >= 0.3)).all()
    assert baseline.confusion[:, 1].sum() == (rows.scores[:, 1] >= 0.3).sum()
    assert (rows.predicted != rows.scores.argmax(1)).any()
    assert baseline.id != made(cut_off=CutOff(1, 0.31)).id
