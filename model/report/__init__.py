"""An evaluation for a person: `report.html`, complete in itself, and its plots as PNG. No text of a row is shown.

Knows nothing of baselines, models or where the rows came from but what `Subject` says in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.evaluation import Evaluation
from model.report import beside as parts
from model.report import remarks as words
from model.report.beside import Beside
from model.report.cutoffs import by_cut_off, cut_off_rows
from model.report.palette import DARK, LIGHT, variables
from model.report.plots import (
    CLASSES_SHOWN,
    Drawing,
    calibration,
    confusion,
    drawn,
    lengths,
    outputs_by_class,
    precision_recall,
    right_and_wrong,
    roc,
)
from model.report.remarks import Remark

__all__ = ["PLOTS", "REPORT_FILE", "Beside", "Remark", "Subject", "page", "write_report"]

REPORT_FILE = "report.html"
PLOTS = "plots"
_SURE_AND_WRONG = 20
_ERRORS_SHOWN = 6
_SEGMENTS_SHOWN = 30


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What was evaluated, as a person would name it."""

    title: str
    """What was evaluated: the name of the model."""
    facts: Mapping[str, str]
    """Shown as they stand: dataset, hashes, engine, when."""
    rows: NDArray[np.int64]
    """(n,): numbers by which a reader finds the rows again."""
    length: NDArray[np.float64] | None = None
    """(n,): how long each text is; NaN where unknown."""
    length_unit: str = "tokens"
    truncated: float = 0.0
    """Share of texts that were cut."""


def write_report(evaluation: Evaluation, subject: Subject, directory: Path, beside: Beside | None = None) -> None:
    """Write `report.html` and `plots/*.png` into a directory that exists."""
    beside = beside or Beside()
    drawings = _drawings(evaluation, subject, beside)
    (directory / PLOTS).mkdir()
    shown = {}
    for name, (draw, size) in drawings.items():
        shown[name], picture = drawn(draw, size, name)
        (directory / PLOTS / f"{name}.png").write_bytes(picture)
    (directory / REPORT_FILE).write_text(page(evaluation, subject, beside, shown), encoding="utf-8")


def _drawings(
    evaluation: Evaluation, subject: Subject, beside: Beside
) -> dict[str, tuple[Drawing, tuple[float, float]]]:
    side = float(np.clip(1.2 + 0.9 * len(evaluation.labels), 4.4, 14))
    correct = evaluation.correct
    scores = np.sort(evaluation.scores, axis=1)
    entropy = -(scores * np.log(np.maximum(scores, 1e-12))).sum(1) / np.log(len(evaluation.labels))
    margin = scores[:, -1] - scores[:, -2]
    shown = min(len(evaluation.labels), CLASSES_SHOWN)
    drawings: dict[str, tuple[Drawing, tuple[float, float]]] = {
        "confusion": (confusion(evaluation), (side * 1.15, side)),
        "calibration": (calibration(evaluation), (5.6, 5.0)),
        "confidence": (right_and_wrong(evaluation.confidence, correct, "confidence", 1.0), (5.6, 4.4)),
        "entropy": (right_and_wrong(entropy, correct, "entropy (1 is no idea)", 1.0), (5.6, 4.4)),
        "margin": (right_and_wrong(margin, correct, "lead over the second", 1.0), (5.6, 4.4)),
    }
    drawings["by_class"] = (
        outputs_by_class(evaluation, {"confidence": evaluation.confidence, "entropy": entropy, "lead": margin}),
        (11.2, 0.9 + 1.25 * shown),
    )
    if evaluation.roc:
        drawings["cut_off"] = by_cut_off(evaluation, beside.cut_off)
        drawings["roc"] = (roc(evaluation), (5.4, 5.4))
        drawings["precision_recall"] = (precision_recall(evaluation), (5.4, 5.4))
    length = subject.length
    if length is not None and np.isfinite(length).all() and length.min() < length.max():
        drawings["lengths"] = (lengths(evaluation, length, subject.length_unit), (5.6, 4.4))
    return drawings


def page(evaluation: Evaluation, subject: Subject, beside: Beside, plots: Mapping[str, str]) -> str:
    """The report with its plots, which are SVG by name."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": words.percent, "number": words.number, "grouped": words.count}
    return environment.get_template(
        "report.html"
    ).render(
        evaluation=evaluation,
        subject=subject,
        plots={name: Markup(plot) for name, plot in plots.items()},  # matplotlib has escaped the class names
        style=Markup((here / "report.css").read_text(encoding="utf-8")),
        light=variables(LIGHT),
        dark=variables(DARK),
        beside=beside,
        remarks=words.ordered([*parts.remarks(beside, evaluation), *words.remarks(evaluation, subject.truncated)]),
        cut_offs=cut_off_rows(evaluation, beside.cut_off),
        changes=parts.change_rows(beside.comparison) if beside.comparison else {},
        flips=parts.flip_rows(beside.comparison) if beside.comparison else {},
        kind_of=parts.kind_of,
        interval=words.percent_interval,
        constant=words.most_frequent(evaluation),
        figures=_figures(evaluation),
        errors=words.frequent_errors(evaluation, _ERRORS_SHOWN),
        sure_and_wrong=_sure_and_wrong(evaluation, subject),
        segments=list(evaluation.segments.items())[:_SEGMENTS_SHOWN],
        segment_figures=evaluation.segment_figures,
        classes_shown=CLASSES_SHOWN,
    )


def _figures(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of the table of figures: those that are about all classes together."""
    from model.report.meanings import MEANINGS

    return [
        {"title": title, "meaning": meaning, "estimate": evaluation.metrics[name], "share": share}
        for name, (title, meaning, share) in MEANINGS.items()
        if name in evaluation.metrics and not (name == "macro_roc_auc" and "roc_auc" in evaluation.metrics)
    ]


def _sure_and_wrong(evaluation: Evaluation, subject: Subject) -> list[dict[str, Any]]:
    wrong = np.flatnonzero(~evaluation.correct)
    surest = wrong[np.argsort(-evaluation.confidence[wrong], kind="stable")][:_SURE_AND_WRONG]
    return [
        {
            "row": int(subject.rows[at]),
            "true": evaluation.labels[evaluation.truth[at]],
            "said": evaluation.labels[evaluation.predicted[at]],
            "confidence": float(evaluation.confidence[at]),
            "true_score": float(evaluation.scores[at, evaluation.truth[at]]),
        }
        for at in surest
    ]
