"""The labelling view against the real service: its policy, its sample, its labels, on a real log."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from playwright.sync_api import expect

from service.store.database import open_database
from tests.api.conftest import serving
from tests.api.stand_in import INFO, House
from tests.pages.server import PAGES


def test_labels_given_by_keyboard_stand_in_the_log_with_their_probability(tmp_path: Path, visit):
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database, serving(House(database, PAGES)) as service:
        items = [{"text": f"<b>text</b> {'x' * number}"} for number in range(40)]
        ids = [each["prediction_id"] for each in service.post("/predict/batch", {"items": items}).json()["predictions"]]
        page = visit.page
        page.goto(f"http://127.0.0.1:{service.port}/#label")
        texts = []
        for key in "1234":
            expect(page.locator("#label-words")).to_contain_text("<b>text</b>")
            texts.append(page.locator("#label-words").inner_text())
            page.keyboard.press(key)
            expect(page.locator("#label-words")).not_to_have_text(texts[-1])
        page.keyboard.press("u")
        expect(page.locator("#label-words")).to_have_text(texts[-1])
        page.keyboard.press("1")
        expect(page.locator("#label-progress")).to_contain_text("4 labelled, 16 waiting")
        of_text = dict(zip((item["text"] for item in items), ids, strict=True))
        history = [service.house.parts.labels.history(UUID(of_text[text])) for text in texts]
        assert [one[-1].label for one in history] == [*INFO.labels[:3], "World"]
        assert {(entry.asked, entry.source) for one in history for entry in one} == {(0.5, "audit")}
        assert len(history[3]) == 2
        assert visit.complaints == []
