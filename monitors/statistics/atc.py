"""Accuracy as the share of rows above a threshold of confidence. Knows confidences and which were right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def atc_estimate(
    window: NDArray[np.float64], base: NDArray[np.float64], base_correct: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(n,) of 0 and 1: whether each row's confidence clears the threshold that as many baseline rows clear as are
    right.

    Garg and others 2022, *Leveraging unlabeled data to predict out-of-distribution performance* (ATC). Reacts more
    strongly to a shift than mean confidence, and overreacts to harmless ones. Works with negative entropy as well.
    """
    threshold = np.quantile(base, 1 - base_correct.mean())
    return np.asarray((window > threshold).astype(np.float64))
