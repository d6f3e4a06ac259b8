"""A file of predictions as a Window: CSV, JSON Lines or Parquet, from any classifier. Knows nothing of checks.

A score column a class (`World` or `score_World`) is needed. Read where present: `id`, `time`, `predicted`, `label`,
`label_time`, `asked`, `segment`, `truncated`, `text_hash`, features by name, `p0` … `p31`, and `text`, of which only
numbers are kept. A log that `db export` wrote is such a file; a feature that is called like one of its columns stands
there under another name (`feature_columns`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.features import FEATURES, text_features
from model.prediction import CutOff, ModelInfo, text_fingerprint
from monitors.table_file import name_column, number_column, numbers_in, read_table
from monitors.window import Window
from monitors.window_file import PROJECTION_COLUMNS, SCORE_PREFIX, numbered_ids

if TYPE_CHECKING:
    import pandas as pd

_IDS = UUID("5b0b9b8e-6a0c-4a43-9a5e-7c1f2d3e4a5b")
"""Name space of ids that are not UUIDs themselves."""
_SECOND = 1_000_000
BEFORE = ("id", "time", "predicted", "confidence", "label", "label_time", "label_source", "asked")
AFTER = (
    "segment",
    "reference",
    "truncated",
    "text_hash",
    "model_version",
    "baseline_id",
    "engine",
    "precision",
    "text",
)
"""Columns of an exported log before and after its numbers."""


def feature_columns(model: ModelInfo) -> Sequence[str]:
    """What each feature is called in an exported log: `feature_` stands before those that are other columns there."""
    taken = {*BEFORE, *(f"{SCORE_PREFIX}{label}" for label in model.labels), *PROJECTION_COLUMNS, *AFTER}
    free: list[str] = []
    for feature in model.features:
        name = feature
        while name in taken or (name != feature and name in model.features):
            name = f"feature_{name}"
        free.append(name)
    return free


def read_predictions(path: Path, model: ModelInfo, cut_off: CutOff | None = None) -> Window:
    """The predictions of a file, in order of their time (of the file where it gives none).

    `asked` is the probability with which an audit drew a row to be labelled; without `label_time` labels came at once.
    Labels and predicted classes are names; where `predicted` is missing it is what the cut-off gives, or the highest
    score. `time` is ISO 8601 (UTC where it names no zone) or seconds, milliseconds or microseconds since the epoch.
    Raises InputError.
    """
    frame = read_table(path)
    scores = _scores(frame, model, path)
    time = _time(frame, path)
    if "predicted" in frame:
        predicted = _classes(frame, "predicted", model, path)
        if (predicted < 0).any():
            raise InputError(
                f"{path} has {int((predicted < 0).sum())} rows without a predicted class; fill the column."
            )
    else:
        predicted = scores.argmax(axis=1) if cut_off is None else cut_off.classes(scores)
    texts = [text or "" for text in name_column(frame, "text")] if "text" in frame else None
    truth = _classes(frame, "label", model, path) if "label" in frame else np.full(len(frame), -1, np.int64)
    window = Window(
        model=model,
        start=int(time.min()),
        end=int(time.max()) + 1,
        ids=_ids(frame),
        time=time,
        predicted=predicted,
        scores=scores,
        features=_features(frame, texts, model, path),
        projection=_projection(frame, path),
        text_hash=_text_hash(frame, texts, path),
        truncated=_truncated(frame, path),
        segment=name_column(frame, "segment"),
        truth=truth,
        label_time=_label_time(frame, truth >= 0, time, path),
        asked=_asked(frame, path),
    )
    return window.take(np.argsort(time, kind="stable"))


def _scores(frame: pd.DataFrame, model: ModelInfo, path: Path) -> NDArray[np.float64]:
    from model.evaluation import checked_scores

    columns = {
        label: f"{SCORE_PREFIX}{label}" if f"{SCORE_PREFIX}{label}" in frame else label for label in model.labels
    }
    missing = [label for label, name in columns.items() if name not in frame]
    if missing:
        raise InputError(
            f"{path} has no score column for {', '.join(missing)}; "
            f"there must be one for each class, called like the class or {SCORE_PREFIX}<class>."
        )
    try:
        return checked_scores(
            np.column_stack([number_column(frame, name, path) for name in columns.values()]), model.labels
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _time(frame: pd.DataFrame, path: Path) -> NDArray[np.int64]:
    """Microseconds since the epoch; the row number where there is no such column."""
    return _moments(frame, "time", path) if "time" in frame else np.arange(len(frame))


def _label_time(
    frame: pd.DataFrame, labelled: NDArray[np.bool_], time: NDArray[np.int64], path: Path
) -> NDArray[np.int64]:
    """When each label came; 0 where there is none. At once, where the file does not say when rows were made either."""
    if "label_time" not in frame or "time" not in frame or not labelled.any():
        return np.where(labelled, time, 0)
    found = np.zeros(len(frame), np.int64)
    found[labelled] = _moments(frame[labelled], "label_time", path)
    return found


def _asked(frame: pd.DataFrame, path: Path) -> NDArray[np.float64]:
    """The chance with which an audit drew each row; NaN where none did."""
    if "asked" not in frame:
        return np.full(len(frame), np.nan)
    chances = number_column(frame, "asked", path)
    wrong = int((~np.isnan(chances) & ~((chances > 0) & (chances <= 1))).sum())
    if wrong:
        raise InputError(
            f"Column 'asked' of {path} has {wrong} values that are no probability above 0 and up to 1; leave a cell "
            "empty where no audit drew the row."
        )
    return chances


def _moments(frame: pd.DataFrame, name: str, path: Path) -> NDArray[np.int64]:
    """A column of times as microseconds since the epoch."""
    import pandas as pd

    column, what = frame[name], name.replace("_", " ")
    numbers = None if pd.api.types.is_datetime64_any_dtype(column) else numbers_in(frame, name)
    if numbers is not None:
        if np.isnan(numbers).any():
            raise InputError(f"{path} has rows without a {what}; fill the column or leave it out.")
        largest = float(np.abs(numbers).max())
        # 1e11 seconds are in the year 5138, 1e11 milliseconds in 1973
        unit = _SECOND if largest < 1e11 else 1000 if largest < 1e14 else 1
        return np.round(numbers * unit).astype(np.int64)
    try:
        moments = pd.to_datetime(column, utc=True, format=None if column.dtype.kind == "M" else "ISO8601")
    except (ValueError, TypeError):
        raise InputError(f"Column {name!r} of {path} must be ISO 8601 or a number since the epoch.") from None
    if moments.isna().any():
        raise InputError(f"{path} has rows without a {what}; fill the column or leave it out.")
    return moments.dt.tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)


def _classes(frame: pd.DataFrame, name: str, model: ModelInfo, path: Path) -> NDArray[np.int64]:
    """Index of the class each cell names; −1 where a cell is empty."""
    index = {label: i for i, label in enumerate(model.labels)} | {None: -1}
    found = np.array([index.get(value, -2) for value in name_column(frame, name)], np.int64)
    if (found == -2).any():
        raise InputError(
            f"Column {name!r} of {path} has {int((found == -2).sum())} rows with a class that the model does not have; "
            f"its classes are {', '.join(model.labels)}."
        )
    return found


def _ids(frame: pd.DataFrame) -> NDArray[np.uint8]:
    if "id" not in frame:
        return numbered_ids(np.arange(len(frame)))
    return np.frombuffer(b"".join(_uuid(value).bytes for value in frame["id"].tolist()), np.uint8).reshape(-1, 16)


def _uuid(value: Any) -> UUID:
    name = str(value)
    try:
        return UUID(name)
    except ValueError:
        return UUID(int=int(name)) if name.isdecimal() and len(name) < 19 else uuid5(_IDS, name)


def _features(frame: pd.DataFrame, texts: list[str] | None, model: ModelInfo, path: Path) -> NDArray[np.float64]:
    """By the name that an export gives it or its own from the file, otherwise read off the text, otherwise NaN."""
    features = np.full((len(frame), len(model.features)), np.nan)
    counted = None if texts is None else text_features(texts, None, None)
    for i, (name, exported) in enumerate(zip(model.features, feature_columns(model), strict=True)):
        if exported in frame or name in frame:
            features[:, i] = number_column(frame, exported if exported in frame else name, path)
        elif counted is not None and name in FEATURES:
            features[:, i] = counted[:, FEATURES.index(name)]
    return features


def _projection(frame: pd.DataFrame, path: Path) -> NDArray[np.float64]:
    present = [name for name in PROJECTION_COLUMNS if name in frame]
    if not present:
        return np.full((len(frame), len(PROJECTION_COLUMNS)), np.nan)
    if len(present) < len(PROJECTION_COLUMNS):
        raise InputError(f"{path} has {len(present)} of the {len(PROJECTION_COLUMNS)} projection columns p0 to p31.")
    return np.column_stack([number_column(frame, name, path) for name in PROJECTION_COLUMNS])


def _text_hash(frame: pd.DataFrame, texts: list[str] | None, path: Path) -> NDArray[np.uint64]:
    """Of the file, otherwise of its texts, otherwise 0: a row whose text was not kept is no copy of another one."""
    if "text_hash" not in frame:
        if texts is None:
            return np.zeros(len(frame), np.uint64)
        return np.array([text_fingerprint(text) for text in texts], np.uint64)
    try:
        return np.array([int(value) for value in frame["text_hash"].tolist()], np.uint64)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"Column 'text_hash' of {path} must hold whole numbers of 64 bits.") from None


def _truncated(frame: pd.DataFrame, path: Path) -> NDArray[np.bool_]:
    words = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False, "none": False}
    values = [words.get(str(value).lower()) for value in name_column(frame, "truncated")]
    if None in values:
        raise InputError(f"Column 'truncated' of {path} must hold true or false.")
    return np.array(values, np.bool_)
