"""Whether a baseline's figures are scikit-learn's: `python -m tests.bench.figures BASELINE`. Seconds.

Reads the rows of `reference.parquet`, has scikit-learn compute what it knows, and sets it beside `baseline.json`.
Exit status 1 where a figure differs by more than 1e-9.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics

MOST = 1e-9


def scikit_learns(rows: pd.DataFrame, labels: list[str]) -> dict[str, float]:
    """Every figure that it has, by the name that it has in `baseline.json`."""
    at = {label: place for place, label in enumerate(labels)}
    truth = rows["label"].map(at).to_numpy(dtype=np.int64)
    said = rows["predicted"].map(at).to_numpy(dtype=np.int64)
    scores = rows[[f"score_{label}" for label in labels]].to_numpy(dtype=np.float64)
    scores = scores / scores.sum(axis=1, keepdims=True)
    classes = np.arange(len(labels))
    found = {
        "accuracy": metrics.accuracy_score(truth, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
        "log_loss": metrics.log_loss(truth, scores, labels=classes),
    }
    for average in ("macro", "weighted"):
        figures = metrics.precision_recall_fscore_support(truth, said, average=average, zero_division=0)
        found |= {f"{average}_{name}": figures[i] for i, name in enumerate(("precision", "recall", "f1"))}
    by_class = metrics.precision_recall_fscore_support(truth, said, labels=classes, zero_division=0)
    areas = [metrics.roc_auc_score(truth == place, scores[:, place]) for place in classes]
    for place, label in enumerate(labels):
        found |= {f"{name}[{label}]": by_class[i][place] for i, name in enumerate(("precision", "recall", "f1"))}
        found[f"roc_auc[{label}]"] = areas[place]
    found["macro_roc_auc"] = float(np.mean(areas))
    found["brier"] = _brier(truth, scores)
    if len(labels) == 2:
        found["roc_auc"] = areas[1]
    return found


def _brier(truth: NDArray[np.integer[Any]], scores: NDArray[np.float64]) -> float:
    """Over all classes; scikit-learn halves it where there are two."""
    if scores.shape[1] == 2:
        return float(metrics.brier_score_loss(truth, scores[:, 1]))
    return float(metrics.brier_score_loss(truth, scores, labels=np.arange(scores.shape[1])))


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    directory = Path(sys.argv[1])
    contract = json.loads((directory / "baseline.json").read_text())
    theirs = scikit_learns(pd.read_parquet(directory / "reference.parquet"), contract["model"]["labels"])
    ours = {name: contract["metrics"][name]["value"] for name in theirs if name in contract["metrics"]}
    sys.stdout.write("| figure | bertwatch | scikit-learn | difference |\n|---|---|---|---|\n")
    for name, value in ours.items():
        sys.stdout.write(f"| {name} | {value:.6f} | {theirs[name]:.6f} | {abs(value - theirs[name]):.0e} |\n")
    most = max(abs(value - theirs[name]) for name, value in ours.items())
    sys.stdout.write(f"\n{len(ours)} figures; the largest difference is {most:.0e}\n")
    if most > MOST:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
