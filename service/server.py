"""Runs an ASGI application: one process, httptools, uvloop, on a socket that is bound before anything loads.

Knows nothing of the application but its readiness. Adds to uvicorn an orderly end with exit status 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from model.errors import SurroundingsError
from service.connection import GuardedProtocol
from service.leaving import someone_waits, turn_newcomers_away
from service.readiness import Readiness

KEEP_ALIVE_SECONDS = 75
"""Longer than the 60 s for which load balancers commonly keep an idle connection, so that they close it first."""
SETTLE_SECONDS = 0.5
"""Between readiness going down and the listener closing: connections are told to close with their next answer."""
EMPTYING_SECONDS = 0.1
"""For which handshakes may still end after newcomers are turned away, and after which the queue is looked at again."""
LONGEST_EMPTYING = 20
"""Looks."""
LONGEST_STOP_SECONDS = 20
BACKLOG = 2048
COLLECT_AFTER = 20_000
"""Objects that are made and not freed, before Python looks for rings among them; its own number is 700."""


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
    _collect_seldom()
    try:
        Server(app, readiness, on_ready).run(sockets=[listener])
    except OSError as error:
        raise _cannot_listen(host, port, error) from None


def _collect_seldom() -> None:
    """Predictions leave no rings of objects behind: looking for them finds nothing, and stops every thread meanwhile.

    What is loaded by now stays for good and is not looked through again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


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
                log_level="error",  # a broken request is answered; lines of log are not the caller's to write
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
        for listener in sockets or []:
            if turn_newcomers_away(listener):
                await _emptied(listener)
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


async def _emptied(listener: socket.socket) -> None:
    """Until the event loop has taken everyone who was connected."""
    for _ in range(LONGEST_EMPTYING):
        await asyncio.sleep(EMPTYING_SECONDS)
        if not someone_waits(listener):
            return
