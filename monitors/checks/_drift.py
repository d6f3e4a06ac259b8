"""How every drift check speaks: one joint test over one view of the window, one finding. Knows no view."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.checks._columns import Pair
from monitors.checks._words import COUNTED, describe_change
from monitors.statistics import distances
from monitors.statistics.ks import ks_distance
from monitors.statistics.permutation import JointTest, joint_test
from monitors.statistics.rows import RowStatistics
from monitors.statistics.support import Support, fit_support
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window

FEWEST_WINDOW = 20
FEWEST_BASE = 50
GROSS = 0.5
"""Share of grossly different texts from which on the change is gross."""
LOUDEST = 5
NOTABLE = 5.0
"""Standard deviations from which on a second column is worth a clause of its own."""


def too_little(check: str, aspect: Aspect, why: str, count: int) -> Finding:
    return Finding(check=check, aspect=aspect, state=State.INSUFFICIENT, summary=why, count=count)


def judge_p(p_value: float, alpha: float) -> tuple[State, float, float]:
    """State, score and threshold of a test with a p-value."""
    score = -float(np.log10(max(p_value, 1e-300)))
    threshold = -float(np.log10(alpha))
    return (State.ALARM if score > threshold else State.OK), score, threshold


def stuck(window: Window) -> bool:
    """True where every row got the very same scores: nothing about the world can be learnt from that."""
    return len(window) > 0 and bool((window.scores == window.scores[0]).all())


def seed_of(window: Window) -> int:
    """A seed that the same window always gives, so that a check is pure."""
    return zlib.crc32(np.array([window.start, window.end, len(window)], np.int64).tobytes())


def drift_finding(
    check: str,
    aspect: Aspect,
    sides: Pair,
    window: Window,
    alpha: float,
    *,
    describe: Callable[[NDArray[np.float64], Pair], RowStatistics],
    what: str,
    phrase: Callable[[JointTest, RowStatistics, Pair, float], str | None] | None = None,
    grossness: Callable[[Support, Pair], float] | None = None,
) -> Finding:
    """One view's joint test as a finding. `what` names the view in a sentence: "The texts", "The scores".

    `grossness` is the share of rows that are grossly different; by default that outside the baseline's support.
    """
    rows, base_rows = len(sides.window), len(sides.base)
    if not sides.names or rows < FEWEST_WINDOW or base_rows < FEWEST_BASE:
        why = f"{what} cannot be compared: {rows} rows in the window and {base_rows} in the baseline carry them."
        return too_little(check, aspect, why, rows)
    if stuck(window) or (np.ptp(sides.window, axis=0) == 0).all():
        return too_little(check, aspect, f"{what} are the same in every row of the window.", rows)
    pool = describe(np.concatenate([sides.base, sides.window]), sides)
    if not pool.kinds:
        return too_little(check, aspect, f"{what} do not vary.", rows)
    sources = np.array(pool.sources)
    test = joint_test(pool, rows, seed=seed_of(window))
    state, score, threshold = judge_p(test.p_value, alpha)
    support = fit_support(sides.base)
    outside = float(support.outside(sides.window).mean())
    carriers = loudest(test, pool)
    said = phrase(test, pool, sides, outside) if phrase else None
    if said is None and carriers:
        named = [at for at in carriers if at < len(sides.names)]
        named = named[:1] + [at for at in named[1:] if _z_of(at, test, sources) >= NOTABLE]
        said = _say(sides, named)
    changed = f"{what} have changed" + (f": {said}." if said else ".")
    quiet = f"{what} look like the baseline's ({rows} rows)."
    return Finding(
        check=check,
        aspect=aspect,
        state=state,
        summary=changed if state is State.ALARM else quiet,
        score=score,
        threshold=threshold,
        p_value=test.p_value,
        count=rows,
        gross=state is State.ALARM and (grossness(support, sides) if grossness else outside) >= GROSS,
        details={
            "outside_support": outside,
            "largest_z": test.largest,
            "permutations": test.permutations,
            "columns": _effects(sides, test, pool, carriers),
        },
    )


def loudest(test: JointTest, pool: RowStatistics) -> list[int]:
    """Raw columns by their largest |z|, the loudest first."""
    sources = np.array(pool.sources)
    heard = np.abs(test.z)
    columns = [int(column) for column in np.unique(sources[sources >= 0])]
    return sorted(columns, key=lambda column: -heard[sources == column].max())[:LOUDEST]


def _z_of(column: int, test: JointTest, sources: NDArray[np.intp]) -> float:
    return float(np.abs(test.z[sources == column]).max())


def _say(sides: Pair, columns: Sequence[int]) -> str:
    """The two loudest columns in words; lengths say the same thing, so only one of them speaks."""
    lengths = [at for at in columns if sides.names[at] in COUNTED]
    spoken = [at for at in columns if at not in lengths[1:]][:2]
    clauses = [describe_change(sides.names[at], sides.window[:, at], sides.base[:, at]) for at in spoken]
    return "; ".join(clauses)


def _effects(sides: Pair, test: JointTest, pool: RowStatistics, columns: Sequence[int]) -> list[dict[str, Any]]:
    effects = []
    sources = np.array(pool.sources)
    for at in columns:
        if at >= len(sides.names):
            continue
        mine = np.flatnonzero(sources == at)
        top = int(mine[np.abs(test.z[mine]).argmax()])
        now, then = sides.window[:, at], sides.base[:, at]
        binned = distances.shares(now, then)
        effects.append(
            {
                "name": sides.names[at],
                "z": float(test.z[top]),
                "statistic": pool.kinds[top],
                "median": float(np.median(now)),
                "baseline_median": float(np.median(then)),
                "mean": float(now.mean()),
                "baseline_mean": float(then.mean()),
                "ks_distance": ks_distance(now, then),
                "psi": distances.psi(*binned),
                "jensen_shannon": distances.jensen_shannon(*binned),
                "wasserstein": distances.wasserstein(now, then),
            }
        )
    return effects
