"""The baseline itself: what it holds, how it reads as JSON, and the hash that is its id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.prediction import CutOff, Estimate, ModelInfo
from monitors.window import COLUMNS, Window

if TYPE_CHECKING:
    from model.evaluation.behavior import BehaviorReport  # scipy comes with its room

SCHEMA_VERSION = 2
_WITHOUT_STRAINED = 1
"""The version that a baseline without strained rows still has: what read it then reads it now."""
CONTRACT_FILE = "baseline.json"
REFERENCE_FILE = "reference.parquet"
WORDS_FILE = "words.parquet"
STRAINED_FILE = "strained.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The evaluation of one model on labelled rows that it has never seen."""

    id: str
    """Short hash of everything below but `created`."""
    model: ModelInfo
    engine: str
    precision: str
    created: str
    """ISO 8601, UTC."""
    dataset: Mapping[str, object]
    """`name`, `sha256`, `rows`."""
    metrics: Mapping[str, Estimate]
    """At least `accuracy`, `balanced_accuracy`, `macro_f1`, `macro_precision`, `macro_recall`, `log_loss`, `ece`;
    by class as `recall[World]`."""
    temperature: float
    confusion: NDArray[np.int64]
    """(classes, classes): rows are the true class, columns the predicted one."""
    reference: Window
    """Every row with its truth; `time` is the row number."""
    words: Mapping[str, int]
    """In how many documents each word stood; words of at least two documents."""
    documents: int
    undefined: Mapping[str, str] = field(default_factory=dict)
    """Figures that the rows cannot give, by name, each with its reason."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the model's weights, tokenizer and labels, where they are known."""
    cut_off: CutOff | None = None
    """How a model of two classes answers; None where the highest score wins."""
    cut_off_table: Mapping[str, Mapping[str, list[float | None]]] = field(default_factory=dict)
    """By class against the rest, what each cut-off does: columns `cut_off`, `recall`, `precision`, …"""
    segments: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    """By segment: `accuracy`, `balanced_accuracy`, `macro_f1`, `constant_accuracy`."""
    behavior: BehaviorReport | None = None
    agreement: float | None = None
    """Share of rows that get the class that an exact engine gives them, where this engine is not exact."""
    strained: Window | None = None
    """Copies of rows that were made harder to read, with the truth of the row; `time` is its number. None where nobody
    asked the model about any."""

    @property
    def accuracy(self) -> Estimate:
        return self.metrics["accuracy"]


def contract(baseline: Baseline) -> dict[str, Any]:
    """What stands in `baseline.json`; no NaN, no text."""
    model = baseline.model
    by_class = baseline.confusion.sum(axis=1).tolist()
    return {
        "schema_version": _WITHOUT_STRAINED if baseline.strained is None else SCHEMA_VERSION,
        "id": baseline.id,
        "created": baseline.created,
        "model": {
            "version": model.version,
            "name": model.name,
            "labels": list(model.labels),
            "features": list(model.features),
            "hashes": dict(baseline.hashes),
        },
        "engine": {"name": baseline.engine, "precision": baseline.precision}
        | ({} if baseline.agreement is None else {"agreement": baseline.agreement}),
        "dataset": dict(baseline.dataset),
        "counts": {
            "rows": len(baseline.reference),
            "documents": baseline.documents,
            "words": len(baseline.words),
            "classes": dict(zip(model.labels, by_class, strict=True)),
        }
        | ({} if baseline.strained is None else {"strained": len(baseline.strained)}),
        "metrics": {name: asdict(estimate) for name, estimate in baseline.metrics.items()},
        "undefined": dict(baseline.undefined),
        "temperature": baseline.temperature,
        "confusion": baseline.confusion.tolist(),
        "cut_off": _cut_off(baseline.cut_off, model.labels),
        "cut_off_table": {label: dict(columns) for label, columns in baseline.cut_off_table.items()},
        "segments": {
            segment: {name: asdict(estimate) for name, estimate in figures.items()}
            for segment, figures in baseline.segments.items()
        },
        "behavior": None if baseline.behavior is None else _behavior(baseline.behavior),
    }


def _cut_off(cut_off: CutOff | None, labels: tuple[str, ...]) -> dict[str, Any] | None:
    if cut_off is None:
        return None
    return asdict(cut_off) | {"positive": labels[cut_off.positive]}


def _behavior(report: BehaviorReport) -> dict[str, Any]:
    tests = [
        asdict(test)
        | {"passed": test.passed, "failed": list(test.failed), "examples": [asdict(each) for each in test.examples]}
        for test in report.tests
    ]
    return {"pack": report.pack, "passed": not report.failed, "tests": tests}


def identity(baseline: Baseline) -> str:
    """A hash that is the same wherever and whenever the same baseline is made."""
    facts = contract(baseline) | {"id": None, "created": None, "words": sorted(baseline.words.items())}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for window in (baseline.reference, baseline.strained):
        for column in () if window is None else (getattr(window, name) for name in COLUMNS):
            digest.update(json.dumps(list(column)).encode() if column.dtype == object else column.tobytes())
    return digest.hexdigest()[:12]
