"""Rows of the log as a file: CSV, JSON Lines or Parquet, part by part, whole or not at all. Knows no database."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from model.errors import InputError, SurroundingsError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = ("time", "label_time")
Part = Mapping[str, Sequence[Any]]


class Source(Protocol):
    """Columns in the order of the file, which of them are numbers, and the rows in parts."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def numbers(self) -> Sequence[str]: ...

    def parts(self) -> Iterable[Part]: ...


def check_suffix(path: Path) -> None:
    """Raises InputError for a file of another kind."""
    if path.suffix not in WRITERS:
        raise InputError(f"{path} is of no known kind; name a file that ends in {', '.join(WRITERS)}.")


def write_rows(source: Source, path: Path) -> int:
    """The number of rows written. Raises InputError, SurroundingsError."""
    check_suffix(path)
    with _whole(path) as temporary:
        return WRITERS[path.suffix](source, temporary)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A sibling that takes the file's name once it is complete, and is gone otherwise."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise SurroundingsError(f"Cannot write {path}: {error.strerror}.") from None
    finally:
        temporary.unlink(missing_ok=True)


def _csv(source: Source, path: Path) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(source.columns)
        for part in source.parts():
            rows = list(_rows(source, part))
            writer.writerows(["" if value is None else value for value in row] for row in rows)
            count += len(rows)
    return count


def _jsonl(source: Source, path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for part in source.parts():
            for row in _rows(source, part):
                line = json.dumps(dict(zip(source.columns, row, strict=True)), ensure_ascii=False, allow_nan=False)
                file.write(line + "\n")
                count += 1
    return count


def _rows(source: Source, part: Part) -> Iterator[tuple[Any, ...]]:
    numbers = set(source.numbers)
    columns: list[Iterable[Any]] = []
    for name in source.columns:
        if name in numbers:
            columns.append(None if math.isnan(value) else float(f"{value:.9g}") for value in part[name])
        elif name in TIMES:
            columns.append(None if value is None else _iso(value) for value in part[name])
        else:
            columns.append(part[name])
    return zip(*columns, strict=True)


def _iso(microseconds: int) -> str:
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parquet(source: Source, path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    known = {
        **dict.fromkeys(TIMES, pa.timestamp("us", "UTC")),
        **dict.fromkeys(("confidence", "asked"), pa.float64()),
        **dict.fromkeys(source.numbers, pa.float32()),
        "truncated": pa.bool_(),
        "text_hash": pa.uint64(),
    }
    schema = pa.schema([(name, known.get(name, pa.string())) for name in source.columns])
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in source.parts():
            arrays = [pa.array(part[field.name], field.type, from_pandas=True) for field in schema]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(arrays[0])
    return count


WRITERS = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
