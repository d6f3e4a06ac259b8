"""Accuracy from few labels and many guesses: an interval that guesses make narrower and cannot make wrong.

Knows what was right, guesses of it, and with which probability each label was asked for; nothing of where they come
from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.prediction import Estimate

FEWEST = 50
"""Labels below which guesses are left aside."""
EITHER = 5
"""Right answers among them, and wrong ones: fewer say nothing of what guesses are worth."""


def trustworthy(correct: NDArray[np.bool_]) -> bool:
    """Whether labels are enough to say what guesses are worth: below that, and near 0 and 1, variances are luck."""
    right = int(correct.sum())
    return len(correct) >= FEWEST and min(right, len(correct) - right) >= EITHER


def powered_share(
    correct: NDArray[np.bool_],
    guesses: NDArray[np.float64],
    all_guesses: NDArray[np.float64],
    asked: NDArray[np.float64] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """The share of right answers among all rows, from n labelled ones and a guess for each of the N rows.

    Prediction-powered inference (Angelopoulos and others 2023) with the power of the guesses tuned on the labels
    (PPI++, Angelopoulos, Duchi and Zrnic 2023): mean guess over all rows times λ, plus what the labels say is missing.
    λ is 0 where guesses are worthless, so the interval is not wider than the classical one but for chance. With
    `asked` (n,), the probability of each label, rows weigh by its inverse (Zrnic and Candès 2024, active inference),
    normalised by their sum; without it all labels count alike.

    `correct` (n,), `guesses` (n,): chance of being right of the labelled rows, from a model that has not seen their
    labels; `all_guesses` (N,): of all rows, labelled ones among them or not. The interval is Wilson's
    with the effective number of rows that the variance implies, as in `weighted_share`: a symmetric one covers 92 %
    at 50 labels. Residuals count as if left out. Fewer than two labels: [0, 1].
    """
    count = len(correct)
    if count < 2 or len(all_guesses) == 0:
        return Estimate(float("nan"), 0.0, 1.0, count)
    weights = np.ones(count) if asked is None else 1.0 / np.asarray(asked, np.float64)
    weights = weights / weights.sum()
    right = correct.astype(np.float64)
    power = _power(right, guesses, all_guesses, weights)
    residual = right - power * guesses
    middle = float(weights @ residual)
    value = power * float(all_guesses.mean()) + middle
    # a mean that its own rows shaped lies too near to them: each row counts as if it had been left out
    spread = float((weights**2 * ((residual - middle) / (1 - weights)) ** 2).sum())
    spread += power**2 * float(all_guesses.var()) / len(all_guesses)
    share = float(np.clip(value, 0.0, 1.0))
    plain = 1.0 / float((weights**2).sum())
    effective = share * (1 - share) / spread if spread > 0 and 0 < share < 1 else plain
    z = float(stats.t.isf((1 - confidence) / 2, max(plain - 2, 1.0)))
    centre = (share + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z * float(np.sqrt(share * (1 - share) / effective + (z / (2 * effective)) ** 2)) / (1 + z * z / effective)
    return Estimate(share, max(0.0, centre - half), min(1.0, centre + half), count)


def _power(
    right: NDArray[np.float64],
    guesses: NDArray[np.float64],
    all_guesses: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> float:
    """λ that makes the variance least, held within [0, 1]: guesses may help, and are never bet against."""
    middle, guessed = float(weights @ right), float(weights @ guesses)
    shared = float((weights**2 * (right - middle) * (guesses - guessed)).sum())
    own = float((weights**2 * (guesses - guessed) ** 2).sum()) + float(all_guesses.var()) / len(all_guesses)
    return float(np.clip(shared / own, 0.0, 1.0)) if own > 0 else 0.0
