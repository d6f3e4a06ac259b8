"""The numbers of a row as bytes, and back: one packed numpy record a row, so that a million rows decode at once.

Knows nothing of databases. The layout follows from the model: its classes and its features.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError, SurroundingsError
from model.prediction import PROJECTION_SIZE, ModelInfo, Prediction, Record
from monitors.window import Window

HALF_MAX = float(np.finfo(np.float16).max)


def layout(model: ModelInfo) -> np.dtype[np.void]:
    """Little-endian, without gaps. The first migration's; another layout is another table."""
    return _layout(len(model.labels), len(model.features))


@lru_cache
def _layout(classes: int, features: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("seq", "<i8"),
            ("time", "<i8"),
            ("id", "u1", (16,)),
            ("text_hash", "<u8"),
            ("label", "<u2"),
            ("truncated", "?"),
            ("scores", "<f4", (classes,)),
            ("features", "<f4", (features,)),
            ("projection", "<f2", (PROJECTION_SIZE,)),
        ]
    )


def pack(records: Sequence[Record], model: ModelInfo) -> NDArray[np.void]:
    """Shape (n,), without `seq`, which is drawn later. Raises InputError for a row that is not of this model."""
    packed = np.zeros(len(records), layout(model))
    for row, record in zip(packed, records, strict=True):
        said = record.prediction
        shapes = (said.scores.shape, said.features.shape, said.projection.shape)
        if shapes != ((len(model.labels),), (len(model.features),), (PROJECTION_SIZE,)):
            raise InputError(
                f"A prediction of model {model.version} must have {len(model.labels)} scores, "
                f"{len(model.features)} features and {PROJECTION_SIZE} projected numbers; got {shapes}."
            )
        if not 0 <= said.label < len(model.labels):
            raise InputError(f"A prediction of model {model.version} has class number {said.label}, which it has not.")
        row["id"] = np.frombuffer(record.id.bytes, np.uint8)
        row["scores"] = said.scores
        row["features"] = said.features
    projections = np.stack([record.prediction.projection for record in records])
    packed["projection"] = np.clip(projections, -HALF_MAX, HALF_MAX)
    packed["time"] = [record.time for record in records]
    packed["text_hash"] = [record.text_hash for record in records]
    packed["label"] = [record.prediction.label for record in records]
    packed["truncated"] = [record.prediction.truncated for record in records]
    return packed


def unpack(blobs: Sequence[bytes], model: ModelInfo) -> NDArray[np.void]:
    """Shape (n,). Raises SurroundingsError for bytes that are not rows of this model."""
    kind = layout(model)
    joined = b"".join(blobs)
    if len(joined) != len(blobs) * kind.itemsize:
        raise SurroundingsError(f"Rows of model {model.version} are damaged; restore the database from a backup.")
    return np.frombuffer(joined, kind)


def to_prediction(row: Any) -> Prediction:
    """One unpacked row as the noun."""
    return Prediction(
        label=int(row["label"]),
        scores=np.array(row["scores"], np.float32),
        features=np.array(row["features"], np.float32),
        projection=np.array(row["projection"], np.float32),
        truncated=bool(row["truncated"]),
    )


def to_window(
    model: ModelInfo,
    period: tuple[int, int],
    rows: NDArray[np.void],
    *,
    segment: NDArray[np.object_],
    truth: NDArray[np.int64],
    label_time: NDArray[np.int64],
    asked: NDArray[np.float64],
) -> Window:
    """Unpacked rows and what is known of their labels, all of shape (n,), as a window."""
    return Window(
        model=model,
        start=period[0],
        end=period[1],
        ids=np.ascontiguousarray(rows["id"]),
        time=rows["time"].astype(np.int64),
        predicted=rows["label"].astype(np.int64),
        scores=rows["scores"].astype(np.float64),
        features=rows["features"].astype(np.float64),
        projection=rows["projection"].astype(np.float64),
        text_hash=rows["text_hash"].astype(np.uint64),
        truncated=rows["truncated"].astype(np.bool_),
        segment=segment,
        truth=truth,
        label_time=label_time,
        asked=asked,
    )
