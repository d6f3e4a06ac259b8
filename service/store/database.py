"""One database, SQLite or PostgreSQL: opened, brought up to date, read, written, closed.

Knows nothing of what is kept in it. Everything that goes wrong outside of the program leaves here as a
SurroundingsError with one sentence, without the password and without a value of any row.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from shutil import disk_usage
from typing import Self

from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from model.errors import SurroundingsError
from service.store.connecting import BUSY_SECONDS, WRITE, connect, parse, place_of
from service.store.nouns import Space
from service.store.order import LOCKS
from service.store.schema import REVISION


class ConnectionLost(SurroundingsError):
    """The connection broke within a transaction: whether it was committed is not known, but it is decided by now."""


UNINDEXED = frozenset({"0001", "0002", "0003"})
"""Revisions before the one whose indexes are built beforehand."""
LOCKED = "55P03"
"""SQLSTATE of a wait for a lock that was given up."""

NEXT_TRANSACTION = "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS xid) AS text)"
OLDER_READERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type IS DISTINCT FROM 'autovacuum worker' AND age(backend_xmin) > age(CAST(:next AS xid))"
)
"""Those who read a moment of this PostgreSQL database before `next`: a vacuum keeps its rows for them."""
SWEEP_TRIES = 20
SWEEP_WAIT = 0.05
"""Seconds that each try waits for readers; SQLite holds off every writer meanwhile, and has as long for them after."""


def open_database(url: str) -> Database:
    """Open the database of a SQLAlchemy URL and bring its tables up to date; several processes may do so at once.

    Raises InputError for a URL that is none of ours, SurroundingsError for a database that cannot be used.
    """
    parsed = parse(url)
    database = Database(connect(parsed), parsed)
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
        # The same pool; what differs is said once, not with every transaction.
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = engine.execution_options(**({} if engine.dialect.name == "sqlite" else snapshot))
        self._writer = engine.execution_options(**{WRITE: True})
        self._password = url.password or ""
        self._file = Path(url.database or "") if engine.dialect.name == "sqlite" else None
        self._identity: tuple[int, int] | None = None
        self._turn = threading.Lock()
        self.place = place_of(url)
        """Where the database is, as a person may see it: no password."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one moment of the database, whatever is written meanwhile."""
        return self._transaction(self._reader)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block has been left, and has left nothing behind if it raised.

        On SQLite it holds the write lock from its beginning, so that what it reads stays true. Raises ConnectionLost
        where nobody can say any more whether it was committed.
        """
        with self._own_turn(), self._transaction(self._writer) as connection:
            yield connection
        self._check_file()

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        """Writers of one process queue up: SQLite lets those that meet sleep, a tenth of a second at a time."""
        if self._file is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise SurroundingsError(f"The database {self.place} is too busy: other writers never ended.")
        try:
            yield
        finally:
            self._turn.release()

    def upgrade(self) -> None:
        """Bring the tables up to date. One process does, others wait; nothing happens where they are."""
        if self.dialect == "postgresql":
            self._build_indexes()
        with self._transaction(self._writer) as connection:
            if self.dialect == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = {BUSY_SECONDS * 1000}"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCKS["upgrade"]})
            revision = self._revision(connection)
            if revision != REVISION:
                self._migrate(connection, revision)
        if self._file is not None and self._identity is None:
            self._identity = _identity(self._file)

    def space(self) -> Space:
        """What it takes with its write-ahead log, and what its disk has left; a server's disk is not seen."""
        if self._file is not None and self._identity is not None:
            parts = (self._file, self._file.with_name(f"{self._file.name}-wal"))
            return Space(
                sum(part.stat().st_size for part in parts if part.exists()), disk_usage(self._file.parent).free
            )
        size = "page_count * page_size FROM pragma_page_count, pragma_page_size"  # an SQLite URI, not a path
        if self.dialect == "postgresql":
            size = "pg_database_size(current_database())"
        with self.reading() as connection:
            return Space(connection.execute(text(f"SELECT {size}")).scalar_one(), None)

    def sweep(self, *tables: str) -> bool:
        """Let go of what deleted and changed rows of these tables left on disk; False where a reader holds it back.

        On SQLite the write-ahead log is folded into the file and emptied; on PostgreSQL the tables are vacuumed, and
        only the server's own archives still hold what was. Writers go on meanwhile.
        """
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                return _fold(connection) if self._file else _vacuum(connection, tables)
        except DBAPIError as error:
            raise self._unusable(error.orig or error) from None

    def close(self) -> None:
        """Close every connection. The last one to leave an SQLite database folds its write-ahead log into the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        self._check_file()
        # `from None`: the causes hold the parameters of the statement, which may be a user's text.
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            known = self._unusable(error.orig or error)
            raise (ConnectionLost(*known.args) if error.connection_invalidated else known) from None
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise self._unusable(error) from None
        except PoolTimeout:
            raise SurroundingsError(f"The database {self.place} is too busy: no connection became free.") from None

    def _unusable(self, error: BaseException) -> SurroundingsError:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        sqlstate = getattr(error, "sqlstate", None)
        if sqlstate == LOCKED:
            return SurroundingsError(
                f"The database {self.place} is held by a transaction that does not end; "
                "end it (pg_stat_activity shows it) and start again."
            )
        if sqlstate:  # the server's own messages may quote a value; the name of the error does not
            reason = f"{type(error).__name__}, SQLSTATE {sqlstate}"
        if self._password:
            reason = reason.replace(self._password, "***")
        if "not a database" in reason:
            return SurroundingsError(f"{self.place} is not an SQLite database; name another file.")
        advice = "check that it is there, has space and may be written"
        if self.dialect == "postgresql":
            advice = "check that the server is up, and the address, the user and the rights"
        return SurroundingsError(f"The database {self.place} cannot be used ({reason}); {advice}.")

    def _check_file(self) -> None:
        # SQLite goes on writing to a deleted file, and the rows are gone with it.
        if self._file is not None and self._identity is not None and _identity(self._file) != self._identity:
            self._engine.dispose()
            raise SurroundingsError(f"The database {self.place} is gone or another file; put it back, or restart.")

    def _revision(self, connection: Connection) -> str | None:
        names = set(self._engine.dialect.get_table_names(connection))
        if "alembic_version" in names:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if names & {"predictions", "models", "labels"}:
            raise SurroundingsError(f"The database {self.place} belongs to another program; name another one.")
        return None

    def _build_indexes(self) -> None:
        """What the migrations to come would lock writers for; nothing in a database that is new or up to date."""
        with self._transaction(self._writer) as connection:
            connection.execute(text(f"SET LOCAL lock_timeout = {BUSY_SECONDS * 1000}"))
            revision = self._revision(connection)
        if revision not in UNINDEXED:
            return
        from service.store.indexing import build_indexes
        from service.store.migrations.versions.retention import INDEXES

        with self._transaction(self._engine.execution_options(isolation_level="AUTOCOMMIT")) as connection:
            build_indexes(connection, INDEXES)

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


def _fold(connection: Connection) -> bool:
    """Empty SQLite's write-ahead log; False where readers held it all the time."""
    connection.execute(text(f"PRAGMA busy_timeout = {int(SWEEP_WAIT * 1000)}"))
    try:
        for _ in range(SWEEP_TRIES):
            if connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0] == 0:
                return True
            time.sleep(SWEEP_WAIT)
        return False
    finally:
        connection.execute(text(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}"))


def _vacuum(connection: Connection, tables: Sequence[str]) -> bool:
    """Vacuum tables of PostgreSQL; False where readers of an earlier moment outlasted the wait for them."""
    moment = {"next": connection.execute(text(NEXT_TRANSACTION)).scalar_one()}
    for _ in range(SWEEP_TRIES):
        readers = connection.execute(text(OLDER_READERS), moment).scalar_one()
        if not readers:
            break
        time.sleep(SWEEP_WAIT)
    connection.execute(text(f"VACUUM {', '.join(tables)}"))
    return bool(readers == 0)


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file this is, whatever its name; None where there is none (an SQLite URI has no path to look at)."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
