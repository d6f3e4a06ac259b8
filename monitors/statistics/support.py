"""Which rows are unlike all that the baseline holds? Knows a table of numbers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUANTILE = 0.995


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """A baseline's cloud of rows, and how far out is out."""

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    whitening: NDArray[np.float64]
    limit: float

    def outside(self, table: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,): True where a row of (n, columns) lies farther out than 99.5 % of fresh baseline rows would."""
        points = np.arcsinh((table - self.centre) / self.spread) @ self.whitening
        return np.asarray((points**2).sum(axis=1) > self.limit)


def fit_support(table: NDArray[np.float64]) -> Support:
    """Mahalanobis distance (Lee and others 2018 for detecting strange inputs) of robustly scaled columns.

    The limit is the 99.5 % quantile of leave-one-out distances, since a row that shaped the covariance looks closer
    than a fresh one does, the more so the fewer rows there are. Columns that are constant in the baseline count: a
    language that it never saw is outside. It cannot see a strange combination within the cloud, nor a change of
    meaning. (n, columns), no NaN.
    """
    centre = np.median(table, axis=0)
    quartiles = np.quantile(table, [0.25, 0.75], axis=0)
    spread = np.maximum(quartiles[1] - quartiles[0], table.std(axis=0))
    spread = np.maximum(spread, 0.02 * (1 + np.abs(centre)) * (spread < 1e-9) + 1e-9)
    points = np.arcsinh((table - centre) / spread)
    rows = len(points)
    covariance = np.atleast_2d(np.cov(points, rowvar=False)) + 1e-2 * np.eye(points.shape[1])
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).T
    distance = (((points - points.mean(axis=0)) @ whitening) ** 2).sum(axis=1)
    fresh = _left_out(distance, rows)
    shifted = ((points @ whitening) ** 2).sum(axis=1)
    # `outside` measures from the median; the quantile is taken of the same distances, stretched as leaving out does
    stretched = shifted * np.sqrt(fresh / np.maximum(distance, 1e-12)) ** 2
    return Support(centre, spread, whitening, float(np.quantile(stretched, QUANTILE)))


def _left_out(distance: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Squared distances to the mean and covariance of all other rows (Sherman and Morrison 1950)."""
    shrink = np.maximum(1 - rows * distance / (rows - 1) ** 2, 1e-3)
    return np.asarray((rows - 2) / (rows - 1) * (rows / (rows - 1)) ** 2 * distance / shrink)
