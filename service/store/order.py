"""Commit order: whoever has read up to a number has missed nothing below it.

Numbers drawn from a sequence are not committed in that order: a slow transaction with number 7 may commit
after a fast one with number 8, and a reader that stood at 8 would never see 7. So writers take turns, and a
number is drawn inside of the turn. SQLite has one writer at a time; PostgreSQL holds an advisory lock, which
it lets go only after the transaction is visible.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, text

from service.store.statements import Prepared

Turn = Literal["predictions", "labels", "rounds"]
LOCKS: dict[Turn | Literal["upgrade", "indexes"], int] = {
    "upgrade": 0x62657274_00000000,
    "predictions": 0x62657274_00000001,
    "labels": 0x62657274_00000002,
    "rounds": 0x62657274_00000003,
    "indexes": 0x62657274_00000004,
}
"""Every advisory lock of PostgreSQL that this program takes."""

LOCK = Prepared(text("SELECT pg_advisory_xact_lock(:key)"))
NEXT = Prepared(text("SELECT setval(:name, nextval(:name) + :more)"))
LAST = Prepared(text("SELECT seq FROM sqlite_sequence WHERE name = :name"))  # kept by AUTOINCREMENT, also when rows go


def take_turn(connection: Connection, stream: Turn) -> None:
    """Wait until no other transaction writes to this stream; holds until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        LOCK.execute(connection, key=LOCKS[stream])


def draw(connection: Connection, stream: Literal["predictions", "labels"], count: int) -> int:
    """The first of `count` consecutive numbers, above all that were ever committed. After `take_turn`."""
    if connection.dialect.name == "postgresql":
        return int(NEXT.execute(connection, name=f"{stream}_order", more=count - 1)) - count + 1
    return int(LAST.execute(connection, name=stream) or 0) + 1
