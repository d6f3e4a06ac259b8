"""Runs in NannyML's own environment: `python nannyml_script.py FOLDER`. CBPE, univariate and multivariate drift.

Defaults but for the chunks: a window is a chunk, and the reference is cut into chunks of the same size, as its
documentation asks. Strengths are relative to its thresholds: NannyML alerts where one exceeds 1.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import nannyml
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")


def ratios(values: np.ndarray, low: np.ndarray, high: np.ndarray, middle: float) -> np.ndarray:
    """How far out of [low, high], in units of the distance from the middle to the nearer end."""
    up = np.where(np.isfinite(high), (values - middle) / np.maximum(high - middle, 1e-12), -np.inf)
    down = np.where(np.isfinite(low), (middle - values) / np.maximum(middle - low, 1e-12), -np.inf)
    return np.maximum(up, down)


def limits(frame: pd.DataFrame, key) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part = frame[key]
    low, high = (part[name].astype(float).to_numpy() for name in ("lower_threshold", "upper_threshold"))
    return part["value"].astype(float).to_numpy(), low, high


def drift(reference: pd.DataFrame, live: pd.DataFrame, names: list[str], classes: list[str], size: int):
    calculator = nannyml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=classes, chunk_size=size)
    result = calculator.fit(reference).calculate(live).filter(period="analysis").to_df()
    strongest = np.full(len(result), -np.inf)
    for name in names:
        for method in {key[1] for key in result.columns if key[0] == name}:
            value, _, high = limits(result[name], method)
            strongest = np.fmax(strongest, value / np.maximum(high, 1e-12))
    return strongest


def multivariate(reference: pd.DataFrame, live: pd.DataFrame, names: list[str], size: int):
    calculator = nannyml.DataReconstructionDriftCalculator(column_names=names, chunk_size=size)
    result = calculator.fit(reference).calculate(live)
    usual = result.filter(period="reference").to_df()["reconstruction_error"]["value"].astype(float).mean()
    found = result.filter(period="analysis").to_df()
    return ratios(*limits(found, "reconstruction_error"), usual)


def performance(reference: pd.DataFrame, live: pd.DataFrame, labels: list[str], size: int):
    estimator = nannyml.CBPE(
        metrics=["accuracy"],
        y_pred_proba={label: f"score_{label}" for label in labels},
        y_true="label",
        y_pred="predicted",
        problem_type="classification_multiclass",
        chunk_size=size,
    )
    result = estimator.fit(reference).estimate(live)
    usual = result.filter(period="reference").to_df()["accuracy"]["value"].astype(float).mean()
    value, low, _ = limits(result.filter(period="analysis").to_df(), "accuracy")
    return value, ratios(value, low, np.full(len(value), np.inf), usual)


def main(folder: Path) -> None:
    columns = json.loads((folder / "columns.json").read_text())
    names = columns["numbers"] + columns["classes"]
    references = pd.read_parquet(folder / "reference.parquet")
    windows = pd.read_parquet(folder / "windows.parquet")
    scores: dict[str, list[float]] = {"univariate": [], "multivariate": [], "CBPE": []}
    estimates: list[float] = []
    began = time.process_time()
    for group, rows in windows.groupby("group", sort=True):
        reference = references[references.group == group].reset_index(drop=True)
        size = int((rows.window == rows.window.iloc[0]).sum())
        live = rows.sort_values("window", kind="stable").reset_index(drop=True)
        scores["univariate"] += drift(reference, live, names, columns["classes"], size).tolist()
        scores["multivariate"] += multivariate(reference, live, columns["numbers"], size).tolist()
        value, strength = performance(reference, live, columns["labels"], size)
        scores["CBPE"] += strength.tolist()
        estimates += value.tolist()
    answer = {
        "methods": {name: {"scores": found, "default": 1.0} for name, found in scores.items()},
        "estimates": estimates,
        "seconds": (time.process_time() - began) / max(len(estimates), 1),
    }
    (folder / "answer.json").write_text(json.dumps(answer))


main(Path(sys.argv[1]))
