"""A file of labelled scores from any classifier: true classes, scores, the numbers it was asked about.

Which column means what is said by `ScoredColumns`. Knows nothing of models, baselines or reports.
"""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.features import FEATURES, NEEDS_TOKENS, text_features
from model.prediction import ModelInfo, text_fingerprint
from monitors.table_file import name_column, number_column, read_table, table_parts
from monitors.window_file import PROJECTION_COLUMNS, SCORE_PREFIX

if TYPE_CHECKING:
    import pandas as pd

TEXT_FEATURES = tuple(name for name in FEATURES if name not in NEEDS_TOKENS)
"""What can be read off a text of a model whose tokenizer is not here."""
_TAKEN = {"id", "label", "predicted", "text_hash", "truncated", "segment", *PROJECTION_COLUMNS}
_WHOLE = re.compile(r"-?\d+\.0")
"""A whole number in a column that pandas took for one of fractions."""
_POSITIVE = {"1", "true", "yes", "y", "positive", "pos"}
_NEGATIVE = {"0", "-1", "false", "no", "n", "negative", "neg"}


@dataclass(frozen=True, slots=True)
class ScoredColumns:
    """Which columns of a file mean what."""

    label: str
    """The true class."""
    scores: tuple[str, ...]
    """One a class; or a single one, the probability of the positive of two classes."""
    features: tuple[str, ...] = ()
    """Numbers that the model was asked about; live predictions bring them by these names."""
    segment: str | None = None
    text: str | None = None
    labels: tuple[str, ...] = ()
    """Class names in the order of the score columns (two classes with one score: negative, positive)."""
    positive: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """n labelled rows, in file order."""

    name: str
    """Of the file, without its folder."""
    sha256: str
    """Of the file's bytes."""
    labels: tuple[str, ...]
    features: tuple[str, ...]
    truth: NDArray[np.int64]
    """(n,): index into `labels`."""
    scores: NDArray[np.float64]
    """(n, classes); each row sums to one."""
    numbers: NDArray[np.float32]
    """(n, features); NaN where a cell is empty."""
    segments: list[str | None] | None
    hashes: NDArray[np.uint64] | None
    """(n,): `text_fingerprint` of every text; None where the file has none."""
    texts: Callable[[], Iterator[str]] | None
    """The texts, read from the file anew at each call."""

    def __len__(self) -> int:
        return len(self.truth)

    def model(self, version: str | None, name: str) -> ModelInfo:
        """The classifier as the log knows it; its version is a hash of classes and features unless given."""
        facts = json.dumps([self.labels, self.features]).encode()
        return ModelInfo(version or hashlib.sha256(facts).hexdigest()[:12], self.labels, self.features, name)


def read_scored(path: Path, columns: ScoredColumns, *, allow_missing: bool = False) -> ScoredRows:
    """Raises InputError in one sentence for whatever is wrong with the file or the columns.

    A class without a row is wrong unless `allow_missing`, one class alone always.
    """
    frame, texts = (read_table(path), None) if columns.text is None else _beside_texts(path, columns.text)
    scores, features = _listed(frame, columns.scores), _listed(frame, columns.features)
    for name in (columns.label, *scores, *features, *filter(None, (columns.segment,))):
        if name not in frame:
            raise InputError(f"{path} has no column {name!r}.")
    _refuse_repeated(frame, path)
    said = _said(frame, columns.label, path)
    if len(scores) == 1:
        labels = _two_classes(said, columns, path)
        matrix = _positive_scores(frame, scores[0], path)
    else:
        labels = _class_names(said, scores, columns.labels)
        matrix = _score_matrix(frame, scores, labels, path)
    truth = _truth(said, labels, path, by_place=bool(columns.labels))
    _refuse_missing(truth, labels, path, allow_missing=allow_missing)
    names, numbers = _numbers(frame, features, texts, labels, path)
    return ScoredRows(
        name=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        labels=labels,
        features=names,
        truth=truth,
        scores=matrix,
        numbers=numbers,
        segments=None if columns.segment is None else list(name_column(frame, columns.segment)),
        hashes=None if texts is None else texts.hashes,
        texts=None if columns.text is None else partial(_texts, path, columns.text),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Texts:
    """What is kept of texts."""

    hashes: NDArray[np.uint64]
    features: NDArray[np.float32]
    """(n, features): what `text_features` says without a tokenizer."""


def _beside_texts(path: Path, column: str) -> tuple[pd.DataFrame, _Texts]:
    """All other columns, and what is kept of the texts, which are read part by part."""
    import pandas as pd

    others, hashes, features = [], array("Q"), []
    for frame in table_parts(path):
        texts = _column_texts(frame, column, path)
        hashes.extend(map(text_fingerprint, texts))
        features.append(text_features(texts, None, None))
        others.append(frame.drop(columns=column))
    if not others:
        raise InputError(f"{path} has no row.")
    return pd.concat(others, ignore_index=True), _Texts(np.array(hashes, np.uint64), np.concatenate(features))


def _texts(path: Path, column: str) -> Iterator[str]:
    for frame in table_parts(path):
        yield from _column_texts(frame, column, path)


def _column_texts(frame: pd.DataFrame, column: str, path: Path) -> list[str]:
    if column not in frame:
        raise InputError(f"{path} has no column {column!r}.")
    return [text or "" for text in name_column(frame, column)]


def _listed(frame: pd.DataFrame, given: Sequence[str]) -> tuple[str, ...]:
    """Columns as they were named: one by one, or several with commas between them."""
    parts = (part.strip() for name in given for part in ([name] if name in frame else name.split(",")))
    return tuple(dict.fromkeys(part for part in parts if part))


def _refuse_repeated(frame: pd.DataFrame, path: Path) -> None:
    if "id" in frame and (repeated := int(frame["id"].astype(str).duplicated().sum())):
        rows = "row repeats" if repeated == 1 else "rows repeat"
        raise InputError(f"{repeated} {rows} the id of an earlier one in {path}; keep one row for each.")


def _said(frame: pd.DataFrame, column: str, path: Path) -> list[str]:
    """The true classes as the file writes them; whole numbers without a point."""
    cells = name_column(frame, column)
    missing = sum(cell is None for cell in cells)
    if missing:
        have = "has" if missing == 1 else "have"
        raise InputError(
            f"{missing} of the {len(cells)} rows of {path} {have} no label in {column!r}; fill or drop them."
        )
    whole = all(_WHOLE.fullmatch(cell) for cell in cells)
    return [cell.removesuffix(".0") if whole else cell.strip() for cell in cells]


def _two_classes(said: Sequence[str], columns: ScoredColumns, path: Path) -> tuple[str, ...]:
    """Negative and positive class where there is a single score."""
    given, positive = columns.labels, columns.positive
    found = tuple(sorted(set(said)))
    if given:
        if len(given) != 2:
            raise InputError(
                "One score column means two classes; give two --labels: the negative one, the positive one."
            )
        if positive is not None and positive != given[1]:
            raise InputError("--positive-class and the second of --labels are not the same; give one of them.")
        return given
    if len(found) == 1:
        raise InputError(f"Every row of {path} is of one class, {found[0]}; an evaluation needs rows of both.")
    if len(found) > 2:
        raise InputError(f"{path} has {len(found)} classes but one score column; give a score column for each class.")
    if positive is None:
        one, other = (value.lower() for value in found)
        if one in _NEGATIVE and other in _POSITIVE:
            return found
        if one in _POSITIVE and other in _NEGATIVE:
            return found[::-1]
        raise InputError(f"Which class does the score speak of? Give --positive-class: {found[0]} or {found[1]}.")
    if positive not in found:
        raise InputError(f"No row is of the --positive-class; the classes are {found[0]} and {found[1]}.")
    return found if positive == found[1] else found[::-1]


def _positive_scores(frame: pd.DataFrame, column: str, path: Path) -> NDArray[np.float64]:
    score = number_column(frame, column, path)
    with np.errstate(invalid="ignore"):
        bad = ~((score >= 0) & (score <= 1))
    if bad.any():
        raise InputError(
            f"{path}: {int(bad.sum())} of {len(score)} scores are missing or not between 0 and 1 "
            f"(the first is row {int(np.argmax(bad)) + 1}); scores must be probabilities."
        )
    return np.column_stack([1 - score, score])


def _class_names(said: Sequence[str], scores: Sequence[str], given: tuple[str, ...]) -> tuple[str, ...]:
    """The class that each score column speaks of: as given, or else read off the columns' names."""
    if given:
        if len(given) != len(scores):
            raise InputError(
                f"There are {len(scores)} score columns but {len(given)} --labels; give one name for each."
            )
        return given
    shared = len(list(takewhile(lambda letters: len(set(letters)) == 1, zip(*scores, strict=False))))
    readings = (
        tuple(name.removeprefix(SCORE_PREFIX) for name in scores),
        tuple(scores),
        tuple(name[shared:] for name in scores),
    )
    values = set(said)
    return max(readings, key=lambda names: len(values & set(names)) if all(names) else -1)


def _score_matrix(
    frame: pd.DataFrame, columns: Sequence[str], labels: tuple[str, ...], path: Path
) -> NDArray[np.float64]:
    from model.evaluation import checked_scores

    try:
        return checked_scores(np.column_stack([number_column(frame, name, path) for name in columns]), labels)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _truth(said: Sequence[str], labels: tuple[str, ...], path: Path, *, by_place: bool) -> NDArray[np.int64]:
    """(n,): index of each row's class. Where `by_place`, 0, 1, … may stand for names."""
    index = {label: i for i, label in enumerate(labels)}
    if by_place and not set(labels) & set(said):
        index = {str(place): place for place in range(len(labels))}
    truth = np.array([index.get(value, -1) for value in said], np.int64)
    unknown = int((truth < 0).sum())
    if unknown:
        have = "has" if unknown == 1 else "have"
        raise InputError(
            f"{unknown} of the {len(truth)} rows of {path} {have} a label that is none of {', '.join(labels)}; "
            "name the classes with --labels, in the order of the score columns."
        )
    return truth


def _refuse_missing(truth: NDArray[np.int64], labels: tuple[str, ...], path: Path, *, allow_missing: bool) -> None:
    empty = [label for label, count in zip(labels, np.bincount(truth, minlength=len(labels)), strict=True) if not count]
    if len(empty) == len(labels) - 1:
        raise InputError(f"Every row of {path} is of one class; an evaluation needs rows of each.")
    if empty and not allow_missing:
        raise InputError(
            f"No row of {path} is of class {', '.join(empty)}; add such rows, or give --allow-missing-classes."
        )


def _numbers(
    frame: pd.DataFrame, features: Sequence[str], texts: _Texts | None, labels: Sequence[str], path: Path
) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Names and values of the features: the named columns, then what can be read off the texts."""
    counted = () if texts is None else TEXT_FEATURES
    taken = _TAKEN | {f"{SCORE_PREFIX}{label}" for label in labels} | set(counted)
    for name in features:
        if name in taken:
            raise InputError(
                f"A feature may not be called {name!r}, which means something else here; rename the column."
            )
    columns = [number_column(frame, name, path) for name in features]
    for name, column in zip(features, columns, strict=True):
        if np.isinf(column).any() or np.isnan(column).all():
            raise InputError(f"Column {name!r} of {path} holds infinities, or no number at all; it is no feature.")
    if texts is not None:
        columns += [texts.features[:, FEATURES.index(name)].astype(np.float64) for name in counted]
    matrix = np.column_stack(columns) if columns else np.zeros((len(frame), 0))
    return (*features, *counted), matrix.astype(np.float32)
