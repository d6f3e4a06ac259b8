"""The pictures of the README: `python -m tests.pages.screenshots` takes them anew, from canned states.

Each is a real browser's view of the real page; the numbers in it are invented.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.pages.server import Service, serve_pages
from tests.pages.states import questions, state
from tests.servers.browser import chromium

DOCS = Path(__file__).resolve().parents[2] / "docs"
WIDE: Any = {"width": 1280, "height": 1000}
PHONE: Any = {"width": 390, "height": 844}
MOST_BYTES = 250_000


def take(directory: Path) -> list[Path]:
    """Write every picture, and give their paths."""
    directory.mkdir(exist_ok=True)
    with chromium() as browser, serve_pages() as service:
        service.audit = questions()
        return [
            _status(browser, service, directory / "status-light.png", name="ok", size=WIDE, scheme="light"),
            _status(browser, service, directory / "status-dark.png", name="harmful", size=WIDE, scheme="dark"),
            _status(browser, service, directory / "status-phone.png", name="benign", size=PHONE, scheme="light"),
            _labelling(browser, service, directory / "labelling.png"),
        ]


def _status(browser: Browser, service: Service, path: Path, *, name: str, size: Any, scheme: Any) -> Path:
    service.now = state(name)
    service.now.status["predictions"]["latency"] = {"p50": 0.014, "p99": 0.047}
    page = _page(browser, size, scheme)
    page.goto(service.url)
    page.locator("#drift-chart .canvas svg").wait_for()
    return _shoot(page, path)


def _labelling(browser: Browser, service: Service, path: Path) -> Path:
    service.now = state("ok")
    now = service.now.status
    now["accuracy"] |= {"value": 0.87, "low": 0.82, "high": 0.92, "labels": 96}
    accuracy = next(check for check in now["checks"] if check["aspect"] == "accuracy")
    accuracy["details"] = {"audit": {"labels": 96, "needed": 30, "reach": 1.0, "shown": True}}
    page = _page(browser, {"width": 1280, "height": 800}, "light")
    page.goto(f"{service.url}/#label")
    for entry in service.audit[:9]:
        page.locator("#label-words", has_text=entry["text"]).wait_for()
        page.keyboard.press(str(now["model"]["labels"].index(entry["label"]) + 1))
    page.locator("#label-words", has_text=service.audit[9]["text"]).wait_for()
    return _shoot(page, path)


def _page(browser: Browser, size: Any, scheme: Any) -> Page:
    context = browser.new_context(
        viewport=size, color_scheme=scheme, timezone_id="Europe/Berlin", reduced_motion="reduce"
    )
    context.set_default_timeout(5000)
    return context.new_page()


def _shoot(page: Page, path: Path) -> Path:
    page.evaluate("document.fonts.ready")
    page.screenshot(path=path)
    page.context.close()
    assert path.stat().st_size < MOST_BYTES, f"{path} is too large for a README"
    return path


if __name__ == "__main__":
    for written in take(DOCS):
        sys.stdout.write(f"{written}: {written.stat().st_size:,} bytes\n")
