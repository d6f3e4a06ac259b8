"""Files of labelled texts: AG News CSV, and CSV, JSONL or Parquet with columns `text` and `label`.

Knows nothing of splits, hubs or the sample. What is wrong with a file is said in one sentence, without its text.
"""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from model.errors import InputError
from model.remote import is_remote, read_remote
from model.sample_news import LABELS as AG_NEWS_LABELS

_EXTENSIONS = (".csv", ".jsonl", ".parquet")
_EXTENSION = re.compile(r"\.[A-Za-z]\w*$")  # not the `.0` of a version in a hub name
_COLUMN_NAME = re.compile(r"[A-Za-z_][\w-]{0,31}")
_LOST_AMPERSAND = re.compile(r"(?:^| )(#\d{1,4}|quot|amp|lt|gt|nbsp);")


@dataclass(frozen=True, slots=True)
class FileRows:
    """All rows of one file, in file order."""

    sha256: str
    """Of the file's bytes."""
    classes: tuple[str, ...]
    """The known order of the classes; empty where the file has none."""
    texts: list[str]
    labels: list[str]
    references: list[str | None] | None
    segments: list[str | None] | None


def is_file_spec(spec: str) -> bool:
    """Whether a dataset is named by a path or a URL, rather than by a hub name."""
    return (
        "://" in spec or spec.startswith((".", "/", "~")) or _EXTENSION.search(spec) is not None or Path(spec).exists()
    )


def read_file(spec: str) -> FileRows:
    """Read a path or a URL that fsspec knows. Raises InputError or SurroundingsError."""
    suffix = PurePosixPath(spec.split("?", 1)[0]).suffix.lower()
    content = read_remote(spec) if is_remote(spec) else _read(Path(spec).expanduser())
    if suffix not in _EXTENSIONS:
        raise InputError(f"{spec} ends in {suffix or 'nothing'}; datasets end in {', '.join(_EXTENSIONS)}.")
    if not content.strip():
        raise InputError(f"{spec} is empty; a dataset needs rows with a text and a label.")
    if suffix == ".parquet":
        header, rows, place = *_parquet(spec, content), "row"
    elif suffix == ".jsonl":
        header, rows, place = *_jsonl(spec, _decode(spec, content)), "line"
    else:
        header, rows, place = *_csv(spec, _decode(spec, content)), "row"
    classes = AG_NEWS_LABELS if header is _AG_NEWS_COLUMNS else ()
    columns = _columns(spec, header, rows, place)
    if not columns[0]:
        raise InputError(f"{spec} has no rows; a dataset needs rows with a text and a label.")
    return FileRows(hashlib.sha256(content).hexdigest(), classes, *columns)


_AG_NEWS_COLUMNS = ("text", "label")
_Rows = Iterable[tuple[int, Sequence[Any]]]
"""Place in the file (from 1) and values, in the order of the header."""


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a directory; a dataset is one file ({', '.join(_EXTENSIONS)}).")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from None


def _decode(spec: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"Line {line} of {spec} is not UTF-8; convert the file first.") from None


def _csv(spec: str, content: str) -> tuple[tuple[str, ...], _Rows]:
    try:
        records = [record for record in csv.reader(io.StringIO(content, newline="")) if record]
    except csv.Error as error:
        raise InputError(f"{spec} is not CSV: {error}.") from None
    first = [cell.strip() for cell in records[0]]
    if len(first) == 3 and re.fullmatch(r"-?\d+", first[0]):
        return _AG_NEWS_COLUMNS, ((row, _ag_news(spec, row, record)) for row, record in enumerate(records, start=1))
    return tuple(first), _even(spec, len(first), records[1:])


def _even(spec: str, width: int, records: list[list[str]]) -> _Rows:
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


def _jsonl(spec: str, content: str) -> tuple[tuple[str, ...], _Rows]:
    found: list[tuple[int, dict[str, Any]]] = []
    for line, written in enumerate(content.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            value = json.loads(written)
        except (ValueError, RecursionError):
            raise InputError(f"Line {line} of {spec} is not JSON.") from None
        if not isinstance(value, dict):
            raise InputError(f"Line {line} of {spec} is not a JSON object.")
        found.append((line, value))
    header = tuple(dict.fromkeys(name for _, value in found for name in value))
    return header, ((line, [value.get(name) for name in header]) for line, value in found)


def _parquet(spec: str, content: bytes) -> tuple[tuple[str, ...], _Rows]:
    import pyarrow as pa  # takes a quarter of a second, and only Parquet needs it
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        header = tuple(file.schema_arrow.names)
        table = file.read([name for name in header if name in {"text", "label", "reference", "segment"}])
    except (pa.ArrowException, OSError):
        raise InputError(f"{spec} is not a Parquet file.") from None
    values = {name: table[name].to_pylist() for name in table.column_names}
    nothing = [None] * table.num_rows
    return header, enumerate(zip(*(values.get(name, nothing) for name in header), strict=True), start=1)


def _columns(
    spec: str, header: tuple[str, ...], rows: _Rows, place: str
) -> tuple[list[str], list[str], list[str | None] | None, list[str | None] | None]:
    """Texts, labels, references, segments; every value checked."""
    names = [name.strip().lower() for name in header]
    if "text" not in names or "label" not in names:
        raise InputError(f"{spec} needs the columns text and label; it has {_shown(header)}.")

    text_at, label_at = names.index("text"), names.index("label")
    reference_at = names.index("reference") if "reference" in names else None
    segment_at = names.index("segment") if "segment" in names else None
    texts, labels = [], []
    references: list[str | None] = []
    segments: list[str | None] = []
    for at, values in rows:
        text = values[text_at]
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"The text in {place} {at} of {spec} is {_lack(text)}.")
        texts.append(text)
        labels.append(_label(spec, place, at, values[label_at]))
        references.append(None if reference_at is None else _optional(values[reference_at]))
        segments.append(None if segment_at is None else _optional(values[segment_at]))
    return texts, labels, None if reference_at is None else references, None if segment_at is None else segments


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
