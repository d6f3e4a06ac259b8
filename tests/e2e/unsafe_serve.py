"""`bertwatch serve` on an SQLite database that does not wait for its disk: what the fdatasync test must find out."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Pool, event

from service.cli import main


def forget_the_disk(connection: sqlite3.Connection, *_: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


if __name__ == "__main__":
    event.listen(Pool, "checkout", forget_the_disk)
    main(["serve"])
