"""What moving the cut-off would do: the plot and the table. Knows nothing of pages or of how a cut-off is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.evaluation import Evaluation
from model.evaluation.cutoff import Costs, CutOffs, cut_offs
from model.prediction import CutOff
from model.report.palette import Palette
from model.report.plots import Drawing, dress, hardest, legend, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TABLE = tuple(round(0.1 * step, 1) for step in range(1, 10))
_FINE = np.linspace(0.005, 0.995, 199)


@dataclass(frozen=True, slots=True, eq=False)
class CutOffRows:
    """One class's table."""

    label: str
    rows: list[dict[str, Any]]


def cut_off_rows(evaluation: Evaluation, chosen: CutOff | None) -> list[CutOffRows]:
    """A table for the class that is cut, or one for each class that the plots show."""
    tables = []
    for label in _labels(evaluation, chosen):
        values = sorted({*_TABLE, *((chosen.value,) if chosen is not None else ())})
        steps = _steps(evaluation, label, chosen).at(values)
        missed = steps.positives - steps.true_positives
        rows = [
            {
                "cut_off": f"{value:.3f}".rstrip("0").rstrip(".") if value not in _TABLE else f"{value:.1f}",
                "chosen": chosen is not None and value == chosen.value,
                "false_positives": int(steps.false_positives[i]),
                "missed": int(missed[i]),
                "true_positive_rate": float(steps.recall[i]),
                "false_positive_rate": float(steps.false_positive_rate[i]),
                "precision": float(steps.precision[i]) if np.isfinite(steps.precision[i]) else None,
                "f1": float(steps.f1[i]),
                "cost": float(steps.cost[i]),
            }
            for i, value in enumerate(values)
        ]
        tables.append(CutOffRows(label, rows))
    return tables


def by_cut_off(evaluation: Evaluation, chosen: CutOff | None) -> tuple[Drawing, tuple[float, float]]:
    """Precision, recall and F1 at every cut-off, and its size; for two classes the cost below them."""
    labels = _labels(evaluation, chosen)
    if len(evaluation.labels) == 2:
        return _two_classes(_steps(evaluation, labels[0], chosen), chosen), (11.2, 5.6)
    columns = min(4, len(labels))
    lines = -(-len(labels) // columns)

    def draw(figure: Figure, palette: Palette) -> None:
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, label in zip(grid, labels, strict=False):
            _curves(axes, palette, _steps(evaluation, label, None))
            axes.set_title(short(label), loc="left", weight="bold", color=palette.ink)
            axes.set_xlabel("cut-off")
        for axes in grid[len(labels) :]:
            axes.set_visible(False)
        legend(grid[0], palette, "lower left")

    return draw, (11.2, 0.6 + 2.9 * lines)


def _labels(evaluation: Evaluation, chosen: CutOff | None) -> list[str]:
    if not evaluation.roc:
        return []
    if len(evaluation.labels) == 2:
        return [evaluation.labels[1 if chosen is None else chosen.positive]]
    return hardest(evaluation)


def _steps(evaluation: Evaluation, label: str, chosen: CutOff | None) -> CutOffs:
    costs = Costs() if chosen is None else Costs(chosen.cost_false_positive, chosen.cost_false_negative)
    return cut_offs(evaluation.truth, evaluation.scores, evaluation.labels, label, costs)


def _curves(axes: Axes, palette: Palette, steps: CutOffs) -> None:
    dress(axes, palette)
    fine = steps.at(_FINE)
    for i, (name, values) in enumerate((("precision", fine.precision), ("recall", fine.recall), ("F1", fine.f1))):
        style: Any = {"color": palette.series[i], "linestyle": ("-", (0, (6, 2)), (0, (2, 1.5)))[i]}
        axes.plot(_FINE, values, linewidth=1.8, label=name, **style)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.02, 1.03)


def _two_classes(steps: CutOffs, chosen: CutOff | None) -> Drawing:
    value = 0.5 if chosen is None else chosen.value

    def draw(figure: Figure, palette: Palette) -> None:
        left, right = figure.subplots(1, 2)
        _curves(left, palette, steps)
        dress(right, palette)
        fine = steps.at(_FINE)
        right.plot(_FINE, fine.cost, color=palette.series[3], linewidth=1.8)
        right.set_ylim(0, None)
        right.set_xlim(-0.01, 1.01)
        costs = steps.costs
        said = "each error costs 1" if costs == Costs() else (
            f"a false {short(steps.label)} costs {costs.false_positive:g}, a missed one {costs.false_negative:g}"
        )  # fmt: skip
        right.set_title(f"cost of a row ({said})", loc="left", color=palette.ink)
        left.set_title(f"“{short(steps.label)}” at every cut-off", loc="left", color=palette.ink)
        for axes in (left, right):
            axes.axvline(value, color=palette.ink, linewidth=1.2, linestyle=(0, (4, 2)))
            axes.set_xlabel(f"cut-off on the score of “{short(steps.label)}”")
        left.plot([], [], color=palette.ink, linewidth=1.2, linestyle=(0, (4, 2)), label=f"as served, {value:g}")
        legend(left, palette, "best")

    return draw
