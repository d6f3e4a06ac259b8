"""Do predictions still look like the baseline's, one after the other? A conformal test martingale over all of them.

Sees within a few predictions what a window sees at its end. Knows no labels.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import PRESENT, Read, embedding, output_numbers, spaced, text_numbers
from monitors.checks._drift import judge_p
from monitors.statistics.conformal import BLOCK, Bins, Purse, advance, make_bins, start
from monitors.statistics.support import Support, fit_support
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window

FEWEST = 100
"""Rows of the baseline below which nothing is compared."""
SHAPES = 3
"""One row in so many shapes what is strange; the others, which shaped nothing, say how strange is usual."""
MOST = 20_000
"""Rows of the baseline that are looked at: more cost seconds and change nothing."""
VIEWS: tuple[tuple[str, Read], ...] = (
    ("text numbers", text_numbers),
    ("scores", output_numbers),
    ("embeddings", embedding),
)


TOGETHER = "text numbers and embeddings together"
JOINED = ("text numbers", "embeddings")
"""Views whose product of distances is one more view: what is a little strange from both sides is strange."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """How strange a row is from one side: its distance from the middle of the baseline's cloud."""

    name: str
    read: Read
    columns: NDArray[np.bool_]
    support: Support

    def __call__(self, rows: Window) -> NDArray[np.float64]:
        """(n,). A row without all of its numbers counts as the least strange: what is unknown proves nothing."""
        values = self.read(rows).values[:, self.columns]
        known = np.asarray(np.isfinite(values).all(axis=1), np.bool_)
        return np.where(known, self.support.distance(np.where(known[:, None], values, 0.0)), 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Normal:
    """What the baseline says is normal."""

    views: tuple[View, ...]
    bins: Bins
    begun: Purse

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns of `strangeness` look at."""
        views = tuple(view.name for view in self.views)
        return (*views, TOGETHER) if set(JOINED) <= set(views) else views


def strangeness(views: Sequence[View], rows: Window) -> NDArray[np.float64]:
    """(n, views), and one column more where text numbers and embeddings are both there."""
    seen = {view.name: view(rows) for view in views}
    columns = list(seen.values())
    if set(JOINED) <= set(seen):
        columns.append(np.sqrt(np.prod([seen[name] for name in JOINED], axis=0)))
    return np.column_stack(columns)


class StreamDrift:
    name = "stream_drift"
    title = "Predictions one by one"
    aspect = Aspect.INPUT
    reads: Literal["predictions", "labels"] = "predictions"

    def advance(
        self, baseline: Baseline, state: Mapping[str, Any] | None, new: Window, *, margin: float, alpha: float
    ) -> tuple[Mapping[str, Any], Finding]:
        """Bet on every prediction that it is stranger than those before it; see `conformal.advance`.

        A state of another baseline starts anew. The alarm stays until the stream is started anew. It says that
        something has changed and never how much: it is never gross.
        """
        normal = _normal(baseline.reference)
        if normal is None:
            why = f"The baseline holds too few rows to compare predictions one by one; it takes {FEWEST}."
            return {}, Finding(self.name, self.aspect, State.INSUFFICIENT, why, details={"stream": True})
        key = f"{baseline.id}/{len(normal.names)}"
        purse = _remember(state, normal.begun) if state is not None and state.get("key") == key else normal.begun
        purse = advance(normal.bins, purse, strangeness(normal.views, new), zlib.crc32(baseline.id.encode()))
        return _keep(purse, key), self._finding(purse, normal, alpha)

    def _finding(self, purse: Purse, normal: Normal, alpha: float) -> Finding:
        if purse.rows == 0:
            why = "No prediction has been read yet."
            return Finding(self.name, self.aspect, State.INSUFFICIENT, why, details={"stream": True})
        p_value = min(1.0, 1.0 / max(purse.peak, 1e-300))
        state, score, threshold = judge_p(p_value, alpha)
        money = ((purse.stakes + purse.later) * np.exp(purse.growth)).sum(axis=1)
        leading = normal.names[int(money.argmax())]
        changed = (
            f"Strange predictions have become more frequent than chance allows, by their {leading} foremost "
            f"(in {purse.rows} predictions since the test began)."
        )
        quiet = f"{purse.rows} predictions, one by one, are no stranger than the baseline's."
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=state,
            summary=changed if state is State.ALARM else quiet,
            score=score,
            threshold=threshold,
            p_value=p_value,
            count=purse.rows,
            details={"stream": True, "leading": leading},
        )


@lru_cache(maxsize=2)
def _normal(reference: Window) -> Normal | None:
    """What is strange and how strange is usual, from different rows; None where there are too few."""
    reference = reference.take(spaced(len(reference), MOST))
    shaping = np.arange(len(reference)) % SHAPES == 0
    shape, usual = reference.take(shaping), reference.take(~shaping)
    views = tuple(view for name, read in VIEWS if (view := _view(name, read, shape)) is not None)
    if len(reference) < FEWEST or not views:
        return None
    bins = make_bins(strangeness(views, shape))
    return Normal(views, bins, start(bins, strangeness(views, usual)))


def _view(name: str, read: Read, rows: Window) -> View | None:
    values = read(rows).values
    columns = np.asarray(np.isfinite(values).mean(axis=0) >= PRESENT, np.bool_)
    if not columns.any():
        return None
    whole = values[:, columns]
    whole = whole[np.isfinite(whole).all(axis=1)]
    return View(name, read, columns, fit_support(whole)) if len(whole) >= FEWEST // SHAPES else None


def _keep(purse: Purse, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "block": BLOCK,
        "rows": purse.rows,
        "counts": purse.counts.tolist(),
        "stakes": purse.stakes.tolist(),
        "growth": purse.growth.tolist(),
        "later": purse.later.tolist(),
        "peak": purse.peak,
    }


def _remember(state: Mapping[str, Any], begun: Purse) -> Purse:
    """A state that an earlier release kept begins anew."""
    counts = np.asarray(state["counts"], np.int64)
    money = [np.asarray(state.get(part, ()), np.float64) for part in ("stakes", "growth", "later")]
    if counts.shape != begun.counts.shape or state["block"] != BLOCK:
        return begun
    if any(part.shape != begun.stakes.shape for part in money):
        return begun
    stakes, growth, later = money
    return Purse(int(state["rows"]), counts, stakes, growth, later, float(state["peak"]))


STREAM = StreamDrift()
