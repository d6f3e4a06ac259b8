"""URLs and connections: what a database is called, and how each of its connections is set up.

A commit on any of them is on disk. Knows nothing of tables.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from model.errors import InputError, SurroundingsError

BUSY_SECONDS = 10
"""How long a writer waits for another one on SQLite."""
WRITE = "bertwatch_write"
"""Execution option of a transaction that will write."""


def parse(url: str) -> URL:
    """Raises InputError for a URL that is none of ours."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(
            "The database is not a URL; write sqlite:///file.db or postgresql://user@host/database."
        ) from None
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise InputError(f"There is no store for {parsed.drivername!r}; use sqlite:///… or postgresql://….")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise InputError("The log must outlive the program; name a file: sqlite:///file.db.")
    return parsed


def place_of(url: URL) -> str:
    """Where the database is, as a person may see it: without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    return f"{url.database or ''} at {host}{f':{url.port}' if url.port else ''}"


def connect(url: URL) -> Engine:
    """A pool of connections; opens none yet. Raises SurroundingsError where none could ever be opened."""
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    if not path.parent.is_dir() and not str(path).startswith("file:"):
        raise SurroundingsError(f"There is no directory {path.parent} for the database {path.name}; make it first.")
    engine = create_engine(
        url, hide_parameters=True, pool_size=4, max_overflow=60, connect_args={"timeout": BUSY_SECONDS}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the transaction is ours to begin
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten, not only forgotten
        _use_write_ahead_log(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(WRITE)
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    for attempt in range(BUSY_SECONDS * 20):
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:  # SQLite does not wait for a lock here, whatever the time-out
            if "locked" not in str(error) or attempt == BUSY_SECONDS * 20 - 1:
                raise
            time.sleep(0.05)
    if mode != "wal":
        raise sqlite3.OperationalError("its disk knows no write-ahead log")


def _postgresql(url: URL) -> Engine:
    defaults = {"application_name": "bertwatch", "connect_timeout": "5", "tcp_user_timeout": "10000"}
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            pool_size=4,
            max_overflow=12,
            pool_pre_ping=True,  # a server that went and came back costs no request
            connect_args={name: value for name, value in defaults.items() if name not in url.query},
        )
    except ImportError:
        raise SurroundingsError("PostgreSQL needs a driver; pip install 'bertwatch[postgres]'.") from None

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            # A commit that the server may still lose is none; stronger settings than `on` stay.
            cursor.execute(
                "SELECT set_config('synchronous_commit', 'on', false)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )
            encoding = cursor.execute("SHOW server_encoding").fetchone()[0]
        connection.commit()
        if encoding != "UTF8":
            raise SurroundingsError(
                f"The database {place_of(url)} is encoded in {encoding}; create one with ENCODING 'UTF8'."
            )

    return engine
