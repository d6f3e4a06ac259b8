"""Per-row numbers whose sums over a window make the statistics of the joint test.

Every number depends on the pooled rows only, never on which of them are the window's: that is what keeps the
permutation test exact. Ranks stand in for raw values so that one wild value cannot carry or hide a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

BINS = 8
TAILS = (0.01, 0.05)


@dataclass(frozen=True, slots=True, eq=False)
class RowStatistics:
    """A matrix of per-row numbers, with the meaning of each column."""

    matrix: NDArray[np.float64]
    """(rows, statistics)."""
    sources: tuple[int, ...]
    """(statistics + 1 if whitened): index of the raw column behind each, −1 where it is several."""
    kinds: tuple[str, ...]
    """What each says of its raw column: `location`, `spread`, `low`, `high`, `bin`, `within`, `wave`, `joint`."""
    binary: NDArray[np.intp]
    """Columns that hold only 0 and 1."""
    within: tuple[tuple[int, NDArray[np.intp]], ...] = ()
    """(membership column, columns of scores within its members): standardised given the number of members drawn."""
    whitened: NDArray[np.intp] | None = None
    """Columns that are uncorrelated over the pool; the sum of their squares is one more statistic."""

    @property
    def rows(self) -> int:
        return len(self.matrix)


def normal_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Van der Waerden scores of each column: mean about 0, variance 1, ties shared. Constant columns give 0."""
    ranks = stats.rankdata(values, axis=0)
    scores = stats.norm.ppf(ranks / (len(values) + 1))
    scores -= scores.mean(axis=0)
    spread = scores.std(axis=0)
    return np.asarray(np.divide(scores, spread, out=np.zeros_like(scores), where=spread > 1e-9))


def describe_rows(values: NDArray[np.float64], names: Sequence[str], *, bins: int = BINS) -> RowStatistics:
    """Location, spread, tails and a histogram of each column of `values` (rows, columns), without NaN."""
    parts: list[NDArray[np.float64]] = []
    sources: list[int] = []
    kinds: list[str] = []
    scores = normal_scores(values)
    for column in range(len(names)):
        for kind, numbers in _one_column(values[:, column], scores[:, column], bins):
            parts.append(numbers)
            sources.append(column)
            kinds.append(kind)
    return assemble(parts, sources, kinds, len(values))


def assemble(
    parts: Sequence[NDArray[np.float64]], sources: Sequence[int], kinds: Sequence[str], rows: int
) -> RowStatistics:
    """The columns that vary, as one matrix."""
    kept = [i for i, numbers in enumerate(parts) if np.ptp(numbers) > 1e-12]
    matrix = np.column_stack([parts[i] for i in kept]) if kept else np.zeros((rows, 0))
    binary = [at for at, i in enumerate(kept) if kinds[i] in {"low", "high", "bin"}]
    return RowStatistics(
        matrix=matrix,
        sources=tuple(sources[i] for i in kept),
        kinds=tuple(kinds[i] for i in kept),
        binary=np.array(binary, dtype=np.intp),
    )


def _one_column(
    values: NDArray[np.float64], scores: NDArray[np.float64], bins: int
) -> list[tuple[str, NDArray[np.float64]]]:
    made = [("location", scores), ("spread", normal_scores(np.abs(scores)[:, None])[:, 0])]
    for share in TAILS:
        low, high = np.quantile(values, [share, 1 - share])
        made.append(("low", _outer(values < low, values <= low, share)))
        made.append(("high", _outer(values > high, values >= high, share)))
    made.append(("bin", _unusual(values)))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, values, side="right")
    if bins:
        made += [("bin", (place == cell).astype(float)) for cell in range(len(edges) + 1)]
    return made


def _outer(strict: NDArray[np.bool_], loose: NDArray[np.bool_], share: float) -> NDArray[np.float64]:
    """A tail of about the share that is meant, where ties lie on its edge."""
    return np.asarray((loose if loose.mean() <= 3 * share else strict).astype(np.float64))


def _unusual(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows without the column's commonest value, where that value is common: what a sparse column says at all."""
    found, counts = np.unique(values, return_counts=True)
    if counts.max() < 0.3 * len(values):
        return np.zeros(len(values))
    return np.asarray((values != found[counts.argmax()]).astype(np.float64))


def merge(*several: RowStatistics) -> RowStatistics:
    """Several matrices over the same rows as one; the whitened columns of the last that has any."""
    shifts = np.cumsum([0] + [len(one.kinds) for one in several])
    whitened = None
    for one, shift in zip(several, shifts, strict=False):
        if one.whitened is not None:
            whitened = one.whitened + shift
    return RowStatistics(
        matrix=np.column_stack([one.matrix for one in several]),
        sources=tuple(source for one in several for source in one.sources),
        kinds=tuple(kind for one in several for kind in one.kinds),
        binary=np.concatenate([one.binary + shift for one, shift in zip(several, shifts, strict=False)]),
        within=tuple(
            (int(member + shift), columns + shift)
            for one, shift in zip(several, shifts, strict=False)
            for member, columns in one.within
        ),
        whitened=whitened,
    )


def describe_cloud(
    points: NDArray[np.float64], labels: NDArray[np.int64], *, waves: int = 64, most_labels: int = 8, seed: int = 7
) -> RowStatistics:
    """A cloud of points (rows, dimensions): whole, by predicted label, and through random waves.

    - whitened normal scores; the sum of their squared z is Hotelling's T² under permutation;
    - normal scores within each of the commonest labels (the idea of DriftLens, Greco and others 2024), which a mere
      change of class mix does not move;
    - cosines along random directions of the whitened cloud, the features of a Gaussian kernel
      (Rahimi and Recht 2007): means of them differ when the clouds do (Gretton and others 2012, MMD);
    - distance from the middle.
    """
    scores = normal_scores(points)
    white = _whiten(scores)
    rows, dimensions = white.shape
    location = RowStatistics(
        matrix=white,
        sources=(-1,) * dimensions,
        kinds=("joint",) * dimensions,
        binary=np.zeros(0, np.intp),
        whitened=np.arange(dimensions, dtype=np.intp),
    )
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(dimensions, waves)) / np.sqrt(dimensions)
    scales = np.repeat([0.5, 1.0, 2.0, 4.0], -(-waves // 4))[:waves]
    wave = np.cos(white @ (directions * scales) + rng.uniform(0, 2 * np.pi, waves))
    distance = describe_rows((white**2).sum(axis=1, keepdims=True), ("distance",))
    raw = describe_rows(scores, [str(i) for i in range(dimensions)], bins=0)
    waves_part = assemble(list(wave.T), [-1] * waves, ["wave"] * waves, rows)
    parts = [raw, distance, waves_part, *_by_label(scores, labels, most_labels), location]
    merged = merge(*parts)
    # the distance is a column of its own, after the dimensions
    start = len(raw.kinds)
    sources = list(merged.sources)
    sources[start : start + len(distance.kinds)] = [dimensions] * len(distance.kinds)
    return RowStatistics(
        merged.matrix, (*sources, -1), (*merged.kinds, "joint"), merged.binary, merged.within, merged.whitened
    )


def _by_label(scores: NDArray[np.float64], labels: NDArray[np.int64], most: int) -> list[RowStatistics]:
    parts = []
    found, counts = np.unique(labels, return_counts=True)
    for label in found[np.argsort(-counts, kind="stable")[:most]]:
        members = labels == label
        if members.sum() < 20 or members.all():
            continue
        inside = np.zeros_like(scores)
        inside[members] = normal_scores(scores[members])
        columns = scores.shape[1]
        parts.append(
            RowStatistics(
                matrix=np.column_stack([members.astype(float), inside]),
                sources=(-1, *range(columns)),
                kinds=("member", *("within",) * columns),
                binary=np.array([0], dtype=np.intp),
                within=((0, np.arange(1, columns + 1, dtype=np.intp)),),
            )
        )
    return parts


def _whiten(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Uncorrelated combinations of the columns with variance 1; directions without spread are left out."""
    centred = scores - scores.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    kept = values > 1e-3 * max(float(values.max(initial=0.0)), 1e-12)
    return np.asarray(centred @ (vectors[:, kept] / np.sqrt(values[kept])))
