"""An hour of a dead receiver, on a clock of the test's own: late, in order, nothing lost, and nobody else is touched.

A real service, a real log, real webhooks behind real Apprise URLs; only the hour is not waited for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitors.notifier import SECOND, Notifier, apprise_channels
from monitors.protocols import Notification
from monitors.verdict import Severity
from service.store.database import open_database
from service.store.nouns import OutboxCounts
from service.store.outbox import LEASE, Outbox
from tests.api.conftest import Service
from tests.api.stand_in import START
from tests.conftest import take_port
from tests.processes import Receiver

MINUTE = 60
HOUR = 60 * MINUTE
ERRAND = 5
"""Seconds between two looks of the monitor into the outbox."""
LONGEST_PAUSE = 15 * MINUTE
EVENTS = {
    30: "e1/opened",
    20 * MINUTE: "e1/escalated:page:harmful",
    45 * MINUTE: "e1/resolved",
    58 * MINUTE: "e2/opened",
}
"""When the monitor has news, in seconds of the hour."""
DEAD, LIVE = "1", "2"


@dataclass
class Story:
    """The hour and its clock. Each life of the monitor opens the log anew, and knows nothing of the one before."""

    log: Path
    urls: list[str]
    seconds: int = 0
    waiting: list[int] = field(default_factory=list)

    def now(self) -> int:
        return START + self.seconds * SECOND

    @contextmanager
    def life(self) -> Iterator[tuple[Outbox, Notifier]]:
        with open_database(f"sqlite:///{self.log}") as database:
            outbox = Outbox(database)
            yield outbox, Notifier(outbox, apprise_channels(self.urls), self.now, jitter=lambda: 0.5)

    def live_until(self, end: int, service: Service) -> None:
        """One life of the monitor, and what callers of `/predict` get meanwhile."""
        with self.life() as (outbox, notifier):
            while self.seconds < end:
                if self.seconds in EVENTS:
                    outbox.add([self.news(receiver) for receiver in (DEAD, LIVE)])
                notifier.deliver()
                if self.seconds % MINUTE == 0:
                    assert service.post("/predict", {"text": f"minute {self.seconds}"}).status_code == 200
                    self.waiting.append(outbox.counts().waiting)
                self.seconds += ERRAND

    def news(self, receiver: str) -> Notification:
        what = EVENTS[self.seconds]
        event = "opened" if "opened" in what else "resolved" if "resolved" in what else "escalated"
        return Notification(f"{what}#{receiver}", event, Severity.PAGE, what, "A body.", self.now())

    def die_while_sending(self) -> None:
        """The end of a life between taking a message and saying what became of it."""
        with self.life() as (outbox, _):
            while not outbox.due(self.now()):
                self.seconds += ERRAND


def test_an_hour_of_a_dead_receiver_delays_and_loses_nothing(start: Callable[..., Service], tmp_path: Path):
    service = start()
    dead_port = take_port()
    with Receiver() as live:
        story = Story(tmp_path / "service" / "log.db", [f"json://127.0.0.1:{dead_port}/", live.url])
        for end in (10 * MINUTE, 25 * MINUTE):  # a restart after each
            story.live_until(end, service)
        story.die_while_sending()
        story.live_until(HOUR, service)

        assert live.titles() == list(EVENTS.values()), "who can be reached is told at once, and once"
        counter = 'bertwatch_outbox_notifications{state="waiting"} 4.0'
        assert counter in service.client.get("/metrics").text, "the alert on notifications reads this"
        with Receiver(dead_port) as back:
            story.live_until(HOUR + LONGEST_PAUSE + LEASE // SECOND, service)
            assert sorted(back.titles()) == sorted(EVENTS.values()), "all of it, once"
            assert [title for title in back.titles() if "e1" in title] == list(EVENTS.values())[:3], "in its order"
        assert live.titles() == list(EVENTS.values())

    with story.life() as (outbox, _):
        assert outbox.counts() == OutboxCounts(waiting=0, failed=0)
        assert outbox.delivered_since(0) == 2 * len(EVENTS)
    assert max(story.waiting) == len(EVENTS)
    assert service.house.rows() == len(story.waiting), "every minute a prediction, every one in the log"


@pytest.mark.parametrize("seconds", [70, 1010])
def test_the_end_is_not_told_before_the_beginning(tmp_path: Path, seconds: int):
    """Though the beginning has failed often and has a long pause, and the end has just come."""
    port = take_port()
    story = Story(tmp_path / "log.db", [f"json://127.0.0.1:{port}/"])
    with open_database(f"sqlite:///{story.log}") as database:
        database.upgrade()
    with story.life() as (outbox, notifier):
        outbox.add([Notification("e1/opened#1", "opened", Severity.PAGE, "opened", "A body.", story.now())])
        for _ in range(seconds // ERRAND):
            notifier.deliver()
            story.seconds += ERRAND
        outbox.add([Notification("e1/resolved#1", "resolved", Severity.PAGE, "resolved", "A body.", story.now())])
        outbox.add([Notification("e2/opened#1", "opened", Severity.PAGE, "another", "A body.", story.now())])
        with Receiver(port) as back:
            assert notifier.deliver() == 1
            assert back.titles() == ["another"], "another episode does not wait"
            for _ in range(LONGEST_PAUSE // ERRAND):
                story.seconds += ERRAND
                notifier.deliver()
            assert back.titles() == ["another", "opened", "resolved"]
