"""What normal looks like: fit, save, load, compare two.

A directory: `baseline.json` (the contract, for machines and people), `reference.parquet` (one row a
text: numbers only, no text), `words.parquet` (document counts). JSON and Parquet, never pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.prediction import Estimate, ModelInfo
from monitors.window import Window


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
    """At least `accuracy`, `balanced_accuracy`, `macro_f1`, `macro_precision`, `macro_recall`, `log_loss`, `ece`."""
    temperature: float
    confusion: NDArray[np.int64]
    """(classes, classes): rows are the true class, columns the predicted one."""
    reference: Window
    """Every row with its truth; `time` is the row number."""
    words: Mapping[str, int]
    """In how many documents each word stood; words of at least two documents."""
    documents: int

    @property
    def accuracy(self) -> Estimate:
        return self.metrics["accuracy"]


def load_baseline(directory: Path) -> Baseline:
    """Read a baseline directory. Raises InputError with one sentence if it is not one."""
    raise NotImplementedError
