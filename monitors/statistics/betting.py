"""A test that may be looked at after every label: has the error rate risen above the baseline's plus a margin?

Knows right and wrong answers and two counts of the baseline. What it remembers is a small table of numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 100
"""Labels between two moments at which a change may be taken to begin."""
FIRST = 0.5
"""Stake on a change that was there from the first label on; the rest is spread over all later blocks."""
ODDS = np.geomspace(1.15, 40.0, 16)
"""Alternatives: how much the odds of an error have grown beyond what is allowed."""
CAP = 1e100
SURE = 1e9
"""Evidence beyond this is not claimed: rates that the baseline rules out so firmly are left out."""
CERTAIN = 0.5
"""Part of the baseline's e-value that is the constant 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Wager:
    """What is bet on: fixed by the baseline and the margin."""

    allowed: NDArray[np.float64]
    """(rates,): error rates that the hypothesis allows, one for each range of the baseline's true rate."""
    doubt: NDArray[np.float64]
    """(rates,): evidence of the baseline itself against its true rate being so high (an e-value)."""
    up: NDArray[np.float64]
    """(rates, alternatives): log of what an error multiplies a stake by."""
    down: NDArray[np.float64]
    """(rates, alternatives): the same for a right answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Wealth:
    """What is remembered between two labels. Equal however the labels were batched."""

    labels: int
    errors: int
    block_labels: int
    """Labels since the present block began, and the errors among them."""
    block_errors: int
    stakes: NDArray[np.float64]
    """(rates, alternatives): money on the table when the present block began."""
    peak: float
    """The largest evidence so far: 1 / peak is an anytime-valid p-value."""


def place_bets(errors: int, count: int, margin: float) -> Wager:
    """The bets against "the error rate is at most the baseline's true rate + `margin`".

    The baseline made `errors` in `count`; its true rate is unknown. The rates it may have are cut into ranges. For
    each, live labels bet against the upper end + margin, and the baseline's own likelihood ratio against the lower
    end multiplies the winnings: a product of independent e-values. The hypothesis falls when the product is large
    for every range, which wastes less than a confidence bound with the error split in two.
    """
    steps = [0.0, *_edges(errors, count)]
    lower, upper = np.array(steps[:-1]), np.array(steps[1:])
    allowed = np.minimum(upper + margin, 1 - 1e-9)
    odds = allowed[:, None] / (1 - allowed[:, None]) * ODDS[None, :]
    alternative = odds / (1 + odds)
    return Wager(
        allowed=allowed,
        doubt=np.array([_doubt(rate, errors, count) for rate in lower]),
        up=np.log(alternative / allowed[:, None]),
        down=np.log1p(-alternative) - np.log1p(-allowed[:, None]),
    )


def start(wager: Wager) -> Wealth:
    stakes = np.full(wager.up.shape, FIRST / len(ODDS))
    return Wealth(labels=0, errors=0, block_labels=0, block_errors=0, stakes=stakes, peak=0.0)


def advance(wager: Wager, wealth: Wealth, wrong: NDArray[np.bool_]) -> Wealth:
    """The wealth after more answers, in order; `wrong` is (n,).

    Betting against a mean (Waudby-Smith and Ramdas 2024) as Podkopaev and Ramdas 2022 track a deployed model's
    risk. Since nobody knows when a change begins, half of the money is bet from the first label on and the rest,
    with weights 1/(j(j+1)), when block j begins, as in the mixtures of Shin, Ramdas and Rinaldo 2023; the total is
    a nonnegative supermartingale under the hypothesis, so that by Ville's inequality it ever exceeds 1/α with
    probability at most α. Order matters, batches do not: stakes change at block ends only, and within a block
    counts of labels decide.

    It cannot see a rise within the margin, nor errors that nobody labels.
    """
    for part in _blocks(wrong, wealth.block_labels):
        errors = wealth.block_errors + np.cumsum(part)
        labels = wealth.block_labels + np.arange(1, len(part) + 1)
        path = _stakes(wager, wealth.stakes, labels, errors)
        reserve = (1 - FIRST) / (1 + wealth.labels // BLOCK)
        evidence = (_total(path) + reserve) * wager.doubt
        peak = max(wealth.peak, min(float(evidence.min(axis=1).max()), SURE))
        done = int(labels[-1]) == BLOCK
        stakes = wealth.stakes
        if done:
            block = 1 + wealth.labels // BLOCK
            stakes = path[-1] + (1 - FIRST) / (block * (block + 1)) / len(ODDS)
        wealth = Wealth(
            labels=wealth.labels + len(part),
            errors=wealth.errors + int(part.sum()),
            block_labels=0 if done else int(labels[-1]),
            block_errors=0 if done else int(errors[-1]),
            stakes=stakes,
            peak=peak,
        )
    return wealth


def _blocks(wrong: NDArray[np.bool_], begun: int) -> list[NDArray[np.bool_]]:
    cuts = np.arange(BLOCK - begun, len(wrong), BLOCK)
    return [part for part in np.split(wrong, cuts) if len(part)]


def _stakes(
    wager: Wager, stakes: NDArray[np.float64], labels: NDArray[np.int64], errors: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(labels, rates, alternatives): the money after each label of a block, from counts alone."""
    growth = errors[:, None, None] * wager.up + (labels - errors)[:, None, None] * wager.down
    return np.asarray(np.minimum(stakes * np.exp(np.minimum(growth, 500.0)), CAP))


def _total(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """(labels, rates): sums over alternatives, added in one order whatever the length of the batch."""
    total = path[:, :, 0].copy()
    for alternative in range(1, path.shape[2]):
        total += path[:, :, alternative]
    return total


def _edges(errors: int, count: int) -> list[float]:
    """Rates from the observed one up to where the baseline alone rules them out, 0.4 standard errors apart."""
    rate = errors / count
    step = 0.4 * float(np.sqrt(max(rate * (1 - rate), 1 / count) / count))
    edges = [min(rate + step, 1.0)]
    while edges[-1] < 1.0 and _doubt(edges[-1], errors, count) < SURE:
        edges.append(min(edges[-1] + step, 1.0))
    return edges


def _doubt(rate: float, errors: int, count: int) -> float:
    """The e-value of the baseline against a true rate of `rate` or more.

    A mixture of 1 and of likelihood ratios of rates 1, 2 and 3 standard errors lower, fixed by `rate` and `count`
    alone. Above the observed rate it grows with `rate`, and so holds for all higher rates; below, only the constant
    part is counted.
    """
    if rate <= errors / count:
        return CERTAIN
    if rate >= 1.0:
        return SURE
    ratios = []
    for far in (1.0, 2.0, 3.0):
        lower = max(rate - far * float(np.sqrt(rate * (1 - rate) / count)), rate / 50)
        log_ratio = errors * np.log(lower / rate) + (count - errors) * (np.log1p(-lower) - np.log1p(-rate))
        ratios.append(float(np.exp(min(log_ratio, 200.0))))
    return CERTAIN + (1 - CERTAIN) * float(np.mean(ratios))
