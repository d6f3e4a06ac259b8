"""Runs in Evidently's own environment: `python evidently_script.py FOLDER`. What DataDriftPreset concludes by default.

Per window the strength of each column's drift: threshold / p for tests, distance / threshold for distances; Evidently
calls a column drifted where it exceeds 1. "any" is the strongest column, "half" the one in the middle. The first window
goes through the whole report, and its tests alone must give the same numbers; the others spare its plots. In its favour
it is not asked about numbers with few values in the baseline: for those it takes a test that gives p = 0 as soon as a
window has a value that the baseline has not, as many a quiet one does.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")


FEW = 5


def asked(base: pd.DataFrame, columns: dict) -> dict:
    return {**columns, "numbers": [name for name in columns["numbers"] if base[name].nunique() > FEW]}


def judged(live: pd.DataFrame, base: pd.DataFrame, columns: dict) -> list[tuple[float, float]]:
    """Drift score and strength of each column."""
    found = []
    for kind, names in ((ColumnType.Numerical, columns["numbers"]), (ColumnType.Categorical, columns["classes"])):
        for name in names:
            test = get_stattest(base[name], live[name], kind, None)
            result = test(base[name], live[name], kind, None)
            score, threshold = float(result.drift_score), float(result.actual_threshold)
            is_p = "p_value" in test.display_name
            found.append((score, threshold / max(score, 1e-300) if is_p else score / threshold))
    return found


def must_agree(live: pd.DataFrame, base: pd.DataFrame, columns: dict) -> None:
    names = columns["numbers"] + columns["classes"]
    definition = DataDefinition(numerical_columns=columns["numbers"], categorical_columns=columns["classes"])
    both = (Dataset.from_pandas(side[names], definition) for side in (live, base))
    report = Report([DataDriftPreset(columns=names)]).run(*both).dict()
    theirs = [float(one["value"]) for one in report["metrics"] if one["metric_name"].startswith("ValueDrift")]
    mine = [score for score, _ in judged(live, base, columns)]
    if len(mine) != len(theirs) or max(abs(a - b) for a, b in zip(sorted(mine), sorted(theirs), strict=True)) > 1e-9:
        raise SystemExit("The tests alone do not give what the report gives.")


def main(folder: Path) -> None:
    columns = json.loads((folder / "columns.json").read_text())
    references = pd.read_parquet(folder / "reference.parquet")
    windows = pd.read_parquet(folder / "windows.parquet")
    strongest, middle, began = [], [], 0.0
    for (group, _), rows in windows.groupby(["group", "window"], sort=True):
        base, live = references[references.group == group].reset_index(drop=True), rows.reset_index(drop=True)
        known = asked(base, columns)
        if not strongest:
            must_agree(live, base, known)
            began = time.process_time()
        ordered = sorted((strength for _, strength in judged(live, base, known)), reverse=True)
        strongest.append(ordered[0])
        middle.append(ordered[(len(ordered) + 1) // 2 - 1])
    methods = {"any column": strongest, "half of the columns": middle}
    answer = {
        "methods": {name: {"scores": scores, "default": 1.0} for name, scores in methods.items()},
        "seconds": (time.process_time() - began) / max(len(strongest), 1),
    }
    (folder / "answer.json").write_text(json.dumps(answer))


main(Path(sys.argv[1]))
