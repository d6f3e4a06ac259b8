"""One HTTP/1.1 connection: uvicorn's, with the limits that it lacks and word of a client that has left.

Knows nothing of routes. What it refuses, and what the application has turned away, costs no task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from service.errors import HeadersTooLarge, Problem, Refused, RequestTooSlow

HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
MOST_HEAD_BYTES = 65_536
LINGER_SECONDS = 1.0
"""For which a refused connection is still read, so that its client can read the answer."""

GRACE_SECONDS = 0.3
"""For which an idle connection may still bring a request when the server ends."""

ON_DISCONNECT = "bertwatch.on_disconnect"
"""Key of the ASGI scope under which a route leaves what to call when its client goes."""

ON_REFUSAL = "bertwatch.on_refusal"
"""Key of the lifespan's state under which stands what counts the problems that never reach the application."""

TURN_AWAY = "bertwatch.turn_away"
"""Key of the lifespan's state under which stands what answers, or does not, before there is a task (a `TurnAway`)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer that no application gives, ready for the wire but for the headers of the server itself."""

    status_line: bytes
    rest: bytes

    @classmethod
    def of(cls, problem: Problem, headers: Iterable[tuple[bytes, bytes]] = ()) -> Self:
        body = problem.body()
        lines = [b"%s: %s\r\n" % header for header in (*problem.headers_of(body), *headers)]
        return cls(STATUS_LINE[problem.status], b"".join((*lines, b"\r\n", body)))


TurnAway = Callable[[Any], Answer | None]
"""From an ASGI scope to the answer; None for a request that goes on to the application."""


def _nothing() -> None:
    """What is left to do after a request: without it, as in uvicorn, cycle and connection would hold each other."""


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with time limits on head and body, a limit on the head's size, and problem documents.

    The time limits cost nothing where a request arrives whole: a timer is set only for what is incomplete.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._phase = "idle"
        self._timed_phase = "idle"
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._running: RequestResponseCycle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._set_timer("head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer("idle")
        if self._running is not None:
            self._tell_that_nobody_waits(self._running)
        for cycle, _ in self.pipeline:
            cycle.on_response = _nothing
        self.pipeline.clear()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if not self._turned_away(cycle):
            super()._start_asgi_task(cycle, app)

    def _turned_away(self, cycle: RequestResponseCycle) -> bool:
        """Answer at once what is not let in, and say whether it was. A connection that wants something special takes
        the long way to the same answer.
        """
        turn_away: TurnAway | None = self.app_state.get(TURN_AWAY)
        special = not cycle.keep_alive or cycle.waiting_for_100_continue or self.pipeline or self.flow.write_paused
        answer = None if turn_away is None or special else turn_away(cycle.scope)
        if answer is None:
            return False
        cycle.response_started = cycle.response_complete = True
        self._write(answer)
        cycle.on_response()
        cycle.on_response = _nothing
        return True

    def _write(self, answer: Answer) -> None:
        own = [b"%s: %s\r\n" % header for header in self.server_state.default_headers]
        self.transport.write(b"".join((answer.status_line, *own, answer.rest)))

    def _tell_that_nobody_waits(self, cycle: RequestResponseCycle) -> None:
        """uvicorn tells the newest request of a connection; with pipelining an older one may be running."""
        if cycle.response_complete:
            return
        cycle.disconnected = True
        cycle.message_event.set()
        scope: dict[str, Any] = dict(cycle.scope)
        if ON_DISCONNECT in scope:
            scope[ON_DISCONNECT]()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._phase != self._timed_phase:
            self._set_timer(self._phase)
        if self._phase == "head":
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HeadersTooLarge())
        elif self._phase == "idle" and self.cycle is not None and self.cycle.response_complete:
            self._wait_for_the_next_request()

    def _wait_for_the_next_request(self) -> None:
        """uvicorn forgets the keep-alive limit where a body goes on after its answer (a 413)."""
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_message_begin(self) -> None:
        if self._timed_phase != "idle":  # the read that ended one request has the beginning of the next
            self._set_timer("idle")
        self._phase = "head"
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._phase = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._phase = "idle"
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Refused())

    def shutdown(self) -> None:
        """The server ends. uvicorn closes an idle connection at once, also when its next request is on the way:
        this one stays open for a moment, and closes with the answer if a request comes.
        """
        if self._running is None or self._running.response_complete:
            self.loop.call_later(GRACE_SECONDS, self._close_when_idle)
        else:
            super().shutdown()

    def _close_when_idle(self) -> None:
        if self._phase == "head":  # part of a request is here; the time for heads is limited
            self.loop.call_later(GRACE_SECONDS, self._close_when_idle)
        elif self._running is None or self._running.response_complete:
            self.transport.close()
        else:
            self._running.keep_alive = False

    def _set_timer(self, phase: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timed_phase = phase
        if phase != "idle":
            seconds = HEAD_SECONDS if phase == "head" else BODY_SECONDS
            self._timer = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self._may_answer():
            self._refuse(RequestTooSlow())
        else:
            self.transport.close()

    def _may_answer(self) -> bool:
        """Whether the slow request is one, has no answer yet, and is not behind another that is being answered."""
        if self._phase == "body":
            return self._running is self.cycle and not self.cycle.response_started
        return self._phase == "head" and (self._running is None or self._running.response_complete)

    def _refuse(self, problem: Problem) -> None:
        """Answer below the application, which may not even know of this request, and close.

        What still arrives is dropped for a moment: closing at once would reset the connection, and the
        client would never read the answer.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._set_timer("idle")
        if self._running is not None:
            self._tell_that_nobody_waits(self._running)
        if ON_REFUSAL in self.app_state:
            self.app_state[ON_REFUSAL](problem.slug)
        self._write(Answer.of(problem, [(b"connection", b"close")]))
        self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
