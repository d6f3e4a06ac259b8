"""A window as an Arrow table and back: numbers and class names, never a text. Knows nothing of where files lie.

Columns: `id` (row number), `label` and `predicted` (class names), `score_<class>`, one a feature, `p0` … `p31`,
`text_hash`, `truncated`, `segment`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.prediction import PROJECTION_SIZE, ModelInfo
from monitors.window import Window

if TYPE_CHECKING:
    import pyarrow as pa

SCORE_PREFIX = "score_"
PROJECTION_COLUMNS = tuple(f"p{i}" for i in range(PROJECTION_SIZE))


def numbered_ids(numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(n, 16): the id of a row that has no UUID, its number as 16 bytes, big-endian."""
    ids = np.zeros((len(numbers), 16), np.uint8)
    ids[:, 8:] = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
    return ids


def window_table(window: Window) -> pa.Table:
    """The columns of a window whose times are row numbers."""
    import pyarrow as pa

    labels = window.model.labels

    def named(classes: NDArray[np.int64]) -> pa.Array:
        known = np.where(classes < 0, 0, classes).astype(np.int32)
        indices = pa.array(known, mask=classes < 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(labels, pa.string()))

    columns: dict[str, object] = {
        "id": window.time,
        "label": named(window.truth),
        "predicted": named(window.predicted),
    }
    columns |= {f"{SCORE_PREFIX}{label}": window.scores[:, i] for i, label in enumerate(labels)}
    columns |= {name: window.features[:, i].astype(np.float32) for i, name in enumerate(window.model.features)}
    columns |= {name: window.projection[:, i].astype(np.float32) for i, name in enumerate(PROJECTION_COLUMNS)}
    columns |= {
        "text_hash": window.text_hash,
        "truncated": window.truncated,
        "segment": pa.array(list(window.segment), pa.string()),
    }
    return pa.table(columns)


def window_from_table(table: pa.Table, model: ModelInfo) -> Window:
    """The window that `window_table` was made of. KeyError or ValueError where the table is another one."""
    index = {label: i for i, label in enumerate(model.labels)} | {None: -1}

    def classes(name: str) -> NDArray[np.int64]:
        return np.array([index[label] for label in table[name].to_pylist()], np.int64)

    def matrix(names: list[str]) -> NDArray[np.float64]:
        if not names:
            return np.zeros((len(table), 0))
        return np.column_stack([table[name].to_numpy().astype(np.float64) for name in names])

    number = table["id"].to_numpy().astype(np.int64)
    segment = np.empty(len(table), object)
    segment[:] = table["segment"].to_pylist()
    return Window(
        model=model,
        start=int(number.min()),
        end=int(number.max()) + 1,
        ids=numbered_ids(number),
        time=number,
        predicted=classes("predicted"),
        scores=matrix([f"{SCORE_PREFIX}{label}" for label in model.labels]),
        features=matrix(list(model.features)),
        projection=matrix(list(PROJECTION_COLUMNS)),
        text_hash=table["text_hash"].to_numpy().astype(np.uint64),
        truncated=table["truncated"].to_numpy().astype(np.bool_),
        segment=segment,
        truth=classes("label"),
        label_time=number,
        asked=np.full(len(table), np.nan),
    )
