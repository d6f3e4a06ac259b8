"""Writes one Evidently report; a process of its own, for Evidently takes 5 s and 280 MB to import.

    python -m monitors.report_worker DIRECTORY

Reads `plan.json`, `current.npz` and `reference.npz`, writes `report.html`; or `error.txt`, the type of an error.
Gets numbers and escaped category names only; knows nothing of windows, verdicts or texts.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.parent import die_with_parent

LARGEST_SCORE = 300.0
"""−log10 of the smallest p-value that is told apart from 0."""


def main(directory: Path) -> int:
    """Exit status 0, or 1 with `error.txt`."""
    die_with_parent(signal.SIGKILL)
    os.nice(10)
    try:
        html = _render(directory)
    except Exception as error:  # noqa: BLE001 - the parent says it in a sentence
        (directory / "error.txt").write_text(type(error).__name__, encoding="utf-8")
        return 1
    (directory / "report.html").write_text(html, encoding="utf-8")
    return 0


def _render(directory: Path) -> str:
    plan = json.loads((directory / "plan.json").read_text(encoding="utf-8"))
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    numbers, categories = plan["numbers"], plan["categories"]
    methods = _register_tests(plan["changed"])
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    current, reference = (
        Dataset.from_pandas(_frame(directory / f"{name}.npz", numbers, categories), definition)
        for name in ("current", "reference")
    )
    # the whole is drifted exactly when our verdict says so: any share of columns is enough, or none ever is
    preset = DataDriftPreset(
        columns=[*categories, *numbers],
        num_method=methods["num"],
        cat_method=methods["cat"],
        num_threshold=plan["threshold"],
        cat_threshold=plan["threshold"],
        drift_share=0.0 if plan["changed"] else 1.0,
        include_tests=True,
    )
    return str(Report([preset], include_tests=True).run(current, reference).get_html_str(as_iframe=False))


def _frame(path: Path, numbers: list[str], categories: list[str]) -> Any:
    import pandas as pd

    with np.load(path, allow_pickle=False) as columns:
        return pd.DataFrame(
            {name: columns[f"n{i}"] for i, name in enumerate(numbers)}
            | {name: columns[f"c{i}"].astype(object) for i, name in enumerate(categories)}
        )


def _register_tests(changed: bool) -> dict[str, str]:
    """Two-sample tests that say −log10 p, as our checks do; no column drifts while our verdict says nothing did."""
    from evidently.legacy.calculations.stattests.registry import StatTest, register_stattest
    from evidently.legacy.core import ColumnType

    def registered(name: str, title: str, kind: ColumnType, p_value: Callable[[Any, Any], float]) -> str:
        def test(reference: Any, current: Any, _kind: ColumnType, threshold: float) -> tuple[float, bool]:
            score = min(LARGEST_SCORE, -float(np.log10(max(p_value(reference, current), 10.0**-LARGEST_SCORE))))
            return score, changed and score > threshold

        register_stattest(StatTest(name=name, display_name=title, allowed_feature_types=[kind]), test)
        return name

    return {
        "num": registered("bertwatch_ks", "Kolmogorov-Smirnov, −log10 p", ColumnType.Numerical, _kolmogorov_smirnov),
        "cat": registered("bertwatch_chi2", "chi-square, −log10 p", ColumnType.Categorical, _chi_square),
    }


def _kolmogorov_smirnov(reference: Any, current: Any) -> float:
    from scipy.stats import ks_2samp

    return float(ks_2samp(reference, current).pvalue)


def _chi_square(reference: Any, current: Any) -> float:
    """Of two samples: Evidently's own takes the reference's frequencies as exact and fires far too often."""
    from scipy.stats import chi2_contingency

    names = sorted({*reference, *current})
    table: NDArray[np.int64] = np.array([[(column == name).sum() for name in names] for column in (reference, current)])
    return float(chi2_contingency(table).pvalue) if len(names) > 1 else 1.0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
