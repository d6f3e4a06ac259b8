"""One database, SQLite or PostgreSQL: opened, brought up to date, read, written, closed.

Knows nothing of what is kept in it. Everything that goes wrong outside of the program leaves here as a
SurroundingsError with one sentence, without the password and without a value of any row.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from model.errors import InputError, SurroundingsError
from service.store.schema import REVISION

BUSY_SECONDS = 10
"""How long a writer waits for another one on SQLite."""
UPGRADE_LOCK = 0x62657274_00000000
"""Advisory lock of PostgreSQL under which one process at a time upgrades."""
WRITE = "bertwatch_write"


def open_database(url: str) -> Database:
    """Open the database of a SQLAlchemy URL and bring its tables up to date; several processes may do so at once.

    Raises InputError for a URL that is none of ours, SurroundingsError for a database that cannot be used.
    """
    parsed = _parse(url)
    database = Database(_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed), parsed)
    try:
        database.upgrade()
    except BaseException:
        database.close()
        raise
    return database


class Database:
    """Hands out short transactions, to any number of threads."""

    def __init__(self, engine: Engine, url: URL) -> None:
        self._engine = engine
        self._password = url.password or ""
        self._file = Path(url.database or "") if engine.dialect.name == "sqlite" else None
        self._identity: tuple[int, int] | None = None
        self.place = _place(url)
        """Where the database is, as a person may see it: no password."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one moment of the database, whatever is written meanwhile."""
        options = {} if self._file else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self._transaction(options)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block has been left, and has left nothing behind if it raised.

        On SQLite it holds the write lock from its beginning, so that what it reads stays true.
        """
        if self._identity is not None and self._find_file() != self._identity:
            self._reopen()
        with self._transaction({WRITE: True}) as connection:
            yield connection
        if self._identity is not None and self._find_file() != self._identity:
            raise SurroundingsError(f"The database {self.place} was moved or replaced while a row was written to it.")

    def upgrade(self) -> None:
        """Bring the tables up to date. One process does, others wait; nothing happens where they are."""
        with self._transaction({WRITE: True}) as connection:
            if self.dialect == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            revision = self._revision(connection)
            if revision != REVISION:
                self._migrate(connection, revision)
        if self._file:
            self._identity = self._find_file()

    def close(self) -> None:
        """Close every connection. The last one to leave an SQLite database folds its write-ahead log into the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        # `from None`: the causes hold the parameters of the statement, which may be a user's text.
        try:
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection
        except DBAPIError as error:
            raise self._unusable(error.orig or error) from None
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise self._unusable(error) from None
        except PoolTimeout:
            raise SurroundingsError(f"The database {self.place} is too busy: no connection became free.") from None

    def _unusable(self, error: BaseException) -> SurroundingsError:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if getattr(
            error, "sqlstate", None
        ):  # the server's own messages may quote a value; the name of the error does not
            reason = f"{type(error).__name__}, SQLSTATE {getattr(error, 'sqlstate', '')}"
        if self._password:
            reason = reason.replace(self._password, "***")
        if "not a database" in reason:
            return SurroundingsError(f"{self.place} is not an SQLite database; name another file.")
        advice = "check that it is there, has space and may be written"
        if self.dialect == "postgresql":
            advice = "check that the server is up, and the address, the user and the rights"
        return SurroundingsError(f"The database {self.place} cannot be used ({reason}); {advice}.")

    def _find_file(self) -> tuple[int, int] | None:
        assert self._file is not None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _reopen(self) -> None:
        # Rows written through a connection to a deleted file are gone with it; SQLite does not notice.
        self._engine.dispose()
        if self._find_file() is None:
            raise SurroundingsError(f"The database {self.place} is gone; put it back, or restart to begin a new one.")
        self.upgrade()

    def _revision(self, connection: Connection) -> str | None:
        names = set(self._engine.dialect.get_table_names(connection))
        if "alembic_version" in names:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if names & {"predictions", "models", "labels"}:
            raise SurroundingsError(f"The database {self.place} belongs to another program; name another one.")
        return None

    def _migrate(self, connection: Connection, revision: str | None) -> None:
        # Imported here: Alembic takes 0.2 s, and nearly every start finds the tables up to date.
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", "service.store:migrations")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision is not None and revision not in known:
            raise SurroundingsError(
                f"The database {self.place} was written by a newer bertwatch (schema {revision}); upgrade bertwatch."
            )
        command.upgrade(config, "head")


def _parse(url: str) -> URL:
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


def _place(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    host = url.host or url.query.get("host") or "localhost"
    return f"{url.database or ''} at {host}{f':{url.port}' if url.port else ''}"


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
        _use_write_ahead_log(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

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
                f"The database {_place(url)} is encoded in {encoding}; create one with ENCODING 'UTF8'."
            )

    return engine
