"""Who is turned away while the queue is full, before a request of thousands a second costs what a request costs.

Stands before the door, and says what the door would say.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from service.connection import Answer
from service.errors import Overloaded
from service.metrics import Metrics
from service.readiness import Readiness
from service.security import DATA_HEADERS, Keys

log = structlog.get_logger("bertwatch.access")

ON_ITS_WAY = "bertwatch.on_its_way"
"""Key of the scope of a request that has been let in and has not reached the door yet."""


class RefusalLog:
    """Log lines of requests that overload refuses: thousands a second, so one line a second counts them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unsaid = 0
        self._said = -math.inf

    def refused(self) -> None:
        self._unsaid += 1
        now = self._clock()
        if now - self._said >= 1:
            log.warning("overloaded", refused=self._unsaid)
            self._unsaid, self._said = 0, now


class Turnstile(NamedTuple):
    """The way to a busy endpoint, past the router: its address says all that routing would find out."""

    refusal: Callable[[int], Overloaded | None]
    """What any request would get now, with its body unread, if so many others come before it; None if it may pass."""
    endpoint: Callable[[Request], Awaitable[Response]]


class Turnkeeper:
    """Answers what overload refuses before the request has a task of its own. Call on the event loop.

    Requests arrive in shoals: all that the loop reads in one turn would find the same free places. Those that it lets
    in are therefore counted until they reach the door, from where they take their places without waiting.
    """

    def __init__(self, turnstiles: Mapping[str, Turnstile], metrics: Metrics, keys: Keys, readiness: Readiness) -> None:
        """`turnstiles`: by address, for POST."""
        self.turnstiles = turnstiles
        self.refusals = RefusalLog()
        self._metrics = metrics
        self._keys = keys
        self._readiness = readiness
        self._on_their_way = 0
        self._answers: dict[tuple[tuple[str, str], ...], Answer] = {}

    def __call__(self, scope: Scope) -> Answer | None:
        """The answer to a request that overload refuses. None for what goes on: to be let in, or to be told else."""
        path = scope["path"]
        if path not in self.turnstiles or scope["method"] != "POST" or self._readiness.leaving:
            return None
        if self._keys and not self._keys.admit(dict(scope["headers"]).get(b"authorization")):
            return None  # nor is it counted: whoever has no key takes nobody's place
        refusal = self.turnstiles[path].refusal(self._on_their_way)
        if refusal is None:
            self._on_their_way += 1
            scope[ON_ITS_WAY] = True
            return None
        self._metrics.request_turned_away(path, "POST", refusal)
        self.refusals.refused()
        return self._answer(refusal)

    def arrived(self, scope: Scope) -> None:
        """This request has reached the door."""
        self._on_their_way -= scope.pop(ON_ITS_WAY, False)

    def _answer(self, refusal: Overloaded) -> Answer:
        """There are as many as there are values of Retry-After."""
        key = tuple(refusal.headers)
        if key not in self._answers:
            self._answers[key] = Answer.of(refusal, DATA_HEADERS)
        return self._answers[key]
