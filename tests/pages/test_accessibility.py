"""axe-core finds nothing to complain of: every state of the status page and of the labelling view, light and dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

from tests.pages.conftest import visiting
from tests.pages.states import HOSTILE, state

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}


def violations(page: Page) -> list[tuple[str, Any]]:
    """Every rule of axe-core, best practices included, with the elements that break it."""
    found = Axe().run(page).response["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:5]) for rule in found]


@pytest.mark.parametrize(
    ("scheme", "name"),
    [
        ("light", "ok"),
        ("light", "benign"),
        ("dark", "benign"),
        ("dark", "harmful"),
        ("light", "stale"),
        ("dark", "empty"),
    ],
)
def test_the_status_page(browser, service, scheme, name):
    service.now = state(name)
    with visiting(browser, color_scheme=scheme) as visit:
        page = visit.open(service)
        assert violations(page) == []
        page.set_viewport_size(NARROW)
        for details in page.locator("#checks details").all()[:2]:
            details.locator("summary").click()
        assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_labelling_view(browser, service, scheme):
    """Fresh, with the model's answer shown, with a complaint, and when all is labelled."""
    service.audit = service.audit[:4]
    service.audit[2] |= {"text": "A long text.\n" * 500, "segment": HOSTILE}
    with visiting(browser, color_scheme=scheme) as visit:
        page = visit.page
        page.goto(f"{service.url}/#label")
        page.locator("#label-words").wait_for()
        for keys in ("", "3m", "1", "s"):
            for key in keys:
                page.keyboard.press(key)
                page.wait_for_timeout(50)
            for size in (WIDE, NARROW):
                page.set_viewport_size(size)
                assert violations(page) == []
        service.down = True
        page.keyboard.press("1")
        page.locator("#label-trouble .caution").wait_for()
        assert violations(page) == []
        service.down = False
        page.keyboard.press("1")
        page.locator("#label-text .empty").wait_for()
        assert violations(page) == []


def test_the_form_for_a_key_and_a_service_that_is_gone(browser, service):
    with visiting(browser) as visit:
        page = visit.open(service)
        service.down = True
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.locator(".gone").wait_for()
        assert violations(page) == []
        service.down, service.key = False, "open-sesame-open"
        page.reload()
        page.locator("#key-field").wait_for()
        assert violations(page) == []


def test_axe_would_see_a_fault(browser, service):
    with visiting(browser) as visit:
        page = visit.open(service)
        page.evaluate("document.querySelector('h1').outerHTML = '<img src=\"/pages/favicon.svg\"><h4>x</h4>'")
        assert {"image-alt", "heading-order"} & {name for name, _ in violations(page)}
