"""Those who write at the same time share a transaction: one of them commits for all who wait.

A commit on a disk takes as long for fifty rows as for one, and writers of SQLite that meet sleep before they try again.
Knows nothing of what is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_ITEMS = 1024
"""In one transaction, if several callers wait; one caller's items are never parted."""


class _Call(Generic[Item, Result]):
    """What one caller brings, and what has become of it."""

    __slots__ = ("done", "error", "items", "results")

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.done = False
        self.error: Exception | None = None
        self.results: Sequence[Result] = ()


class GroupCommit(Generic[Item, Result]):
    """`write` blocks, commits all of its items in this order or none, and gives a result for each of them."""

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        self._write = write
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._waiting: list[_Call[Item, Result]] = []

    def __call__(self, items: Sequence[Item]) -> Sequence[Result]:
        """Committed when it returns; raises what `write` raises, and then nothing of its group was committed.

        Whoever gets the turn commits for all who have come until then; they find it done when their turn comes.
        """
        mine: _Call[Item, Result] = _Call(items)
        with self._guard:
            self._waiting.append(mine)
        with self._turn:
            while not mine.done:
                self._commit(self._next_group())
        if mine.error is not None:
            raise mine.error
        return mine.results

    def _next_group(self) -> list[_Call[Item, Result]]:
        with self._guard:
            group, size = [self._waiting[0]], len(self._waiting[0].items)
            for call in self._waiting[1:]:
                size += len(call.items)
                if size > MOST_ITEMS:
                    break
                group.append(call)
            del self._waiting[: len(group)]
        return group

    def _commit(self, group: Sequence[_Call[Item, Result]]) -> None:
        try:
            results = self._write([item for call in group for item in call.items])
        except Exception as error:  # noqa: BLE001 - whatever a database does, each caller is told, and raises it
            for call in group:
                call.error, call.done = error, True
            return
        start = 0
        for call in group:
            call.results = results[start : start + len(call.items)]
            start += len(call.items)
            call.done = True
