"""The benchmark's arithmetic: rates with their intervals, thresholds at a false-alarm rate, targets. Pure.

A bound holds when the interval's end does: "at least" asks the lower end, "at most" the upper one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from monitors.statistics.binomial import exact_interval

HARMFUL = 0.02
"""Points of accuracy (a share) from which on a scenario is harmful."""
REACHED, OPEN, MISSED = "reached", "not shown", "missed"


@dataclass(frozen=True)
class Rate:
    """A share with its exact interval of 95 %."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        return self.hits / self.count if self.count else float("nan")

    @property
    def ends(self) -> tuple[float, float]:
        if not self.count:
            return 0.0, 1.0
        found = exact_interval(self.hits, self.count)
        return found.low, found.high

    def at_least(self, bound: float) -> str:
        low, high = self.ends
        return REACHED if low >= bound else MISSED if high < bound else OPEN

    def at_most(self, bound: float) -> str:
        low, high = self.ends
        return REACHED if high <= bound else MISSED if low > bound else OPEN

    def about(self, bound: float) -> str:
        """The interval holds the bound, or lies below it."""
        return REACHED if self.ends[0] <= bound else MISSED

    def __str__(self) -> str:
        if not self.count:
            return "–"
        low, high = self.ends
        return f"{shown(self.value)} ({shown(low)}–{shown(high)})"


def shown(share: float) -> str:
    """Per cent, as many decimals as matter."""
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"


def rate(happened: Iterable[bool]) -> Rate:
    values = [bool(one) for one in happened]
    return Rate(sum(values), len(values))


def quiet_months(events: int, months: int) -> tuple[float, float]:
    """Chance of a month with at most one event, where so many came in all months together, and its lower end.

    Events of a quiet month come one by one and seldom (Poisson); the end is that of the exact 95 % interval of their
    mean. It says more than the share of months does: that share would take 72 months without a second event.
    """
    mean = events / months
    most = float(stats.chi2.ppf(0.975, 2 * (events + 1))) / 2 / months
    return float(stats.poisson.cdf(1, mean)), float(stats.poisson.cdf(1, most))


def threshold_at(quiet: Sequence[float], share: float) -> float:
    """The smallest observed score that at most `share` of the quiet ones exceed; the largest where that is none."""
    ordered = np.sort(np.asarray(quiet, np.float64))[::-1]
    return float(ordered[min(int(share * len(ordered)), len(ordered) - 1)])


def joint_score(p_values: Mapping[str, float]) -> float:
    """How loud the loudest check is: −log10 of the smallest p-value."""
    return -float(np.log10(max(min(p_values.values()), 1e-300)))


def fires(p_values: Mapping[str, float], alpha: float) -> bool:
    """Whether any check alarms where all together may do so with probability `alpha` (Bonferroni, like the budget)."""
    return min(p_values.values()) <= alpha / len(p_values)


def within(chances: Sequence[float], hours: int) -> float:
    """Mean over scenarios of the chance that one of `hours` independent windows is seen."""
    return float(np.mean([1 - (1 - chance) ** hours for chance in chances])) if len(chances) else float("nan")


@dataclass(frozen=True)
class Target:
    """One figure of the issue, what came of it, and whether it is reached."""

    what: str
    wanted: str
    found: str
    result: str


def bounded(what: str, most: float, value: float, spread: float, unit: str = "points") -> Target:
    """A mean that should not exceed `most`, with its standard error: the upper end at 95 % decides."""
    high, low = value + 1.96 * spread, value - 1.96 * spread
    result = REACHED if high <= most else MISSED if low > most else OPEN
    return Target(what, f"≤ {most:g} {unit}", f"{value:.2f} ± {1.96 * spread:.2f}", result)
