"""A slice of the prediction log as numpy columns. Knows nothing of where the rows came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.prediction import ModelInfo


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """n rows of one model version. Everything has n rows, in the same order.

    The same noun serves for live rows, for the rows of a baseline and for labelled rows in the
    order in which their labels arrived.
    """

    model: ModelInfo
    start: int
    """Microseconds since the epoch; rows are from [start, end)."""
    end: int
    ids: NDArray[np.uint8]
    """(n, 16): the bytes of each row's UUID."""
    time: NDArray[np.int64]
    """(n,): microseconds since the epoch."""
    predicted: NDArray[np.int64]
    """(n,): index into `model.labels`."""
    scores: NDArray[np.float64]
    """(n, classes)."""
    features: NDArray[np.float64]
    """(n, features); NaN where unknown."""
    projection: NDArray[np.float64]
    """(n, 32); NaN where unknown."""
    text_hash: NDArray[np.uint64]
    """(n,); 0 where unknown."""
    truncated: NDArray[np.bool_]
    """(n,)."""
    segment: NDArray[np.object_]
    """(n,): str or None."""
    truth: NDArray[np.int64]
    """(n,): index of the newest label, −1 where none has arrived."""
    label_time: NDArray[np.int64]
    """(n,): when that label arrived, microseconds; 0 where none has."""
    asked: NDArray[np.float64]
    """(n,): probability with which an audit asked for the label; NaN where it was volunteered."""

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Window:
        """The chosen rows, as a window of the same period."""
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        return Window(model=self.model, start=self.start, end=self.end, **columns)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,): True where a label has arrived."""
        return np.asarray(self.truth >= 0)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(n,): True where the newest label equals the prediction (False where there is none)."""
        return np.asarray(self.truth == self.predicted)


COLUMNS = (
    "ids", "time", "predicted", "scores", "features", "projection",
    "text_hash", "truncated", "segment", "truth", "label_time", "asked",
)  # fmt: skip


def empty_window(model: ModelInfo, start: int, end: int) -> Window:
    """A window without a row."""
    return Window(
        model=model,
        start=start,
        end=end,
        ids=np.zeros((0, 16), np.uint8),
        time=np.zeros(0, np.int64),
        predicted=np.zeros(0, np.int64),
        scores=np.zeros((0, len(model.labels))),
        features=np.zeros((0, len(model.features))),
        projection=np.zeros((0, 32)),
        text_hash=np.zeros(0, np.uint64),
        truncated=np.zeros(0, np.bool_),
        segment=np.zeros(0, object),
        truth=np.zeros(0, np.int64),
        label_time=np.zeros(0, np.int64),
        asked=np.zeros(0),
    )
