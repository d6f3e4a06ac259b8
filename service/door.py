"""The door that every request passes: keys, security headers, problem documents, metrics, the access log.

Pure ASGI, the one place that turns an error into an answer. Knows nothing of what a route does; the log
and the metrics name a request by its route template, never by its address, which may hold anything.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import BertwatchError
from service.errors import (
    Broken,
    ClientGone,
    Overloaded,
    Problem,
    Stopping,
    Unauthorized,
    problem_for,
    where,
)
from service.metrics import METHODS, OTHER, Metrics
from service.readiness import Readiness
from service.security import DATA_HEADERS, Keys
from service.turnkeeper import Turnkeeper

log = structlog.get_logger("bertwatch.access")

OPEN_PATHS = frozenset({"/livez", "/readyz", "/", "/docs", "/openapi.json"})
OPEN_PREFIX = "/pages/"
"""Open to all: probes, and pages that hold no data of their own. The status page asks its reader for a key."""


PREDICTION = "bertwatch.prediction"
"""Key of the scope under which a route leaves the id of the (first) prediction that it answers, for metrics."""


class Door:
    """ASGI middleware around the whole application."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, keys: Keys, readiness: Readiness, turnkeeper: Turnkeeper
    ) -> None:
        self.app = app
        self.metrics = metrics
        self.keys = keys
        self.readiness = readiness
        self.turnkeeper = turnkeeper
        # Asked once: a line that is not written would cost every request more than its metrics do.
        self.says_all = bool(structlog.get_logger().is_enabled_for(logging.DEBUG))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.turnkeeper.arrived(scope)
        visit = _Visit(send, self.readiness)
        self.metrics.request_began()
        try:
            await self._enter(scope, receive, visit)
        except Problem as problem:
            await visit.refuse(problem)
        except BertwatchError as error:
            await visit.refuse(problem_for(error))
        except ClientGone:
            return  # nobody is left to be answered; the visit is counted below
        except asyncio.CancelledError:
            await visit.refuse(Stopping())
            raise
        except Exception as error:  # noqa: BLE001 - the last net: a caller gets a problem document, whatever broke
            log.error("request_broke", route=_template(scope), error=where(error))
            await visit.refuse(Broken())
        finally:
            self._leave(scope, visit)

    async def _enter(self, scope: Scope, receive: Receive, visit: _Visit) -> None:
        path = scope["path"]
        if self.keys and path not in OPEN_PATHS and not path.startswith(OPEN_PREFIX):
            headers: Mapping[bytes, bytes] = dict(scope["headers"])
            if not self.keys.admit(headers.get(b"authorization")):
                raise Unauthorized
        turnstile = self.turnkeeper.turnstiles.get(path)
        if scope["method"] == "POST" and turnstile is not None:
            refusal = turnstile.refusal(0)
            if refusal is not None:
                raise refusal
            response = await turnstile.endpoint(Request(scope, receive))
            await response(scope, receive, visit.send)
        elif scope["method"] == "HEAD":
            inner = {**scope, "method": "GET"}
            await self.app(inner, receive, visit.send_head)
            scope["route"] = inner.get("route")
        else:
            await self.app(scope, receive, visit.send)

    def _leave(self, scope: Scope, visit: _Visit) -> None:
        seconds = time.perf_counter() - visit.began
        route = scope["path"] if scope["path"] in self.turnkeeper.turnstiles else _template(scope)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self.metrics.request_ended(route, method, visit.code, seconds, scope.get(PREDICTION))
        if visit.problem is not None:
            self.metrics.problem(visit.problem)
        if visit.problem == Overloaded.slug:
            self.turnkeeper.refusals.refused()
            return
        code = visit.code or 0
        if code < 400 and not self.says_all:
            return
        say = log.debug if code < 400 else log.info if code < 500 else log.warning
        say("request", route=route, method=method, code=visit.code, seconds=round(seconds, 4), problem=visit.problem)


class _Visit:
    """One request on its way through the door: what has been sent, and the headers that everything gets."""

    __slots__ = ("_forward", "_readiness", "began", "code", "problem")

    def __init__(self, forward: Send, readiness: Readiness) -> None:
        self.began = time.perf_counter()
        self.code: int | None = None
        self.problem: str | None = None
        self._forward = forward
        self._readiness = readiness

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.code = message["status"]
            headers = list(message.get("headers", ()))
            if not any(name == b"content-security-policy" for name, _ in headers):
                headers.extend(DATA_HEADERS)
            if self._readiness.leaving:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self._forward(message)

    async def send_head(self, message: Message) -> None:
        """The same answer without its body."""
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self.send(message)

    async def refuse(self, problem: Problem) -> None:
        if self.code is not None:
            return
        self.problem = problem.slug
        body = problem.body()
        await self.send({"type": "http.response.start", "status": problem.status, "headers": problem.headers_of(body)})
        await self.send({"type": "http.response.body", "body": body})


def _template(scope: Mapping[str, Any]) -> str:
    """The route's template, of which there are few; `other` where no route matched."""
    return getattr(scope.get("route"), "path", None) or OTHER
