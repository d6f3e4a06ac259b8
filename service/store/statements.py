"""Statements that SQLAlchemy spells differently for each database, long lists, and cursors without a wrapper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ClauseElement, Connection, Select, Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.sql.dml import Insert

from model.errors import InputError

Item = TypeVar("Item")
ROWS_AT_A_TIME = 20_000
ITEMS_AT_A_TIME = 1000
"""Values in one IN list; the databases allow 32,766 and 65,535 parameters."""


def add_if_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> Insert:
    """Insert a row unless its key is there; with `returning`, a row comes back where it was not."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    return insert(table).values(**row).on_conflict_do_nothing()


def add_or_replace(connection: Connection, table: Table, row: Mapping[str, Any]) -> Insert:
    """Insert a row, or overwrite the one with its primary key."""
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    key = [column.name for column in table.primary_key]
    changed = {name: value for name, value in row.items() if name not in key}
    return insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=changed)


def in_parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in order, no more at a time than an IN list takes."""
    for start in range(0, len(items), ITEMS_AT_A_TIME):
        yield items[start : start + ITEMS_AT_A_TIME]


def stream(connection: Connection, statement: Select[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a query as the driver gives them, in lists: three times as fast as SQLAlchemy's own for a million."""
    compiled = statement.compile(dialect=connection.dialect)
    parameters: Any = compiled.params
    if compiled.positiontup is not None:
        parameters = [compiled.params[name] for name in compiled.positiontup]
    # PostgreSQL sends bytes as hexadecimal text unless it is asked for the binary format.
    options = {"binary": True} if connection.dialect.name == "postgresql" else {}
    cursor: Any = connection.connection.cursor(**options)
    try:
        cursor.execute(compiled.string, parameters)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            yield rows
    finally:
        cursor.close()


class Prepared:
    """A statement of every commit, put into words once and given to the driver as it is; values go by name.

    SQLAlchemy takes longer over a statement than SQLite, and a lone request waits for it. Errors are the driver's.
    """

    def __init__(self, statement: ClauseElement) -> None:
        postgresql = psycopg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy has no type for it
        dialects = (pysqlite.dialect(paramstyle="named"), postgresql)
        self._words = {dialect.name: str(statement.compile(dialect=dialect)) for dialect in dialects}

    def execute(self, connection: Connection, **values: Any) -> Any:
        """The first column of the first row; None where there is no row."""
        cursor: Any = connection.connection.cursor()
        row = cursor.execute(self._words[connection.dialect.name], values).fetchone()
        return None if row is None else row[0]

    def execute_all(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Once for each row; there is nothing to read."""
        connection.connection.cursor().executemany(self._words[connection.dialect.name], rows)


def check_storable(*values: str | None) -> None:
    """Raise InputError for what no database keeps byte by byte: NUL (PostgreSQL) and lone surrogates (both)."""
    for value in values:
        if value is not None and not storable(value):
            raise InputError("A text holds a NUL or half of a surrogate pair, which cannot be stored; nothing was.")


def storable(value: str) -> bool:
    """Whether both databases keep this string as it is."""
    if "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
