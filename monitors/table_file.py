"""A table from a file (CSV, JSON Lines or Parquet) or to one, and its columns as numbers or as names.

Knows nothing of what a column means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """All rows; the names of columns without white space around them. Raises InputError."""
    import pandas as pd

    with _spoken(path):
        match path.suffix.lower():
            case ".csv":
                return _named(pd.read_csv(path, **_AS_WRITTEN), path)
            case ".jsonl" | ".ndjson":
                return _named(pd.read_json(path, **_AS_JSON), path)
            case ".parquet":
                return _named(pd.read_parquet(path), path)
    raise _other_form(path)


def table_parts(path: Path) -> Iterator[pd.DataFrame]:
    """The same rows, a few hundred at a time. Raises InputError."""
    import pandas as pd
    import pyarrow.parquet as pq

    with _spoken(path):
        match path.suffix.lower():
            case ".csv":
                with pd.read_csv(path, **_AS_WRITTEN, chunksize=_PART_ROWS) as parts:
                    yield from (_named(part, path) for part in parts)
            case ".jsonl" | ".ndjson":
                with pd.read_json(path, **_AS_JSON, chunksize=_PART_ROWS) as parts:
                    yield from (_named(part, path) for part in parts)
            case ".parquet":
                with pq.ParquetFile(path, buffer_size=1 << 20) as file:
                    yield from (_named(part.to_pandas(), path) for part in file.iter_batches(_PART_ROWS))
            case _:
                raise _other_form(path)


_PART_ROWS = 512
# strings stay strings: a class or a text may be called NA or nan
_AS_WRITTEN: Any = {"keep_default_na": False, "na_values": {}, "dtype": str}
_AS_JSON: Any = {
    "lines": True, "dtype": False, "convert_dates": False, "convert_axes": False, "precise_float": True,
}  # fmt: skip


@contextmanager
def _spoken(path: Path) -> Iterator[None]:
    """One sentence for whatever is wrong with the file."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or 'it is damaged'}.") from None
    except (ValueError, pa.ArrowException):
        if path.is_file() and not path.stat().st_size:
            raise InputError(f"{path} is empty.") from None
        raise InputError(f"{path} cannot be read as {path.suffix[1:].upper()}; save it anew.") from None


def _other_form(path: Path) -> InputError:
    return InputError(f"{path} is none of .csv, .jsonl and .parquet; save the predictions as one of them.")


def _named(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    if not len(frame):
        raise InputError(f"{path} has no row.")
    frame.columns = [str(name).strip() for name in frame.columns]
    if not frame.columns.is_unique:
        raise InputError(f"{path} has two columns of one name; call them differently.")
    return frame


def write_table(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    """The columns as a file of the form that its name ends in, whole or not at all. Raises InputError."""
    import pandas as pd

    if path.exists():
        raise InputError(f"{path} exists already; choose another --output.")
    frame = pd.DataFrame(dict(columns))
    unfinished = path.with_name(f".{path.name}.part")
    try:
        match path.suffix.lower():
            case ".csv":
                frame.to_csv(unfinished, index=False)
            case ".jsonl":
                frame.to_json(unfinished, orient="records", lines=True, double_precision=15, force_ascii=False)
            case ".parquet":
                frame.to_parquet(unfinished)
            case _:
                raise InputError(f"{path} ends in none of .csv, .jsonl and .parquet; choose another --output.")
        unfinished.rename(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise InputError(f"Cannot write {path}: {error.strerror}.") from None


def number_column(frame: pd.DataFrame, name: str, path: Path) -> NDArray[np.float64]:
    """A column as numbers; NaN where a cell is empty. Raises InputError."""
    found = numbers_in(frame, name)
    if found is None:
        raise InputError(f"Column {name!r} of {path} holds something that is not a number.")
    return found


def numbers_in(frame: pd.DataFrame, name: str) -> NDArray[np.float64] | None:
    """A column as numbers, NaN where a cell is empty; None where it is no column of numbers."""
    import pandas as pd

    column = frame[name]
    try:
        if isinstance(column.dtype, pd.StringDtype):
            # pandas reads numbers quickly and wrong in the last digit
            return np.array([float(cell) if cell else np.nan for cell in column.fillna("").tolist()])
        return pd.to_numeric(column.replace({"": None})).to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        return None


def name_column(frame: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """A column as str, None where a cell is empty or the column missing."""
    found = np.full(len(frame), None, object)
    if name in frame:
        column = frame[name]
        found[:] = [
            None if missing or value == "" else str(value)
            for value, missing in zip(column.tolist(), column.isna().tolist(), strict=True)
        ]
    return found
