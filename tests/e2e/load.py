"""Sixteen clients that ask a service again and again, through every fault, and what a log holds afterwards.

What got a 200 is kept with its time; 503 and a broken connection are met with another try, as a client would.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from types import TracebackType
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

CLIENTS = 16
PAUSE = 0.05
"""Seconds after a refusal or a broken connection."""


def say(line: str) -> None:
    """A figure, or how far a long test is; pytest shows it with `-s`."""
    sys.stderr.write(line + "\n")


class Load:
    """Clients at work within a `with` block."""

    def __init__(self, url: str, clients: int = CLIENTS) -> None:
        self.address = urlsplit(url).netloc
        self.answered: list[tuple[float, UUID]] = []
        """Monotonic time of each 200, and the id that it gave."""
        self.codes: Counter[int] = Counter()
        """Of all answers; 0 stands for a connection that broke or was refused."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    @property
    def ids(self) -> set[UUID]:
        return {row for _, row in self.answered}

    def answered_since(self, moment: float) -> bool:
        return bool(self.answered) and self.answered[-1][0] > moment

    def wait_for_answer(self, since: float, seconds: float) -> float:
        """Seconds from `since` to the first later answer; fails where it takes longer than allowed."""
        end = since + seconds
        while not self.answered_since(since):
            assert time.monotonic() < end, f"no answer within {seconds} s; codes so far: {dict(self.codes)}"
            time.sleep(0.005)
        return next(at for at, _ in self.answered if at > since) - since

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(40)
            assert not thread.is_alive()

    def _ask(self, number: int) -> None:
        connection, count = http.client.HTTPConnection(self.address, timeout=15), 0
        while not self._stop.is_set():
            count += 1
            body = json.dumps({"text": f"Bank number {number} raised rates {count} times."})
            try:
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException):
                self.codes[0] += 1
                connection.close()
                self._stop.wait(PAUSE)
                continue
            self.codes[answer.status] += 1
            if answer.status == 200:
                self.answered.append((time.monotonic(), UUID(json.loads(content)["prediction_id"])))
            else:
                self._stop.wait(PAUSE)
        connection.close()


def check_log(url: str, answered: set[UUID]) -> int:
    """No answered row is missing, none is there twice, each has its numbers, and the database is whole; its rows."""
    rows, numbered, ordinals = (_sqlite if url.startswith("sqlite") else _postgresql)(url)
    assert len(set(rows)) == len(rows)
    missing = answered - set(rows)
    assert not missing, f"{len(missing)} of {len(answered)} answered predictions are not in the log"
    assert numbered == len(rows), "each row has its numbers"
    assert ordinals == list(range(1, len(rows) + 1)), "and they are counted without a gap"
    return len(rows)


ROWS = "SELECT id FROM predictions"
NUMBERED = (
    "SELECT count(*) FROM predictions p JOIN models m ON m.version = p.model_version "
    "JOIN prediction_numbers n ON n.model = m.id AND n.time = p.time AND n.seq = p.seq"
)
ORDINALS = "SELECT ordinal FROM prediction_numbers ORDER BY seq"
INDEXES = (
    "SELECT bt_index_check(c.oid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relpersistence = 'p'"
)


def _sqlite(url: str) -> tuple[list[UUID], int, list[int]]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = [UUID(bytes=row) for (row,) in database.execute(ROWS)]
        [numbered] = database.execute(NUMBERED).fetchone()
        return rows, numbered, [ordinal for (ordinal,) in database.execute(ORDINALS)]


def _postgresql(url: str) -> tuple[list[UUID], int, list[int]]:
    """Its indexes are checked against its tables by PostgreSQL's own amcheck."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        database.execute(INDEXES)
        rows = [row for (row,) in database.execute(ROWS)]
        found = database.execute(NUMBERED).fetchone()
        assert found is not None
        return rows, found[0], [ordinal for (ordinal,) in database.execute(ORDINALS)]
