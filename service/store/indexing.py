"""Indexes of tables that may be large, built on PostgreSQL while writers go on, before a migration asks for them.

A migration is one transaction, and CREATE INDEX within it would lock every writer out for as long as it builds; CREATE
INDEX CONCURRENTLY cannot stand in a transaction. Knows nothing of revisions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from sqlalchemy import Connection, text

from service.store.order import LOCKS

log = structlog.get_logger(__name__)

PATIENCE = 60
"""Seconds that a build waits for transactions older than itself."""
POLL = 0.1
VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def build_indexes(connection: Connection, indexes: Mapping[str, str]) -> None:
    """Those that are missing, by name, each `table (columns)`; one that was left half-built is built anew.

    `connection` commits every statement, and is closed afterwards. Raises what the driver raises; SQLSTATE 55P03 where
    a transaction of somebody else outlasted `PATIENCE`.
    """
    connection.detach()  # lock and time-out belong to the session and end with it
    # asked for again and again: who sleeps in a statement is a transaction that the build would wait for
    asked = 0
    while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCKS["indexes"]}).scalar_one():
        if asked % round(60 / POLL) == 0:
            log.info("waiting", reason="another process is building indexes")
        asked += 1
        time.sleep(POLL)
    connection.execute(text(f"SET lock_timeout = {int(PATIENCE * 1000)}"))
    connection.execute(text("SET statement_timeout = 0"))
    for name, columns in indexes.items():
        if connection.execute(VALID, {"name": name}).scalar() is not True:
            connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))
            connection.execute(text(f"CREATE INDEX CONCURRENTLY {name} ON {columns}"))
