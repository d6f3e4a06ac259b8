"""A request on its way through the predictor: what was asked, who waits, until when, and what came of it.

Made and settled on the event loop; workers and writer read it, and fill in its records.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from model.prediction import Record
from service.errors import ClientGone, DeadlineExceeded


@dataclass(frozen=True, slots=True)
class Item:
    """One text to classify, with what the caller says about it."""

    text: str
    reference: str | None = None
    segment: str | None = None


class Ticket:
    """An accepted request: one item, or the items of a batch, which are committed and answered together."""

    __slots__ = ("_future", "_timer", "accepted", "deadline", "gone", "items", "loop", "records", "remaining")

    def __init__(self, items: Sequence[Item], timeout: float) -> None:
        self.items = items
        self.accepted = time.monotonic()
        self.deadline = self.accepted + timeout
        self.records: list[Record | None] = [None] * len(items)
        self.remaining = len(items)
        self.gone = False
        """Nobody waits any more; what is not yet computed or committed need not be."""
        self.loop = asyncio.get_running_loop()
        self._future: asyncio.Future[list[Record]] | None = self.loop.create_future()
        self._timer = self.loop.call_later(timeout, self._expire)

    async def answer(self) -> list[Record]:
        """The committed records, in the order of the items. Raises a Problem, or ClientGone. To be asked once."""
        assert self._future is not None, "it has been answered"
        try:
            return await self._future
        finally:
            self._timer.cancel()
            self.gone = True
            self._future = None  # it holds the error, and the error's traceback holds this ticket

    def abandon(self) -> None:
        """The client has left: compute nothing for it. Call on the event loop."""
        self.settle(ClientGone())

    def _expire(self) -> None:
        self.settle(DeadlineExceeded())

    def settle(self, error: Exception | None) -> None:
        """Give the waiting coroutine its answer or its error; the first one counts. Call on the event loop."""
        if self._future is None or self._future.done():
            return
        if error is None:
            self._future.set_result([record for record in self.records if record is not None])
        else:
            self.gone = True
            self._future.set_exception(error)

    def is_wanted(self) -> bool:
        return not self.gone and time.monotonic() < self.deadline
