"""The status page in a real browser: what a person reads and reaches, in every state of the service."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.pages.conftest import visiting
from tests.pages.states import HOSTILE, LONG, RIGHT_TO_LEFT, STATES, state

NARROW: ViewportSize = {"width": 390, "height": 844}

WORDS = {
    "ok": ("All is well.", ["Nothing to do", "92.3\u202f%", "0.2 points above", "No: 6 checks quiet", "measured"]),
    "empty": ("Nothing to judge yet.", ["No labels yet", "POST /feedback", "No check has run yet", "curl http://127"]),
    "few": ("Too early to tell.", ["The window holds 140 of 200 rows.", "About 93\u202f%, estimated without labels"]),
    "benign": ("The inputs have changed, accuracy holds.", ["Notice: good to know", "still open", "Being made"]),
    "harmful": ("Accuracy has fallen.", ["Page: look at it now", "13.8 points below the baseline", "check failed"]),
    "untrusted": (
        "The model is probably failing.",
        ["the inputs are too far from the baseline. Only labels", "Not known: no labels yet"],
    ),
    "stale": ("The monitor has stopped.", ["No: the last round was 2\u202fh 10\u202fmin ago", "It was: 92.3\u202f%"]),
    "hostile": ("Accuracy has fallen.", [HOSTILE, "14 more classes"]),
}


@pytest.mark.parametrize("name", STATES)
def test_every_state_says_what_it_is_in_words_fits_a_telephone_and_breaks_no_policy(name, service, visit):
    service.now = state(name)
    page = visit.open(service)
    title, words = WORDS[name]
    expect(page.locator("h1")).to_have_text(title)
    expect(page).to_have_title(f"{title.rstrip('.')} · bertwatch")
    for each in words:
        expect(page.locator("body")).to_contain_text(each)
    assert not re.search(r"undefined|null|NaN|\[object|Infinity|Invalid Date", page.inner_text("body"))
    page.set_viewport_size(NARROW)
    for details in page.locator("details:visible").all():
        details.locator("summary").click()
    page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=NARROW["width"])
    assert visit.complaints == []


def test_a_monitor_that_stopped_a_moment_ago_is_told_in_words(service, visit):
    service.now = state("stale")
    seconds_ago = datetime.now(UTC) - timedelta(seconds=20)
    service.now.status["monitor"] |= {"last_round": seconds_ago.isoformat(), "interval_seconds": 2.0}
    expect(visit.open(service).locator("#answers")).to_contain_text("No: the last round was less than a minute ago")


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
        with visiting(browser, color_scheme=scheme) as visit:
            page = visit.open(service)
            return [
                int(part)
                for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
            ]

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
