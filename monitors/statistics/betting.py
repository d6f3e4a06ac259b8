"""A test that may be looked at after every label: has the error rate risen above the baseline's plus a margin?

Knows right and wrong answers, two counts of the baseline and, where there is one, a guess for each label. What it
remembers is a small table of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

DEVIATIONS = np.linspace(-1.5, 5.0, 44)
"""Where the baseline's true rate may lie: standard errors above the observed one."""
WORSE = np.array([0.06, 0.11, 0.4])
"""Alternatives to "no worse than the baseline": how much higher the error rate is."""
BEYOND = np.array([0.04, 0.09, 0.35])
"""Alternatives to "within the margin": how much higher it is than what is allowed."""
HALF_LIFE = 1500.0
"""Labels before which a change begins with chance ½; later ones get stakes that fall with the square of time."""
SPEND = 0.75
"""How evidence of baseline and labels is exchanged: a tail probability u of the baseline weighs as much as u^0.75."""
TIGHT = 2.6
"""The bound of Ville's inequality over the false alarms that are seen within 10,000 labels, rounded down."""
HELP = 0.5
"""Guessed error rates are held below this, so that a right answer to a row that looked wrong cannot ruin a bet."""
CAP = 1e100
LEAST = float(stats.norm.sf(DEVIATIONS[-1]))
"""Higher rates of the baseline are not looked at, so that no p-value falls below 1.3e-4."""


@dataclass(frozen=True, slots=True, eq=False)
class Wager:
    """What is bet on: fixed by the baseline and the margin. The first half of the rates is the baseline's own, the
    second half has the margin on top."""

    tail: NDArray[np.float64]
    """(2 rates,): chance that a baseline is as good as the observed one if its true rate is that of the range."""
    allowed: NDArray[np.float64]
    """(…, 2 rates, 1): the error rate that the hypothesis allows, the upper end of the range."""
    stakes: NDArray[np.float64]
    """(…, 2 rates, alternatives): what is risked on a label, as a part of the money."""
    helped: NDArray[np.float64]
    """(…, 2 rates, alternatives): the same, held small enough for labels with a guess."""

    @property
    def rates(self) -> int:
        return len(self.tail) // 2


@dataclass(frozen=True, slots=True, eq=False)
class Wealth:
    """What is remembered between two labels. Equal however the labels were batched. With leading dimensions it is
    that of many streams in step."""

    labels: int
    errors: NDArray[np.int64]
    """(…)."""
    money: NDArray[np.float64]
    """(…, 2 rates, alternatives)."""
    peak: NDArray[np.float64]
    """(…): the largest evidence so far: 1 / peak is an anytime-valid p-value."""


def place_bets(errors: int | NDArray[np.int64], count: int, margin: float) -> Wager:
    """The bets on "the error rate exceeds the baseline's true one by more than `margin`".

    The baseline made `errors` (…) in `count`; its true rate is unknown. The rates it may have are cut into ranges, and
    the hypothesis must fall for every one of them. For a range with the tail probability u of the baseline it falls
    when money has grown to (u / u₀)^¾. Since u is a p-value, independent of what comes, the chance of that is at
    most the mean of min(1, (u₀ / u)^¾) over uniform u, in which u₀ is set. Exchanging the two so wastes less than a
    confidence bound with the error split in two, or than an e-value of the baseline with the mixture it takes.
    """
    tails = stats.norm.sf(DEVIATIONS)
    seen = np.asarray(errors)[..., None]
    rates = np.where(seen < count, stats.beta.isf(tails, seen + 1, np.maximum(count - seen, 1)), 1.0)
    allowed = np.clip(np.concatenate([rates, rates + margin], axis=-1), 1e-9, 1 - 1e-6)[..., None]
    higher = np.minimum(np.repeat(np.stack([WORSE, BEYOND]), len(tails), axis=0), (1 - allowed) / 2)
    stakes = higher / (allowed * (1 - allowed))
    return Wager(
        tail=np.tile(np.concatenate([[1.0], tails[:-1]]), 2),
        allowed=allowed,
        stakes=stakes,
        helped=np.minimum(stakes, 0.9 / (allowed + HELP)),
    )


def start(wager: Wager, streams: tuple[int, ...] = ()) -> Wealth:
    """No label yet. `streams` are leading dimensions before those of the wager."""
    money = np.zeros((*streams, *wager.stakes.shape))
    return Wealth(labels=0, errors=np.zeros(money.shape[:-2], np.int64), money=money, peak=np.zeros(money.shape[:-2]))


def advance(
    wager: Wager, wealth: Wealth, wrong: NDArray[np.bool_], surplus: NDArray[np.float64] | None = None
) -> Wealth:
    """The wealth after more answers, in order; `wrong` is (…, n).

    Linear bets against a mean (Waudby-Smith and Ramdas 2024), as Podkopaev and Ramdas 2022 track a deployed model's
    risk. Two things must be proven. *Something has become worse at all*: nobody knows when, so a new bet begins with
    every label, with weights that sum to 1 (Shin, Ramdas and Rinaldo 2023); this is a supermartingale while the model
    is as good as ever, and what keeps quiet streams quiet. *It is worse by more than the margin*: bets from the most
    suspicious label on (Page 1954), so that proof counts from a moment chosen by hindsight. A stream that loses
    exactly the margin, for good, is therefore on the fence: it alarms now and then, later than a worse one.

    On a quiet stream the chance of an alarm at α is, by Ville's inequality and for ever, at most `TIGHT` α; that is
    loose, since the hypothesis must fall for every rate at once: within 10,000 labels it is below α, simulated over
    baselines of 200 to 3,000 rows, error rates of 3 to 40 % and margins from 0 on.

    `surplus` (…, n) makes it prediction-powered (Zhang, Cai, Yu and Simeone 2026, arXiv 2602.02229): by how much a
    row's guessed error rate exceeds the mean guess over all predictions, labelled or not, each held below `HELP`;
    NaN where there is none. It is taken off the error, as a control variate. Its mean is nothing however wrong the
    guesses are, as long as labels fall evenly on predictions; good guesses take noise away. The harm stream does
    without: guesses that know 15 % of the variance, as on news, save 6 % of labels, and where people choose what to
    label a page would hang on a guess.

    It cannot see errors that nobody labels.
    """
    labels, money, errors, peak = wealth.labels, wealth.money.copy(), wealth.errors.copy(), wealth.peak.copy()
    half = wager.rates
    for at in range(wrong.shape[-1]):
        worse, beyond = money[..., :half, :], money[..., half:, :]
        worse += HALF_LIFE / (labels + HALF_LIFE) / (labels + 1 + HALF_LIFE)
        np.maximum(beyond, 1.0, out=beyond)
        answer = wrong[..., at]
        gain, stakes = answer.astype(np.float64)[..., None, None], wager.stakes
        if surplus is not None:
            known = np.isfinite(surplus[..., at])[..., None, None]
            gain = gain - np.where(known, surplus[..., at][..., None, None], 0.0)
            stakes = np.where(known, wager.helped, stakes)
        money *= 1 + stakes * (gain - wager.allowed)
        np.minimum(money, CAP, out=money)
        labels += 1
        errors += answer
        np.maximum(peak, _evidence(wager, money), out=peak)
    return Wealth(labels=labels, errors=errors, money=money, peak=peak)


def _evidence(wager: Wager, money: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…): one over the p-value of both proofs together."""
    mean = np.add.reduce(money, axis=-1) / money.shape[-1]
    left = wager.tail * np.maximum(mean, 1e-300) ** (-1 / SPEND)
    worse = _level(left[..., : wager.rates].max(axis=-1))
    beyond = _level(left[..., wager.rates :].max(axis=-1))
    return np.asarray(1 / np.maximum(worse / TIGHT, beyond * TIGHT))


def _level(threshold: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of min(1, (threshold / u)^SPEND) over u uniform on (0, 1)."""
    least = np.clip(threshold, LEAST, 1.0)
    return np.asarray(least + (least**SPEND - least) / (1 - SPEND))
