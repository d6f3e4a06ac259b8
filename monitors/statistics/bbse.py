"""The true class mix of a window, from predicted classes and a confusion matrix. Knows counts only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

DRAWS = 200


@dataclass(frozen=True, slots=True, eq=False)
class LabelShift:
    """How much more or less common each true class has become."""

    weights: NDArray[np.float64]
    """(classes,): share in the window over share in the baseline."""
    share: NDArray[np.float64]
    """(classes,): estimated share of each true class in the window."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """(classes,): 95 % interval of the share."""


def estimate_label_shift(
    confusion: NDArray[np.int64], predicted: NDArray[np.int64], *, rng: np.random.Generator
) -> LabelShift:
    """Black-box shift estimation: the class mix that explains the predicted counts (classes,) of a window.

    Lipton, Wang and Smola 2018, *Detecting and correcting for label shift with black box predictors*. `confusion`
    is (classes, classes), true classes in rows. Assumes that texts of each class look as before; where that fails,
    the answer means nothing, and another test must say so. Weights are held at 0 or above (least squares); the
    interval redraws confusion and window (parametric bootstrap). A class without a row in the baseline keeps weight
    1.
    """
    draws = []
    for _ in range(DRAWS):
        again = rng.multinomial(int(confusion.sum()), (confusion / confusion.sum()).ravel()).reshape(confusion.shape)
        counts = rng.multinomial(int(predicted.sum()), predicted / predicted.sum())
        draws.append(_share(again, counts)[1])
    weights, share = _share(confusion, predicted)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return LabelShift(weights, share, np.minimum(low, share), np.maximum(high, share))


def label_weights(confusion: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.float64]:
    """(classes,): how much more or less common each true class has become; the estimate above without its interval."""
    return _share(confusion, predicted)[0]


def weighted_spread(
    confusion: NDArray[np.int64],
    predicted: NDArray[np.int64],
    weights: NDArray[np.float64],
    values: NDArray[np.float64],
) -> float:
    """Standard error of the mean of `values` (classes,), one a true class, over the mix that `weights` say.

    Delta method: the weights solve joint @ weights = predicted shares, and both sides are counts (multinomial).
    """
    rows = confusion.sum()
    joint, prior = confusion.T / rows, confusion.sum(axis=1) / rows
    share = predicted / predicted.sum()
    explained = joint @ weights
    of_window = (np.diag(share) - np.outer(share, share)) / predicted.sum()
    of_baseline = (np.diag(joint @ weights**2) - np.outer(explained, explained)) / rows
    slope = np.linalg.pinv(joint).T @ (prior * (values - (prior * weights) @ values))
    return float(np.sqrt(max(slope @ (of_window + of_baseline) @ slope, 0.0)))


def _share(
    confusion: NDArray[np.int64], predicted: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    joint = confusion.T / confusion.sum()
    prior = confusion.sum(axis=1) / confusion.sum()
    weights, _ = nnls(joint, predicted / predicted.sum())
    weights = np.where(prior > 0, weights, 1.0)
    total = float(weights @ prior)
    weights = weights / total if total > 0 else np.ones(len(prior))
    return weights, weights * prior
