"""The status page over time: it follows the service, says when it cannot, asks for a key, asks for reports."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.pages.states import state


def refresh(page: Page) -> None:
    """Makes the page ask now, as it does when somebody returns to it, instead of waiting for its next round."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


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
