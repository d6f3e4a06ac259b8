"""The commands that keep house in the log: what is old goes, what a person wants forgotten goes, rows leave as a file.

Knows the store and files; settings and the clock are handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from model.errors import InputError
from service.export_file import check_suffix, write_rows
from service.store.database import Database, open_database
from service.store.erasure import Erasure
from service.store.export import Export
from service.store.predictions import PredictionLog
from service.store.retention import Pause, Retention

SECOND = 1_000_000
DAY = 86_400.0
UNITS = {"h": 3600.0, "d": DAY, "w": 7 * DAY}
SHA256 = re.compile(r"[0-9a-f]{64}")


def seconds_of(age: str) -> float:
    """Of 90d, 12h or 4w. Raises InputError."""
    found = re.fullmatch(r"(\d{1,5})([hdw])", age)
    if found is None:
        raise InputError("An age is a number with h, d or w behind it, such as 90d; write it so.")
    return int(found[1]) * UNITS[found[2]]


def check_retention(age: float, longest_window: float) -> None:
    """Raises InputError for an age (seconds) at which rows would go that a window of the monitor still looks at."""
    if age < longest_window:
        raise InputError(
            f"The monitor still looks at rows of the last {longest_window / 3600:g} hours; keep them at least so long, "
            "or set a shorter accuracy_window, window and window_reach."
        )


def prune_old(database: Database, age: float, now: int, pause: Pause) -> dict[str, int]:
    """Take away what is older than `age` seconds; the numbers of rows that went, by table."""
    return dict(Retention(database, pause).prune(now - int(age * SECOND)))


def prune(url: str, older_than: str, longest_window: float, clock: Callable[[], int], pause: Pause) -> dict[str, int]:
    """`bertwatch db prune`."""
    age = seconds_of(older_than)
    check_retention(age, longest_window)
    with open_database(url) as database:
        return prune_old(database, age, clock(), pause)


def erase(url: str, ids: Sequence[str], sha256: str | None, reference: str | None) -> dict[str, Any]:
    """`bertwatch db erase`. Raises InputError where nothing is found: a mistyped id must not pass for an erasure."""
    if sum((bool(ids), sha256 is not None, reference is not None)) != 1:
        raise InputError("Say what to erase: --prediction-id, --text-sha256 or --reference, one of the three.")
    wanted = [_uuid(each) for each in ids]
    if sha256 is not None and not SHA256.fullmatch(sha256.lower()):
        raise InputError("--text-sha256 takes 64 hexadecimal digits: the SHA-256 of the text in UTF-8.")
    with open_database(url) as database:
        erasure = Erasure(database)
        if sha256 is not None:
            wanted = list(erasure.of_text(sha256.lower()))
        elif reference is not None:
            wanted = list(erasure.of_reference(reference))
        done = erasure.erase(wanted)
    if done.predictions == 0:
        raise InputError("The log holds no such prediction; nothing was erased.")
    return {
        "predictions": done.predictions,
        "missing": len(wanted) - done.predictions,
        "reports": done.reports,
        "swept": done.swept,
    }


def export(url: str, output: Path, version: str | None) -> dict[str, Any]:
    """`bertwatch db export`."""
    check_suffix(output)
    if output.exists():
        raise InputError(f"{output} exists; choose another --output.")
    with open_database(url) as database:
        chosen = version or _only_version(PredictionLog(database))
        return {"output": str(output), "model_version": chosen, "rows": write_rows(Export(database, chosen), output)}


def _only_version(log: PredictionLog) -> str:
    versions = [info.version for info in log.models()]
    if not versions:
        raise InputError("The log is empty: no model was ever served on this database.")
    if len(versions) > 1:
        raise InputError(f"The log holds several model versions; name one with --model-version: {', '.join(versions)}.")
    return versions[0]


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise InputError("A --prediction-id is a UUID, as /predict answers it.") from None
