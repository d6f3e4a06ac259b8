"""Runs an ASGI application: one process, httptools, uvloop, on a socket that is bound before anything loads.

Knows nothing of the application but its readiness. Adds to uvicorn what it lacks: limits on slow and endless
heads and bodies, word of a client that has left, an orderly end with exit status 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from model.errors import SurroundingsError
from service.door import Readiness
from service.errors import MEDIA_TYPE, HeadersTooLarge, Problem, Refused, RequestTooSlow

HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
MOST_HEAD_BYTES = 65_536
KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s for which load balancers commonly keep an idle connection, so that they close it first."""
SETTLE_SECONDS = 0.5
"""Between readiness going down and the listener closing: connections are told to close with their next answer."""
LONGEST_STOP_SECONDS = 20
LINGER_SECONDS = 1.0
BACKLOG = 2048

ON_DISCONNECT = "bertwatch.on_disconnect"
"""Key of the ASGI scope under which a route leaves what to call when its client goes."""


def bind(host: str, port: int) -> socket.socket:
    """A TCP socket for one address; port 0 takes a free one. Not inherited by child processes.

    Raises SurroundingsError when the port is taken or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise SurroundingsError(
            f"{host!r} is not an address to listen on; --host takes a name or an address."
        ) from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> SurroundingsError:
    if error.errno == errno.EADDRINUSE:
        return SurroundingsError(f"Port {port} on {host} is in use; stop the other program or choose another --port.")
    if error.errno == errno.EACCES:
        return SurroundingsError(f"Port {port} needs more rights than this user has; choose a --port above 1023.")
    return SurroundingsError(f"Cannot listen on {host}, port {port}: {error.strerror}.")


def serve(
    app: ASGIApp, listener: socket.socket, readiness: Readiness, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Run until SIGTERM or SIGINT, then answer what was accepted and return. `on_ready` is called once it listens."""
    host, port = listener.getsockname()[:2]
    try:
        Server(app, readiness, on_ready).run(sockets=[listener])
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


class Server(uvicorn.Server):
    """uvicorn's server, which lets readiness go first, and ends with status 0 when it is asked to end."""

    def __init__(
        self,
        app: ASGIApp,
        readiness: Readiness,
        on_ready: Callable[[], None] = lambda: None,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=GuardedProtocol,
                loop="auto" if sys.platform == "win32" else "uvloop",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=LONGEST_STOP_SECONDS,
            )
        )
        self._readiness = readiness
        self._on_ready = on_ready
        self._settle = settle

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._readiness.started = True
            self._on_ready()

    def stop(self) -> None:
        """End in order, from any thread."""
        self._readiness.leaving = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._readiness.leaving = True
        await asyncio.sleep(self._settle)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal that was obeyed is not raised again: the exit status is 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._readiness.leaving = True
        super().handle_exit(sig, frame)


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
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

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
        body = problem.body()
        head = (
            f"HTTP/1.1 {problem.status} {problem.title}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.write_eof()
        self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)
