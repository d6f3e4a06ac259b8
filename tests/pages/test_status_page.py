"""The status page in a real browser: what a person reads, reaches and is told, in every state of the service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.pages.server import Service, serve_pages
from tests.pages.states import HOSTILE, LONG, RIGHT_TO_LEFT, STATES, state
from tests.servers.browser import chromium

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with serve_pages() as service:
        yield service


@pytest.fixture
def service(server: Service) -> Iterator[Service]:
    """The server in its plain state, whatever the last test did to it."""
    server.now, server.key, server.down = state("ok"), None, False
    server.history_down = server.refuse_reports = False
    server.asked.clear()
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
    yield from _visit(browser, WIDE)


@pytest.fixture
def narrow_visit(browser: Browser) -> Iterator[Visit]:
    yield from _visit(browser, NARROW)


def _visit(browser: Browser, viewport: Any, **options: Any) -> Iterator[Visit]:
    context = browser.new_context(viewport=viewport, timezone_id="Europe/Berlin", locale="de-DE", **options)
    context.set_default_timeout(5000)
    yield Visit(context)
    context.close()


def refresh(page: Page) -> None:
    """Makes the page ask now, as it does when somebody returns to it, instead of waiting for its next round."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


WORDS = {
    "ok": ("All is well.", ["Nothing to do", "92.3\u202f%", "0.2 points above the baseline", "No: 6 checks quiet"]),
    "empty": ("Nothing to judge yet.", ["No labels yet", "POST /feedback", "No check has run yet", "curl http://127"]),
    "few": ("Too early to tell.", ["The window holds 140 of 200 rows.", "About 93\u202f%, estimated without labels"]),
    "benign": ("The inputs have changed, accuracy holds.", ["Notice: good to know", "still open", "Being made"]),
    "harmful": ("Accuracy has fallen.", ["Page: look at it now", "13.8 points below the baseline", "check failed"]),
    "untrusted": ("The model is probably failing.", ["Not to be trusted now", "Not known: no labels yet"]),
    "stale": ("The monitor has stopped.", ["No: the last round was 2\u202fh 10\u202fmin ago", "It was: 92.3\u202f%"]),
    "hostile": ("Accuracy has fallen.", [HOSTILE, "14 more classes"]),
}


@pytest.mark.parametrize("name", STATES)
def test_every_state_says_what_it_is_in_words_and_breaks_no_policy(name, service, visit):
    service.now = state(name)
    page = visit.open(service)
    title, words = WORDS[name]
    expect(page.locator("h1")).to_have_text(title)
    expect(page).to_have_title(f"{title.rstrip('.')} · bertwatch")
    for each in words:
        expect(page.locator("body")).to_contain_text(each)
    assert not re.search(r"undefined|null|NaN|\[object|Infinity|Invalid Date", page.inner_text("body"))
    assert visit.complaints == []


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_wider_than_a_telephone(name, service, narrow_visit):
    service.now = state(name)
    page = narrow_visit.open(service)
    for details in page.locator("details:visible").all():
        details.locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    assert narrow_visit.complaints == []


def test_numbers_are_written_as_a_person_reads_them(service, visit):
    service.now.status["predictions"] |= {"total": 1_234_567, "latency": {"p50": 0.0123, "p99": 0.0481}}
    service.now.status["checks"][0] |= {"p_value": 4e-8, "score": 12345.6}
    service.now.status["accuracy"] |= {"value": 0.9, "low": 0.8, "high": 0.955, "baseline": 0.95}
    text = visit.open(service).inner_text("body")
    expected = [
        "1,234,567",
        "12\u202fms",
        "p99 48\u202fms",
        "p = 4.0 × 10⁻⁸",
        "12,346 of 4.31",
        "80.0\u202f% to 95.5\u202f%",
    ]
    expected += ["5.0 points below the baseline", "The interval is still wide", "1\u202fh 30\u202fmin, median"]
    assert [each for each in expected if each not in text] == []


def test_hostile_text_stays_text_and_runs_nothing(service, visit):
    service.now = state("hostile")
    page = visit.open(service)
    page.locator("#checks summary").first.click()
    expect(page.locator("#verdict-facts li")).to_have_text([HOSTILE, RIGHT_TO_LEFT, LONG])
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('main script, main img, [onerror]').length") == 0
    assert page.locator("#reports a").first.get_attribute("href").startswith("/reports/..%2F%3Cscript")
    assert visit.complaints == []


def test_dark_is_dark_and_light_is_light(browser, service):
    def background(scheme: str) -> list[int]:
        for visit in _visit(browser, WIDE, color_scheme=scheme):
            page = visit.open(service)
            return [
                int(part)
                for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
            ]
        return []

    assert min(background("light")) > 240
    assert max(background("dark")) < 40


def test_the_keyboard_reaches_every_control_and_sees_where_it_is(service, visit):
    service.now = state("harmful")
    page = visit.open(service)
    controls = "a[href]:visible, button:visible, summary:visible, [tabindex='0']:visible, input:checked"
    wanted = page.locator(controls).count()
    assert wanted > 15
    reached = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("""() => {
            const element = document.activeElement;
            const shown = element.type === 'radio' ? element.nextElementSibling : element;
            return [[...document.querySelectorAll('*')].indexOf(element), getComputedStyle(shown).outlineStyle];
        }"""))  # fmt: skip
    assert len({index for index, _ in reached}) == wanted
    assert {outline for _, outline in reached} == {"solid"}


def test_the_skip_link_leads_past_the_masthead(service, visit):
    page = visit.open(service)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_every_control_has_a_name(service, visit):
    service.now = state("harmful")
    page = visit.open(service)
    nameless = page.evaluate("""() =>
        [...document.querySelectorAll('a, button, input, summary, [role=slider], [role=region]')]
        .filter((each) => !(each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length))
        .map((each) => each.outerHTML)""")
    assert nameless == []


def test_the_arrow_keys_walk_along_a_chart(service, visit):
    page = visit.open(service)
    chart = page.locator("#accuracy-chart .canvas")
    readout = page.locator("#accuracy-chart .readout")
    chart.focus()
    expect(readout).to_contain_text("Newest")
    page.keyboard.press("Home")
    first = service.now.history["points"][0]["accuracy"]
    expect(readout).to_contain_text(f"{first['value'] * 100:.1f}\u202f%")
    expect(readout).to_contain_text("60 labels")
    assert chart.get_attribute("aria-valuenow") == "1"
    assert chart.get_attribute("aria-valuetext") == readout.inner_text()
    page.keyboard.press("ArrowRight")
    assert chart.get_attribute("aria-valuenow") == "2"


def test_a_chart_is_also_a_table(service, visit):
    page = visit.open(service)
    page.locator("#drift-chart summary").click()
    rows = page.locator("#drift-chart tbody tr")
    expect(rows).to_have_count(len(service.now.history["points"]))
    newest = service.now.history["points"][-1]["drift"]
    expect(rows.first.locator("td").first).to_have_text(f"{newest:.3g}")


def test_times_are_local(service, visit):
    service.now.status["verdict"]["since"] = "2026-01-05T13:04:00Z"
    page = visit.open(service)
    expect(page.locator("#verdict-facts")).to_contain_text("since 5 Jan, 14:04")
    expect(page.locator("#zone")).to_contain_text("Europe/Berlin")


def test_the_page_follows_the_service_without_reloading(service, visit):
    page = visit.open(service)
    page.evaluate("window.stayed = true")
    service.now.status = state("harmful").status
    expect(page.locator("h1")).to_have_text("Accuracy has fallen.")
    assert page.evaluate("window.stayed") is True
    assert page.locator("#masthead").get_attribute("data-tone") == "page"


def test_what_the_reader_opened_stays_open_and_focused_through_an_update(service, visit):
    page = visit.open(service)
    summary = page.locator("#checks summary").first
    summary.click()
    report = page.locator("#reports a").first
    report.focus()
    service.now.status["checks"][0]["summary"] = "The words have been counted anew."
    service.now.status["reports"].append(dict(service.now.status["reports"][0], id="r9"))
    refresh(page)
    expect(page.locator("#checks")).to_contain_text("counted anew")
    expect(page.locator("#checks details").first).to_have_attribute("open", "")
    expect(report).to_be_focused()


def test_the_page_says_when_the_service_is_gone_and_recovers(service, visit):
    page = visit.open(service)
    service.down = True
    refresh(page)
    expect(page.locator(".gone")).to_contain_text("The service does not answer.")
    expect(page.locator("#gone-said")).to_have_text("The service does not answer.")
    expect(page.locator("h1")).to_have_text("Last known: all is well.")
    expect(page.locator("#answers")).to_contain_text("No: the service does not answer")
    service.down = False
    page.get_by_role("button", name="Try now").click()
    expect(page.locator(".gone")).to_have_count(0)
    expect(page.locator("h1")).to_have_text("All is well.")
    expect(page.locator("#fresh")).to_contain_text("Updated")


def test_a_history_that_cannot_be_read_takes_nothing_else_away(service, visit):
    service.history_down = True
    visit.page.goto(service.url)
    expect(visit.page.locator("h1")).to_have_text("All is well.")
    expect(visit.page.locator("#history-said")).to_have_text("The history cannot be read now: The log is busy.")


def test_a_key_is_asked_for_kept_for_the_tab_and_forgotten(service, visit):
    service.key = "open-sesame"
    page = visit.page
    page.goto(service.url)
    expect(page.locator("h1:visible")).to_have_text("This service asks for a key.")
    field = page.get_by_label("Key", exact=True).and_(page.locator("input"))
    field.fill("wrong")
    field.press("Enter")
    expect(page.locator("#key-said")).to_contain_text("did not accept")
    field.fill("open-sesame")
    field.press("Enter")
    expect(page.locator("h1:visible")).to_have_text("All is well.")
    expect(page.locator("#drift-chart .canvas svg")).to_be_visible()
    assert page.evaluate("[localStorage.length, document.cookie, location.href]") == [0, "", f"{service.url}/"]
    with page.expect_download() as download:
        page.locator("#reports a").first.click()
    assert download.value.path().read_bytes().startswith(b"<!doctype html><title>Report")
    page.get_by_role("button", name="Forget the key").click()
    expect(page.locator("h1:visible")).to_have_text("This service asks for a key.")
    assert page.evaluate("sessionStorage.length") == 0


def test_a_report_is_asked_for_awaited_and_linked(service, visit):
    page = visit.open(service)
    page.get_by_role("button", name="Make a report now").click()
    expect(page.locator("#reports")).to_contain_text("Being made")
    assert service.asked.count("POST /reports") == 1
    service.now.status["reports"][0] |= {"state": "made", "made": "2026-11-21T10:00:20Z"}
    refresh(page)
    expect(page.locator("#reports a").first).to_have_attribute("href", "/reports/asked-now")
    service.refuse_reports = True
    page.get_by_role("button", name="Make a report now").click()
    expect(page.locator("#report-said")).to_have_text("No report: There is no baseline to compare with.")


def test_the_span_of_time_can_be_chosen(service, visit):
    page = visit.open(service)
    with page.expect_request("**/status/history?hours=1"):
        page.get_by_label("1 h", exact=True).check()
    expect(page.get_by_label("1 h", exact=True)).to_be_checked()


def test_no_round_is_spent_while_a_key_is_missing(service, visit):
    page = visit.page
    page.clock.install()
    service.key = "secret"
    page.goto(service.url)
    expect(page.locator("#key-field")).to_be_visible()
    service.asked.clear()
    page.clock.run_for(120_000)
    assert service.asked == []


def test_the_rounds_come_more_rarely_while_nobody_answers_or_looks(service, visit):
    page = visit.open(service)
    waits = page.evaluate("""async () => {
        const { poll } = await import('/pages/poll.js');
        const answers = [true, true, false, false, false, false, false, true, true, null];
        const waits = [];
        await new Promise((done) => {
            window.setTimeout = (next, wait) => { waits.push(wait / 1000); queueMicrotask(next); };
            poll(3000, async () => {
                const answer = answers.shift();
                if (answers.length === 1) Object.defineProperty(document, 'hidden', { value: true });
                if (answer === null) done();
                return answer;
            }).now();
        });
        return waits;
    }""")
    assert waits == [3, 3, 6, 12, 24, 30, 30, 3, 60]
