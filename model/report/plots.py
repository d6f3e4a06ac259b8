"""Plots of an evaluation: one function draws one, in whatever palette. Knows nothing of pages or files.

Matplotlib is imported when something is drawn; figures are made without pyplot, so nothing global changes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.evaluation import Estimate, Evaluation, proportion
from model.report.palette import LIGHT, Palette, with_variables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Drawing = Callable[["Figure", Palette], None]
CLASSES_SHOWN = 8
_DASHES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (1, 1)), (0, (9, 3)), (0, (4, 1)), (0, (3, 3)))
_POINTS = 300
_DPI = 150
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "text.parse_math": False,  # a class may be called $5$
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def drawn(draw: Drawing, size: tuple[float, float], name: str) -> tuple[str, bytes]:
    """The plot for a page, an SVG in the page's own colours, and as a PNG on white; `size` in inches.

    `name` keeps the ids of the SVG apart from those of other plots.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    page, picture = io.BytesIO(), io.BytesIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # a class name in a script that the font lacks: the PNG shows a box, the page its own font
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=size, layout="constrained", facecolor=LIGHT.paper)
        draw(figure, LIGHT)
        # not `savefig`, which draws twice; and what takes longest, to lay it out, is done once for both
        vectors: Any = FigureCanvasSVG
        pixels: Any = FigureCanvasAgg
        figure.patch.set_visible(False)
        vectors(figure).print_svg(page, metadata={"Date": None})
        figure.set_layout_engine("none")
        figure.patch.set_visible(True)
        figure.set_dpi(_DPI)
        pixels(figure).print_png(picture)
    written = page.getvalue().decode()
    return with_variables(written[written.index("<svg") :]), picture.getvalue()


def confusion(evaluation: Evaluation) -> Drawing:
    """Counts, each shaded by its share of the true class."""

    def draw(figure: Figure, palette: Palette) -> None:
        axes = _axes(figure, palette)
        counts = evaluation.confusion
        shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        classes = range(len(counts))
        from matplotlib.patches import Rectangle

        for true in classes:
            for said in classes:
                colour = palette.right if true == said else palette.wrong
                box = Rectangle((said - 0.48, true - 0.48), 0.96, 0.96, facecolor=colour, linewidth=0)
                box.set_alpha(0.06 + 0.5 * float(shares[true, said]))
                axes.add_patch(box)
                if len(counts) <= 12:
                    _cell(axes, palette, (said, true), int(counts[true, said]), float(shares[true, said]))
        axes.set_xlim(-0.5, len(counts) - 0.5)
        axes.set_ylim(len(counts) - 0.5, -0.5)
        names = [short(label) for label in evaluation.labels]
        axes.set_xticks(classes, names, rotation=90 if len(counts) > 8 else 0)
        axes.set_yticks(classes, names)
        axes.tick_params(length=0)
        axes.grid(False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        for spine in axes.spines.values():
            spine.set_visible(False)

    return draw


def _cell(axes: Axes, palette: Palette, at: tuple[int, int], count: int, share: float) -> None:
    style: Any = {"color": palette.ink, "ha": "center", "va": "center"}
    axes.text(at[0], at[1] - 0.1, f"{count:,}".replace(",", " "), weight="bold", size=12, **style)
    axes.text(at[0], at[1] + 0.2, f"{share:.0%}".replace("%", " %"), size=9, **style)


def roc(evaluation: Evaluation) -> Drawing:
    """True against false positive rate, every class against the rest."""

    def draw(figure: Figure, palette: Palette) -> None:
        axes = _axes(figure, palette)
        axes.plot([0, 1], [0, 1], color=palette.soft, linewidth=1, linestyle=(0, (2, 3)), label="chance, 0.50")
        for i, label in enumerate(hardest(evaluation)):
            curve, area = evaluation.roc[label].thin(_POINTS), evaluation.figure("roc_auc", label)
            name = f"{short(label)}, {area.value:.3f}" if area else short(label)
            axes.plot(curve.x, curve.y, color=palette.series[i], linestyle=_DASHES[i], linewidth=1.8, label=name)
        _unit_square(axes, "false positive rate", "true positive rate (recall)")
        legend(axes, palette, "lower right", "area under the curve")

    return draw


def precision_recall(evaluation: Evaluation) -> Drawing:
    """Precision against recall, every class against the rest."""

    def draw(figure: Figure, palette: Palette) -> None:
        axes = _axes(figure, palette)
        for i, label in enumerate(hardest(evaluation)):
            curve = evaluation.precision_recall[label].thin(_POINTS)
            style: Any = {"color": palette.series[i], "linestyle": _DASHES[i]}
            axes.plot(curve.x, curve.y, linewidth=1.8, label=short(label), **style)
            recall, precision = evaluation.figure("recall", label), evaluation.figure("precision", label)
            if recall and precision:
                axes.plot([recall.value], [precision.value], marker="o", markersize=6, color=palette.series[i])
        axes.plot([], [], "o", color=palette.soft, markersize=6, label="as served")
        _unit_square(axes, "recall", "precision")
        legend(axes, palette, "lower left")

    return draw


def calibration(evaluation: Evaluation) -> Drawing:
    """How often it was right against how sure it was, with exact intervals, above the number of rows."""

    def draw(figure: Figure, palette: Palette) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for axes in (top, bottom):
            dress(axes, palette)
        sure = np.array([b.confidence for b in evaluation.calibration])
        right = np.array([b.accuracy.value for b in evaluation.calibration])
        low = np.array([b.accuracy.low for b in evaluation.calibration])
        high = np.array([b.accuracy.high for b in evaluation.calibration])
        top.plot([0, 1], [0, 1], color=palette.soft, linewidth=1, linestyle=(0, (2, 3)), label="as right as it is sure")
        style = {"color": palette.right, "ecolor": palette.right, "elinewidth": 1.2, "capsize": 2.5}
        top.errorbar(sure, right, [right - low, high - right], fmt="o-", markersize=5, label="this model", **style)
        top.set_ylim(-0.02, 1.03)
        top.set_ylabel("share right")
        legend(top, palette, "lower right")
        # below an even share where a cut-off answers a class that has not the highest score
        first = min(1 / len(evaluation.labels), float(evaluation.confidence.min()))
        bottom.hist(evaluation.confidence, bins=_edges(first, 1.0), color=palette.right, alpha=0.75)
        bottom.set_xlim(first - 0.02, 1.02)
        bottom.set_xlabel("confidence")
        _count_rows(bottom)

    return draw


def right_and_wrong(values: NDArray[np.float64], correct: NDArray[np.bool_], what: str, most: float) -> Drawing:
    """Two histograms, one above the other: right answers and wrong ones, each on its own scale. `values`: (n,)."""

    def draw(figure: Figure, palette: Palette) -> None:
        edges = _edges(0.0, most)
        for axes, chosen, colour, name in zip(
            figure.subplots(2, 1, sharex=True),
            (correct, ~correct),
            (palette.right, palette.wrong),
            ("right", "wrong"),
            strict=True,
        ):
            dress(axes, palette)
            axes.hist(values[chosen], bins=edges, color=colour, alpha=0.8)
            rows = int(chosen.sum())
            axes.set_title(f"{name}: {rows:,} rows".replace(",", " "), loc="left", color=colour, weight="bold")
            _count_rows(axes)
            if not rows:
                axes.set_yticks([])
        axes.set_xlabel(what)
        axes.set_xlim(-0.01 * most, 1.01 * most)

    return draw


def outputs_by_class(evaluation: Evaluation, columns: Mapping[str, NDArray[np.float64]]) -> Drawing:
    """Small histograms, a true class a row and an output a column: right answers, and wrong ones on top of them.

    `columns`: arrays (n,) between 0 and 1, by name.
    """

    def draw(figure: Figure, palette: Palette) -> None:
        shown = [label for label in evaluation.labels if label in hardest(evaluation)] or list(evaluation.labels[:1])
        # placed by hand: the layout engine takes a second for so many axes
        figure.set_layout_engine("none")
        height = float(figure.get_figheight())
        place = {"left": 0.15, "right": 0.985, "bottom": 0.55 / height, "top": 1 - 0.1 / height, "hspace": 0.2}
        grid = figure.subplots(len(shown), len(columns), sharex=True, squeeze=False, gridspec_kw=place)
        edges = _edges(0.0, 1.0)
        for label, line in zip(shown, grid, strict=True):
            rows = evaluation.truth == evaluation.labels.index(label)
            for axes, (what, values) in zip(line, columns.items(), strict=True):
                dress(axes, palette)
                parts = [values[rows & evaluation.correct], values[rows & ~evaluation.correct]]
                colours = [palette.right, palette.wrong]
                # one shape a histogram: a bar each takes a second to draw
                axes.hist(parts, bins=edges, stacked=True, color=colours, alpha=0.8, histtype="stepfilled")
                axes.set_xlim(-0.01, 1.01)
                axes.locator_params(axis="y", integer=True, nbins=3)
                if axes in grid[-1]:
                    axes.set_xlabel(what)
            line[0].set_ylabel(short(label), rotation=0, ha="right", va="center")

    return draw


def lengths(evaluation: Evaluation, length: NDArray[np.float64], unit: str) -> Drawing:
    """How long the texts are, and how right the model is on each fifth of them. `length`: (n,), finite."""

    def draw(figure: Figure, palette: Palette) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True)
        for axes in (top, bottom):
            dress(axes, palette)
        shown = float(np.quantile(length, 0.995))
        top.hist(np.minimum(length, shown), bins=40, color=palette.right, alpha=0.75)
        _count_rows(top)
        bottom.axhline(evaluation.accuracy.value, color=palette.soft, linewidth=1, linestyle=(0, (2, 3)))
        for low, high, share in accuracy_by_length(evaluation, length):
            bottom.fill_between([low, min(high, shown)], share.low, share.high, color=palette.right, alpha=0.18, lw=0)
            bottom.plot([low, min(high, shown)], [share.value, share.value], color=palette.right, linewidth=2)
        bottom.set_ylabel("share right")
        bottom.set_xlabel(f"length in {unit}")

    return draw


def accuracy_by_length(evaluation: Evaluation, length: NDArray[np.float64]) -> Iterable[tuple[float, float, Estimate]]:
    """Fifths of the rows by length: from, to, accuracy. Fewer where many rows are of one length."""
    edges = np.unique(np.quantile(length, np.linspace(0, 1, 6)))
    for low, high in pairwise(edges):
        chosen = (length >= low) & ((length < high) | (high == edges[-1]))
        if chosen.any():
            hits = int(evaluation.correct[chosen].sum())
            yield float(low), float(high), proportion(hits, int(chosen.sum()))


def hardest(evaluation: Evaluation) -> list[str]:
    """The classes that a plot has room for, in their own order: those with the smallest areas."""
    areas = {label: evaluation.metrics[f"roc_auc[{label}]"].value for label in evaluation.roc}
    ranked = sorted(areas, key=lambda label: areas[label])[:CLASSES_SHOWN]
    return [label for label in evaluation.labels if label in ranked]


def _axes(figure: Figure, palette: Palette) -> Axes:
    axes = figure.subplots()
    dress(axes, palette)
    return axes


def dress(axes: Axes, palette: Palette) -> None:
    axes.set_facecolor("none")
    axes.tick_params(colors=palette.soft, labelcolor=palette.soft, length=3)
    for part in (axes.xaxis.label, axes.yaxis.label, axes.title):
        part.set_color(palette.ink)
    for spine in axes.spines.values():
        spine.set_color(palette.soft)
        spine.set_linewidth(0.8)
    axes.grid(True, color=palette.line, linewidth=0.7)
    axes.set_axisbelow(True)


def _count_rows(axes: Axes) -> None:
    axes.set_ylabel("rows")
    axes.locator_params(axis="y", integer=True, nbins=5)


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.set_aspect("equal")
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def legend(axes: Axes, palette: Palette, place: str, title: str | None = None) -> None:
    style: Any = {"loc": place, "labelcolor": palette.ink, "title": title}
    drawn = axes.legend(**style, frameon=False, fontsize=9, title_fontsize=9, handlelength=2.8)
    drawn.get_title().set_color(palette.soft)


def _edges(low: float, high: float) -> NDArray[np.float64]:
    return np.linspace(low, high, 31)


def short(label: str) -> str:
    return label if len(label) <= 18 else label[:17] + "…"
