"""Fixtures of the page's tests: one browser and one small server, and a visit that hears every complaint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.pages.server import Service, serve_pages
from tests.pages.states import questions, state
from tests.servers.browser import chromium

WIDE: Any = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a file: while it is open, its event loop runs in this thread, and tests of other rooms want one of theirs."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def server() -> Iterator[Service]:
    with serve_pages() as service:
        yield service


@pytest.fixture
def service(server: Service) -> Iterator[Service]:
    """The server in its plain state, whatever the last test did to it."""
    server.now, server.key, server.down = state("ok"), None, False
    server.history_down = server.refuse_reports = False
    server.asked.clear()
    server.audit, server.labels, server.erased = questions(), {}, set()
    yield server
    server.down = False


class Visit:
    """A page that was opened, and everything that the browser complained of meanwhile."""

    def __init__(self, context: BrowserContext) -> None:
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def open(self, service: Service) -> Page:
        self.page.goto(service.url)
        self.page.locator("#checks > *").first.wait_for()
        self.page.locator("#drift-chart .canvas svg, #drift-chart .empty:visible").first.wait_for()
        return self.page


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    with visiting(browser) as opened:
        yield opened


@contextmanager
def visiting(browser: Browser, **options: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport=WIDE, timezone_id="Europe/Berlin", locale="de-DE", **options)
    context.set_default_timeout(5000)
    try:
        yield Visit(context)
    finally:
        context.close()
