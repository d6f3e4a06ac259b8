"""Runs in DriftLens' own environment: `python driftlens_script.py FOLDER`. Fréchet distances, whole and by label.

It sees the same 32 numbers of an embedding that bertwatch keeps; all of them for the whole, 16 by label. Its own
threshold is the largest of the distances between the baseline and windows drawn from the baseline itself. A label that
a window lacks (where DriftLens raises) counts as no distance.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from driftlens.driftlens import DriftLens

warnings.filterwarnings("ignore")
REDRAWN = 50


def distances(lens: DriftLens, points: np.ndarray, said: np.ndarray, labels: list) -> np.ndarray:
    """Whole first, then by label; 0 where a label has too few rows."""
    present = [label for label in labels if (said == label).sum() >= 3]
    found = lens._compute_frechet_distribution_distances(present, lens.baseline, points, said)
    by_label = [np.real(found["per-label"].get(str(label), 0.0)) for label in labels]
    return np.nan_to_num(np.array([np.real(found["per-batch"]), *by_label], float))


def main(folder: Path) -> None:
    columns = json.loads((folder / "columns.json").read_text())
    references = pd.read_parquet(folder / "reference.parquet")
    windows = pd.read_parquet(folder / "windows.parquet")
    points_of = columns["embedding"]
    labels = list(range(len(columns["labels"])))
    place = {name: at for at, name in enumerate(columns["labels"])}
    scores: list[float] = []
    rng = np.random.default_rng(0)
    began, asked = time.process_time(), 0
    for group, live in windows.groupby("group", sort=True):
        reference = references[references.group == group]
        points, said = reference[points_of].to_numpy(float), reference.predicted.map(place).to_numpy()
        lens = DriftLens()
        lens.estimate_baseline(points, said, labels, len(points_of), len(points_of) // 2)
        size = int((live.window == live.window.iloc[0]).sum())
        usual = []
        for _ in range(REDRAWN):
            rows = rng.choice(len(points), min(size, len(points)), replace=False)
            usual.append(distances(lens, points[rows], said[rows], labels))
        limit = np.maximum(np.max(usual, axis=0), 1e-12)
        for _, rows in live.groupby("window", sort=True):
            there = distances(lens, rows[points_of].to_numpy(float), rows.predicted.map(place).to_numpy(), labels)
            scores.append(float((there / limit).max()))
            asked += 1
    answer = {
        "methods": {"whole and by label": {"scores": scores, "default": 1.0}},
        "seconds": (time.process_time() - began) / max(asked, 1),
    }
    (folder / "answer.json").write_text(json.dumps(answer))


main(Path(sys.argv[1]))
