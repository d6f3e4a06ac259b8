"""Addresses, methods and headers that callers make up become no metric series: their number stays what it was.

Past the HTTP parser, which would refuse most of them: each goes straight to the application. The long form: a minute.
"""

from __future__ import annotations

import asyncio
import logging
import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service.api import create_app
from tests.api.conftest import new_house

LETTERS = string.ascii_letters + string.digits + string.punctuation + " \t\0äß\ud800漢\U0001f4a9"
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PROPFIND")
BODIES = (b"", b"{}", b"[1]", b'{"text": 7}', b"\x00\xff")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Any]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with new_house(tmp_path) as made:
        yield made


class Visitor:
    """Sends requests of its own invention; keeps the statuses of the answers."""

    def __init__(self, app: Any, seed: int) -> None:
        self.app = app
        self.chance = random.Random(seed)
        self.paths = [route.path for route in app.routes]
        self.statuses: set[int] = set()

    def words(self, longest: int) -> str:
        return "".join(self.chance.choices(LETTERS, k=self.chance.randrange(1, longest)))

    def invented(self) -> tuple[str, str, str]:
        """Method, path and query: half of them at an address that there is, half of those with a tail."""
        method = self.chance.choice(METHODS) if self.chance.random() < 0.8 else self.words(12)
        path = self.chance.choice(self.paths) if self.chance.random() < 0.5 else "/"
        path += self.words(40) if self.chance.random() < 0.5 else ""
        return method, path, self.chance.choice(["", "count=x&hours=x", self.words(40)])

    async def visit(self, method: str, path: str, query: str) -> None:
        headers = [(self.words(20).encode("utf-8", "replace").lower(), self.words(20).encode("utf-8", "replace"))]
        kind = self.chance.choice([b"application/json", b"text/plain", self.words(9).encode("utf-8", "replace")])
        headers += [(b"content-type", kind), (b"x-request-timeout", self.words(5).encode("utf-8", "replace"))]
        body = self.chance.choice(BODIES)
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode("utf-8", "replace"), "headers": headers, "root_path": "",
            "query_string": query.encode("utf-8", "replace"), "client": None, "server": None, "state": {},
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.statuses.add(message["status"])

        await self.app(scope, receive, send)


def series(house: Any) -> set[tuple[Any, ...]]:
    return {
        (sample.name, *sorted(sample.labels.items()))
        for family in house.metrics.registry.collect()
        for sample in family.samples
    }


async def visit_all(house: Any, count: int) -> tuple[set[Any], set[Any], set[int]]:
    """The series once each route has answered each kind of request, the series after `count` more, and the statuses."""
    visitor = Visitor(create_app(house.parts), seed=count)
    for path in [*visitor.paths, "/x", "/pages/x"]:
        for method in METHODS:
            for _ in range(30):
                await visitor.visit(method, path, "count=x&hours=x")
                await visitor.visit(method, path, "")
    before = series(house)
    for _ in range(count):
        await visitor.visit(*visitor.invented())
    return before, series(house), visitor.statuses


def check(house: Any, count: int) -> None:
    before, after, statuses = asyncio.run(visit_all(house, count))
    assert after == before
    assert {200, 404, 405, 415, 422} <= statuses
    assert max(status for status in statuses if status != 503) < 500  # 503: the predictor has not been started


def test_what_callers_make_up_is_no_metric_series(house: Any):
    check(house, 2_000)


@pytest.mark.slow
def test_100_000_inventions_are_no_metric_series(house: Any):
    check(house, 100_000)
