"""The labelling view in a real browser: by keyboard alone, with hostile texts, and when the service fails."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.pages.conftest import Visit, visiting
from tests.pages.server import Service
from tests.pages.states import HOSTILE, RIGHT_TO_LEFT, questions, state

NARROW: Any = {"width": 390, "height": 844}
IDS = [each["prediction_id"] for each in questions()]


def label(service: Service, visit: Visit) -> Page:
    visit.page.goto(f"{service.url}/#label")
    visit.page.locator("#label-text > *").first.wait_for()
    return visit.page


def words(page: Page, text: str) -> None:
    expect(page.locator("#label-words")).to_have_text(text)


def test_by_keyboard_alone_from_the_status_to_labels_and_back(service, visit):
    page = visit.open(service)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.key") == "to-label":
            break
    page.keyboard.press("Enter")
    expect(page).to_have_title("Label a sample · bertwatch")
    expect(page.locator("h1:visible")).to_have_text("Which class is right?")
    expect(page.locator("#label-words")).to_be_focused()
    for number, key in enumerate("312"):
        words(page, service.audit[number]["text"])
        page.keyboard.press(key)
    words(page, service.audit[3]["text"])
    assert service.labels == {IDS[0]: ["Business"], IDS[1]: ["World"], IDS[2]: ["Sports"]}
    expect(page.locator("#label-progress")).to_contain_text("3 labelled, 17 waiting")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1:visible")).to_have_text("All is well.")
    expect(page.locator("#right")).to_be_in_viewport()
    assert visit.complaints == []


def test_every_control_is_reached_by_tab_and_shows_it(service, visit):
    page = label(service, visit)
    page.keyboard.press("1")
    words(page, service.audit[1]["text"])
    page.locator(".back a").focus()
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("""() => {
            const element = document.activeElement;
            return [element.dataset.key || element.id, getComputedStyle(element).outlineStyle];
        }"""))  # fmt: skip
    controls = ["label-words", *(f"choice-{number}" for number in range(4)), "skip", "undo", "peek", "keys"]
    assert reached == [[control, "solid"] for control in controls]


def test_the_models_answer_is_hidden_until_mine_is_given(service, visit):
    page = label(service, visit)
    expect(page.locator("#label-answers")).not_to_contain_text("%")
    expect(page.locator("#label-newest")).to_be_empty()
    page.keyboard.press("3")
    expect(page.locator("#label-newest")).to_have_text("You said Business, and so did the model (97\u202f% sure)")
    page.keyboard.press("1")
    expect(page.locator("#label-newest")).to_have_text("You said World, the model Sports (99\u202f% sure)")
    expect(page.locator(".said")).to_have_count(0)
    page.keyboard.press("m")
    expect(page.locator(".choice", has_text="Sci/Tech")).to_contain_text("the model, 91\u202f%")
    page.keyboard.press("m")
    expect(page.locator(".said")).to_have_count(0)


def test_skip_puts_aside_and_undo_takes_back(service, visit):
    service.audit = questions(3)
    page = label(service, visit)
    page.keyboard.press("s")
    words(page, service.audit[1]["text"])
    expect(page.locator("#label-progress")).to_contain_text("1 skipped")
    page.keyboard.press("u")
    words(page, service.audit[0]["text"])
    expect(page.locator("#label-progress")).not_to_contain_text("skipped")
    page.keyboard.press("s")
    page.keyboard.press("2")
    words(page, service.audit[2]["text"])
    page.keyboard.press("u")
    words(page, service.audit[1]["text"])
    expect(page.locator(".label-head")).to_contain_text("labelled before: Sports")
    page.keyboard.press("1")
    words(page, service.audit[2]["text"])
    assert service.labels == {IDS[1]: ["Sports", "World"]}
    expect(page.locator("#label-progress")).to_contain_text("1 labelled")
    page.keyboard.press("4")
    expect(page.locator("#label-text")).to_contain_text("All are labelled but the 1 text that you skipped.")
    page.get_by_role("button", name="Show the skipped ones again").press("Enter")
    words(page, service.audit[0]["text"])
    page.keyboard.press("3")
    expect(page.locator("#label-text")).to_contain_text("Every prediction that could be asked for is labelled.")
    assert set(service.labels) == set(IDS[:3])


def test_the_effect_on_the_interval_is_a_forecast_until_the_next_round(service, visit):
    now = service.now.status
    now["accuracy"] |= {"value": 0.87, "low": 0.82, "high": 0.92, "labels": 100}
    accuracy = next(each for each in now["checks"] if each["aspect"] == "accuracy")
    accuracy["details"] = {"audit": {"labels": 100, "needed": 30, "reach": 1.0, "shown": True}, "volunteered": None}
    page = label(service, visit)
    effect = page.locator("#label-effect")
    expect(effect).to_have_text("Accuracy 87.0\u202f% ± 5.0 points from 100 audited labels")
    for number in range(12):
        words(page, service.audit[number]["text"])
        page.keyboard.press("1")
    expect(effect).to_contain_text("about ± 4.7 points with 12 more labels. A forecast until the monitor’s next round")
    now["accuracy"] |= {"low": 0.824, "high": 0.916, "labels": 112}
    now["monitor"]["last_round"] = page.evaluate("new Date(Date.now() + 1000).toISOString()")
    expect(effect).to_have_text("Accuracy 87.0\u202f% ± 4.6 points from 112 audited labels")


FORECASTS: list[tuple[Any, Any, int, Any]] = [
    # measured, audit, more labels; expected
    (None, None, 0, {"now": None, "then": None, "switches": False}),
    (None, None, 4, {"now": None, "then": None, "switches": False}),
    (None, None, 25, {"now": None, "then": 0.118, "switches": False}),
    ([0.8, 0.9, 100], None, 300, {"now": 0.05, "then": 0.025, "switches": False}),
    ([0.8, 0.9, 100], {"labels": 20, "needed": 30, "shown": False}, 5, {"now": 0.05, "then": 0.0488}),
    ([0.8, 0.9, 100], {"labels": 20, "needed": 30, "shown": False}, 16, {"then": 0.0833, "switches": True}),
]


def test_the_forecast(service, visit):
    """Without a measurement from the baseline's 90 %; and wider where the audit takes over from volunteered labels."""
    page = label(service, visit)
    for known, audit, more, expected in FORECASTS:
        measured = known and {"low": known[0], "high": known[1], "labels": known[2]}
        found = page.evaluate(
            """async ([known, audit, more]) =>
            (await import('/pages/label/forecast.js')).forecast(known, audit, more, 0.9)""",
            [measured, audit, more],
        )
        rounded = {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in found.items()}
        assert rounded | expected == rounded


def test_hostile_texts_stay_text_and_scroll_in_their_box(service, visit):
    long = "abcdefghi " * 1_000 + "w" * 3_000
    texts = [HOSTILE, RIGHT_TO_LEFT, long, "&lt;b&gt; <b>bold</b>\n\nline", "\u202e" * 50 + "end"]
    for entry, text in zip(service.audit, texts, strict=False):
        entry |= {"text": text, "segment": HOSTILE}
    service.now.status["model"]["labels"] = [HOSTILE, RIGHT_TO_LEFT, "x" * 300, "Sports"]
    page = label(service, visit)
    for size in ({"width": 1280, "height": 900}, NARROW):
        page.set_viewport_size(size)
        for text in texts:
            assert page.locator("#label-words").evaluate("box => box.textContent") == text
            box = page.locator("#label-words").bounding_box()
            assert box["height"] < size["height"] * 0.5
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
            expect(page.locator(".choice").first).to_be_in_viewport()
            page.keyboard.press("s")
        page.reload()
        page.locator("#label-words").wait_for()
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("document.querySelectorAll('main script, main img, [onerror], .label-words *').length") == 0
    assert visit.complaints == []


def test_a_long_text_is_scrolled_with_the_keyboard(service, visit):
    service.audit[0]["text"] = "A line of a long text.\n" * 400
    page = label(service, visit)
    page.keyboard.press("PageDown")
    page.wait_for_function("() => document.getElementById('label-words').scrollTop > 100")
    page.keyboard.press("1")
    words(page, service.audit[1]["text"])
    assert page.locator("#label-words").evaluate("box => box.scrollTop") == 0


def test_a_label_that_did_not_arrive_is_not_lost_from_sight(service, visit):
    page = label(service, visit)
    service.down = True
    page.keyboard.press("1")
    expect(page.locator("#label-trouble")).to_contain_text("The service does not answer. Nothing was stored")
    words(page, service.audit[0]["text"])
    expect(page.locator("#label-progress")).to_contain_text("0 labelled")
    service.down = False
    page.keyboard.press("1")
    words(page, service.audit[1]["text"])
    expect(page.locator("#label-trouble")).to_be_empty()
    assert service.labels == {IDS[0]: ["World"]}


def test_a_prediction_that_was_erased_is_left_out(service, visit):
    service.erased = {IDS[0]}
    page = label(service, visit)
    page.keyboard.press("1")
    words(page, service.audit[1]["text"])
    expect(page.locator("#label-trouble")).to_contain_text("It was left out.")
    expect(page.locator("#label-progress")).to_contain_text("0 labelled")


def test_more_is_asked_for_when_the_sample_is_used_up(service, visit):
    page = label(service, visit)
    for number in range(20):
        words(page, service.audit[number]["text"])
        page.keyboard.press("s" if number == 4 else "1")
    words(page, service.audit[20]["text"])
    assert [each for each in service.asked if each.startswith("/audit")] == ["/audit?count=20", "/audit?count=21"]


def test_without_predictions_or_texts_it_says_so(service, visit):
    service.audit = []
    page = label(service, visit)
    expect(page.locator("#label-text")).to_contain_text("There is no unlabelled prediction")
    service.audit = questions(1)
    service.audit[0]["text"] = None
    page.get_by_role("button", name="Look again").press("Enter")
    expect(page.locator("#label-words")).to_contain_text(IDS[0])


def test_keys_may_be_switched_off_and_never_act_outside_of_the_view(service, visit):
    page = label(service, visit)
    page.keyboard.press("Control+1")
    page.get_by_label("Keys 1–9, s, u, m").press("Space")
    page.keyboard.press("1")
    page.goto(f"{service.url}/#changed")
    page.locator("#checks > *").first.wait_for()
    page.keyboard.press("1")
    page.keyboard.press("s")
    page.wait_for_timeout(100)
    assert service.labels == {}


def test_a_key_is_asked_for_here_too_and_sent_along(service, visit):
    service.key = "open-sesame-open"
    page = visit.page
    page.goto(f"{service.url}/#label")
    expect(page.locator("h1:visible")).to_have_text("This service asks for a key.")
    page.locator("#key-field").fill("open-sesame-open")
    page.keyboard.press("Enter")
    words(page, service.audit[0]["text"])
    page.keyboard.press("2")
    words(page, service.audit[1]["text"])
    assert service.labels == {IDS[0]: ["Sports"]}


def test_what_carries_a_change_is_shown_where_it_is_known(service, visit):
    page = visit.open(service)
    expect(page.locator("#blame")).to_be_empty()
    service.now = state("benign")
    page = visit.open(service)
    expect(page.locator("#blame h3")).to_have_text("What carries the change")
    text = re.sub(r"\s+", " ", page.locator("#blame").inner_text())
    for each in ("league", "+9.1", "minister", "shop-eu", "Accuracy 71.4 %", "baseline 90.2 %", "characters"):
        assert each in text, each


def test_the_audit_is_named_where_it_is_the_accuracy_shown(browser, service):
    accuracy = next(each for each in service.now.status["checks"] if each["aspect"] == "accuracy")
    accuracy["details"] = {
        "audit": {"labels": 120, "needed": 30, "reach": 0.9, "shown": True},
        "volunteered": {"value": 0.41, "low": 0.37, "high": 0.45, "labels": 690},
    }
    with visiting(browser) as visit:
        page = visit.open(service)
        expect(page.locator("#accuracy")).to_contain_text("Audited labels")
        expect(page.locator("#accuracy")).to_contain_text("690, 41.0\u202f% right")
