"""Coverage of the intervals of an accuracy from few labels and many guesses, drawn evenly or by an audit in doubt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.prediction import Estimate
from monitors.statistics.binomial import exact_interval
from monitors.statistics.ppi import powered_share, trustworthy
from monitors.statistics.sampling import chances, compound, draw_systematic, scale_for, unsure
from monitors.statistics.weighted import weighted_share

ROWS = 4000


@dataclass(frozen=True)
class Coverage:
    share: float
    """Of draws whose interval holds the true accuracy."""
    above: float
    """Of draws whose interval lies above it."""
    narrower: float
    """Mean width over that of the exact interval of as many plain labels."""
    powered: float
    """Of draws in which guesses were trusted."""


def shown(correct: np.ndarray, guess: np.ndarray, everyone: np.ndarray, asked: np.ndarray | None) -> Estimate:
    """The interval that `checks/accuracy.py` shows."""
    if trustworthy(correct):
        return powered_share(correct, guess, everyone, asked)
    if asked is None:
        return exact_interval(int(correct.sum()), len(correct))
    return weighted_share(correct, asked)


def coverage(accuracy: float, labels: int, *, audit: bool, lie: bool, draws: int, seed: int = 0) -> Coverage:
    """Rows are right with chances from a beta distribution; guesses are these chances, or with `lie` a distortion."""
    rng = np.random.default_rng([seed, labels, round(1000 * accuracy), audit])
    held, above, width, powered = 0, 0, 0.0, 0
    for _ in range(draws):
        chance = rng.beta(3 * accuracy, 3 * (1 - accuracy), ROWS)
        right = rng.random(ROWS) < chance
        guess = np.where(rng.random(ROWS) < 0.5, chance**4, rng.random(ROWS)) if lie else chance
        asked = None
        drawn = np.zeros(ROWS, np.bool_)
        if audit:
            doubt = unsure(np.maximum(guess, 1 - guess))
            rounds = [np.full(ROWS, labels / 2 / ROWS)]
            drawn = draw_systematic(rounds[0], rng)
            rounds.append(chances(doubt, scale_for(doubt[~drawn], labels / 2)))
            drawn |= draw_systematic(rounds[1], rng)
            asked = compound(rounds, ROWS)[drawn]
        else:
            drawn[rng.choice(ROWS, labels, replace=False)] = True
        found = shown(right[drawn], guess[drawn], guess, asked)
        held += found.low <= accuracy <= found.high
        above += found.low > accuracy
        powered += trustworthy(right[drawn])
        plain = exact_interval(int(right[:labels].sum()), labels)
        width += (found.high - found.low) / (plain.high - plain.low)
    return Coverage(held / draws, above / draws, width / draws, powered / draws)
