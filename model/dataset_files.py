"""Files of labelled texts: AG News CSV, and CSV, JSONL or Parquet with columns `text` and `label`.

A file is read row by row, as often as somebody asks. Knows nothing of splits, hubs or the sample. What is wrong with
a file is said in one sentence, without its text.
"""

from __future__ import annotations

import csv
import hashlib
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from model.errors import InputError
from model.remote import local_file
from model.sample_news import LABELS as AG_NEWS_LABELS

_EXTENSIONS = (".csv", ".jsonl", ".parquet")
_EXTENSION = re.compile(r"\.[A-Za-z]\w*$")  # not the `.0` of a version in a hub name
_COLUMN_NAME = re.compile(r"[A-Za-z_][\w-]{0,31}")
_LOST_AMPERSAND = re.compile(r"(?:^| )(#\d{1,4}|quot|amp|lt|gt|nbsp);")
_PARQUET_ROWS = 64
"""Read at a time: texts may be long."""


class LabelledRow(NamedTuple):
    """One row of a file, every value checked."""

    text: str
    label: str
    reference: str | None = None
    segment: str | None = None


@dataclass(frozen=True)
class RowFile:
    """A file of labelled texts that lies here."""

    spec: str
    """What the user calls it: a path or a URL."""
    path: Path

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The known order of the classes; empty where the file has none."""
        return AG_NEWS_LABELS if self._open()[0] is _AG_NEWS_COLUMNS else ()

    def rows(self) -> Iterator[LabelledRow]:
        """All rows in file order, one at a time in memory. Raises InputError where the first bad one is reached."""
        header, rows = self._open()
        found = False
        for row in _checked(self.spec, header, rows, "line" if self._suffix == ".jsonl" else "row"):
            found = True
            yield row
        if not found:
            raise InputError(f"{self.spec} has no rows; a dataset needs rows with a text and a label.")

    @property
    def _suffix(self) -> str:
        return _suffix(self.spec)

    def _open(self) -> tuple[tuple[str, ...], _Rows]:
        """The names of the columns, and the rows below them."""
        if self._suffix == ".parquet":
            return _parquet(self.spec, self.path)
        return _jsonl(self.spec, self.path) if self._suffix == ".jsonl" else _csv(self.spec, self.path)


def is_file_spec(spec: str) -> bool:
    """Whether a dataset is named by a path or a URL, rather than by a hub name."""
    return (
        "://" in spec or spec.startswith((".", "/", "~")) or _EXTENSION.search(spec) is not None or Path(spec).exists()
    )


@contextmanager
def open_file(spec: str) -> Iterator[RowFile]:
    """A path, or a URL that fsspec knows, brought here while it is open. Raises InputError, SurroundingsError."""
    with local_file(spec) as path:
        _refuse_unreadable(path)
        if _suffix(spec) not in _EXTENSIONS:
            raise InputError(f"{spec} ends in {_suffix(spec) or 'nothing'}; datasets end in {', '.join(_EXTENSIONS)}.")
        if not path.stat().st_size:
            raise _empty(spec)
        yield RowFile(spec, path)


_AG_NEWS_COLUMNS = ("text", "label")
_Rows = Iterable[tuple[int, Sequence[Any]]]
"""Place in the file (from 1) and values, in the order of the header."""


def _suffix(spec: str) -> str:
    return PurePosixPath(spec.split("?", 1)[0]).suffix.lower()


def _refuse_unreadable(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a directory; a dataset is one file ({', '.join(_EXTENSIONS)}).")
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from None


def _empty(spec: str) -> InputError:
    return InputError(f"{spec} is empty; a dataset needs rows with a text and a label.")


def _lines(spec: str, path: Path, newline: str) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline=newline) as file:
        try:
            yield from file
        except UnicodeDecodeError:
            line = _line_of_other_code(path)
            raise InputError(f"Line {line} of {spec} is not UTF-8; convert the file first.") from None


def _line_of_other_code(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    raise AssertionError("some line is not UTF-8")


def _csv(spec: str, path: Path) -> tuple[tuple[str, ...], _Rows]:
    records = _records(spec, path)
    head = next(records, None)
    if head is None:
        raise _empty(spec)
    first = [cell.strip() for cell in head]
    if len(first) == 3 and re.fullmatch(r"-?\d+", first[0]):
        rows = enumerate(chain([head], records), start=1)
        return _AG_NEWS_COLUMNS, ((row, _ag_news(spec, row, record)) for row, record in rows)
    return tuple(first), _even(spec, len(first), records)


def _records(spec: str, path: Path) -> Iterator[list[str]]:
    """The records of a CSV file that are not blank lines."""
    try:
        # as the csv module wants it: line ends stay as they are within quotes
        yield from filter(None, csv.reader(_lines(spec, path, newline="")))
    except csv.Error as error:
        raise InputError(f"{spec} is not CSV: {error}.") from None


def _even(spec: str, width: int, records: Iterable[list[str]]) -> _Rows:
    for row, record in enumerate(records, start=1):
        if len(record) != width:
            raise InputError(f"Row {row} of {spec} has {len(record)} columns, the header has {width}.")
        yield row, record


def _ag_news(spec: str, row: int, record: list[str]) -> tuple[str, str]:
    """Text and label of class index 1–4, title, description."""
    if len(record) != 3:
        raise InputError(f"Row {row} of {spec} has {len(record)} columns; AG News has class index, title, description.")
    index = record[0].strip()
    if index not in {"1", "2", "3", "4"}:
        shown = index if re.fullmatch(r"-?\d{1,9}", index) else "something else"
        raise InputError(f"Row {row} of {spec} has class index {shown}; AG News has 1 to 4.")
    return clean_news(f"{record[1]} {record[2]}"), AG_NEWS_LABELS[int(index) - 1]


def clean_news(text: str) -> str:
    """One line of plain text: backslash line breaks and entities undone, also entities that have lost their `&`."""
    text = text.replace("\\$", "$").replace("\\", " ")
    return " ".join(html.unescape(_LOST_AMPERSAND.sub(r"&\1;", text)).split())


def _jsonl(spec: str, path: Path) -> tuple[tuple[str, ...], _Rows]:
    """The header is what the first object has, and `reference` and `segment`, which may come later."""
    objects = _objects(spec, path)
    head = next(objects, None)
    if head is None:
        raise _empty(spec)
    header = tuple(dict.fromkeys((*head[1], *_OPTIONAL)))
    return header, ((line, [value.get(name) for name in header]) for line, value in chain([head], objects))


_OPTIONAL = ("reference", "segment")


def _objects(spec: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, written in enumerate(_lines(spec, path, newline="\n"), start=1):
        if not written.strip():
            continue
        try:
            value = json.loads(written)
        except (ValueError, RecursionError):
            raise InputError(f"Line {line} of {spec} is not JSON.") from None
        if not isinstance(value, dict):
            raise InputError(f"Line {line} of {spec} is not a JSON object.")
        yield line, value


def _parquet(spec: str, path: Path) -> tuple[tuple[str, ...], _Rows]:
    import pyarrow as pa  # takes a quarter of a second, and only Parquet needs it
    import pyarrow.parquet as pq

    def rows() -> Iterator[Sequence[Any]]:
        try:
            with pq.ParquetFile(path, buffer_size=1 << 20) as file:  # by default a whole row group
                for part in file.iter_batches(_PARQUET_ROWS, columns=wanted):
                    yield from zip(*(column.to_pylist() for column in part.columns), strict=True)
        except (pa.ArrowException, OSError):
            raise InputError(f"{spec} is not a Parquet file.") from None

    try:
        header = tuple(pq.read_schema(path).names)
    except (pa.ArrowException, OSError):
        raise InputError(f"{spec} is not a Parquet file.") from None
    wanted = [name for name in header if name.strip().lower() in {"text", "label", *_OPTIONAL}]
    _refuse_columns(spec, header)
    return tuple(wanted), enumerate(rows(), start=1)


def _refuse_columns(spec: str, header: Sequence[str]) -> None:
    if not {"text", "label"} <= {name.strip().lower() for name in header}:
        shown = [name for name in header if name not in _OPTIONAL] if _suffix(spec) == ".jsonl" else header
        raise InputError(f"{spec} needs the columns text and label; it has {_shown(shown)}.")


def _checked(spec: str, header: tuple[str, ...], rows: _Rows, place: str) -> Iterator[LabelledRow]:
    _refuse_columns(spec, header)
    names = [name.strip().lower() for name in header]
    text_at, label_at = names.index("text"), names.index("label")
    reference_at, segment_at = (names.index(name) if name in names else None for name in _OPTIONAL)
    for at, values in rows:
        text = values[text_at]
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"The text in {place} {at} of {spec} is {_lack(text)}.")
        yield LabelledRow(
            text,
            _label(spec, place, at, values[label_at]),
            None if reference_at is None else _optional(values[reference_at]),
            None if segment_at is None else _optional(values[segment_at]),
        )


def _label(spec: str, place: str, at: int, value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of integers with a gap arrives as floats
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"The label in {place} {at} of {spec} is {_lack(value)}.")
    return value.strip()


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _lack(value: Any) -> str:
    return "blank" if value is None or isinstance(value, str) else "not a string"


def _shown(header: Sequence[str]) -> str:
    """The names of columns; what does not look like a name may be a user's text and is only counted."""
    names = [name for name in header if _COLUMN_NAME.fullmatch(name)][:12]
    rest = len(header) - len(names)
    return ", ".join(names + ([f"{rest} without a usual name (is there a header?)"] if rest else [])) or "none"
