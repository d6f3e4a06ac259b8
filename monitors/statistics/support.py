"""Which rows are unlike all that the baseline holds? Knows a table of numbers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUANTILE = 0.995
REACH = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """A baseline's cloud of rows, and how far out is out."""

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    whitening: NDArray[np.float64]
    counts: NDArray[np.bool_]
    """(columns,): columns of counts, which are compared by ratio."""
    limit: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """(columns,): the baseline's range in each column, widened by a quarter on either side."""

    def outside(self, table: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,): True where a row of (n, columns) lies farther out than 99.5 % of fresh baseline rows would."""
        far = self.distance(table) > self.limit
        return np.asarray(far | (self.beyond(table) != 0).any(axis=1))

    def distance(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,): squared Mahalanobis distance of each row from the middle."""
        values = _by_ratio(table, self.counts)
        return np.asarray(((_scaled(values, self.centre, self.spread) @ self.whitening) ** 2).sum(axis=1))

    def beyond(self, table: NDArray[np.float64]) -> NDArray[np.int8]:
        """(n, columns): −1 where a number lies well below all of the baseline's, 1 where well above, else 0."""
        values = _by_ratio(table, self.counts)
        return np.asarray((values > self.high).astype(np.int8) - (values < self.low).astype(np.int8))


def fit_support(table: NDArray[np.float64]) -> Support:
    """Mahalanobis distance (Lee and others 2018 for detecting strange inputs) of robustly scaled columns, and ranges.

    The limit is the 99.5 % quantile of leave-one-out distances, since a row that shaped the covariance looks closer
    than a fresh one does, the more so the fewer rows there are. A row is also outside where one number alone lies well
    beyond all of the baseline's, which columns with rare large values would hide in a distance. Columns
    that are constant in the baseline count: a language that it never saw is outside. It cannot see a strange
    combination within the cloud, nor a change of meaning. (n, columns), no NaN.
    """
    counts = np.asarray((table.min(axis=0) >= 0) & (table.max(axis=0) > 1))
    table = _by_ratio(table, counts)
    centre = np.median(table, axis=0)
    quartiles = np.quantile(table, [0.25, 0.75], axis=0)
    spread = np.maximum(quartiles[1] - quartiles[0], table.std(axis=0))
    spread = np.maximum(spread, 0.02 * (1 + np.abs(centre)) * (spread < 1e-9) + 1e-9)
    points = _scaled(table, centre, spread)
    rows = len(points)
    covariance = np.atleast_2d(np.cov(points, rowvar=False)) + 1e-2 * np.eye(points.shape[1])
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).T
    distance = (((points - points.mean(axis=0)) @ whitening) ** 2).sum(axis=1)
    fresh = _left_out(distance, rows)
    shifted = ((points @ whitening) ** 2).sum(axis=1)
    # `outside` measures from the median; the quantile is taken of the same distances, stretched as leaving out does
    stretched = shifted * np.sqrt(fresh / np.maximum(distance, 1e-12)) ** 2
    limit = float(np.quantile(stretched, QUANTILE))
    reach = np.maximum(REACH * np.ptp(table, axis=0), spread)
    return Support(centre, spread, whitening, counts, limit, table.min(axis=0) - reach, table.max(axis=0) + reach)


def _by_ratio(table: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(counts, np.log1p(np.maximum(table, 0.0)), table)


def _scaled(
    table: NDArray[np.float64], centre: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Robust deviations, held within ±10 so that one wild value cannot hide the others."""
    return np.clip((table - centre) / spread, -10.0, 10.0)


def _left_out(distance: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Squared distances to the mean and covariance of all other rows (Sherman and Morrison 1950)."""
    shrink = np.maximum(1 - rows * distance / (rows - 1) ** 2, 1e-3)
    return np.asarray((rows - 2) / (rows - 1) * (rows / (rows - 1)) ** 2 * distance / shrink)
