"""Delivery: once to each receiver, retried with growing pauses, given up in the end; secrets stay secret."""

import io
import json
import logging
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from model.errors import InputError
from monitors.in_memory import MemoryOutbox
from monitors.notifier import SECOND, Notifier, Patience, apprise_channels
from monitors.protocols import DeliveryResult, Notification
from monitors.verdict import Severity

PATIENCE = Patience(first=10, longest=60, give_up=1000)


def note(key="e1/opened#1", severity=Severity.PAGE, event="opened"):
    return Notification(key=key, event=event, severity=severity, title="A title", body="A\nbody – 1 < 2", created=0)


@dataclass
class Clock:
    seconds: float = 0.0

    def __call__(self) -> int:
        return int(self.seconds * SECOND)


@dataclass
class Scripted:
    """A channel that answers as told and then takes everything."""

    answers: list = field(default_factory=list)
    sent: list = field(default_factory=list)

    def send(self, notification):
        answer = self.answers.pop(0) if self.answers else DeliveryResult(True)
        if isinstance(answer, Exception):
            raise answer
        if answer.ok:
            self.sent.append(notification.key)
        return answer


def notifier(outbox, clock, **channels):
    named = {name.removeprefix("to_"): channel for name, channel in channels.items()}
    return Notifier(outbox, named, clock, jitter=lambda: 1.0, patience=PATIENCE)


def outbox_of(*notes):
    outbox = MemoryOutbox()
    outbox.add(notes)
    return outbox


def test_a_delivered_notification_is_not_sent_again():
    outbox, channel = outbox_of(note()), Scripted()
    teller = notifier(outbox, Clock(), to_1=channel)
    assert (teller.deliver(), teller.deliver()) == (1, 0)
    assert channel.sent == ["e1/opened#1"]


def test_pauses_double_up_to_the_longest():
    clock, channel = Clock(), Scripted([DeliveryResult(False)] * 6)
    outbox = outbox_of(note())
    teller = notifier(outbox, clock, to_1=channel)
    pauses = []
    for _ in range(6):
        assert teller.deliver() == 0
        pauses.append(outbox.rows["e1/opened#1"].retry_at / SECOND - clock.seconds)
        clock.seconds += pauses[-1] - 1
        assert not outbox.due(clock()), "not before its time"
        clock.seconds += 1
    assert pauses == [10, 20, 40, 60, 60, 60]
    assert teller.deliver() == 1


def test_jitter_spreads_the_retries():
    outbox = outbox_of(note())
    channel = Scripted([DeliveryResult(False)])
    Notifier(outbox, {"1": channel}, Clock(), jitter=lambda: 0.0, patience=PATIENCE).deliver()
    assert outbox.rows["e1/opened#1"].retry_at == 5 * SECOND


def test_old_age_gives_up():
    clock, channel = Clock(), Scripted([DeliveryResult(False)] * 1000)
    outbox = outbox_of(note())
    teller = notifier(outbox, clock, to_1=channel)
    while outbox.rows["e1/opened#1"].state == "waiting":
        teller.deliver()
        clock.seconds += 60
    assert outbox.rows["e1/opened#1"].state == "given up"
    assert 900 <= clock.seconds <= 1060


def test_a_final_refusal_gives_up_at_once():
    outbox = outbox_of(note())
    assert notifier(outbox, Clock(), to_1=Scripted([DeliveryResult(False, retry=False)])).deliver() == 0
    row = outbox.rows["e1/opened#1"]
    assert (row.state, row.notification.attempts) == ("given up", 1)


def test_one_broken_receiver_neither_stops_nor_repeats_the_others():
    outbox = outbox_of(*(note(f"e1/opened#{receiver}") for receiver in (1, 2, 3)))
    broken, sound = Scripted([ValueError("https://secret")] * 3), Scripted()
    clock = Clock()
    teller = notifier(outbox, clock, to_1=broken, to_2=sound)
    assert teller.deliver() == 1
    assert outbox.rows["e1/opened#3"].state == "given up", "nobody is number 3 any more"
    clock.seconds += 1000
    teller.deliver()
    assert sound.sent == ["e1/opened#2"]


def test_more_than_one_page_of_the_outbox_is_delivered_in_one_go():
    outbox, channel = outbox_of(*(note(f"e{number}/opened#1") for number in range(50))), Scripted()
    assert notifier(outbox, Clock(), to_1=channel).deliver() == 50


@pytest.fixture
def receiver():
    """A webhook that answers with `status` and remembers what it was told."""

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.server.status == 200:
                self.server.told.append(json.loads(body))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    server.status, server.told = 200, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("event", "severity", "kind"),
    [("opened", Severity.PAGE, "failure"), ("opened", Severity.NOTICE, "info"), ("resolved", Severity.PAGE, "success")],
)
def test_a_real_webhook_is_told_once(receiver, event, severity, kind):
    outbox = outbox_of(note(severity=severity, event=event))
    channels = apprise_channels([f"json://127.0.0.1:{receiver.server_port}/hook"])
    teller = Notifier(outbox, channels, Clock(), jitter=lambda: 1.0)
    assert (teller.deliver(), teller.deliver()) == (1, 0)
    [told] = receiver.told
    assert (told["title"], told["message"], told["type"]) == ("A title", "A\nbody – 1 < 2", kind)


def test_a_receiver_that_was_dead_for_a_while_is_told_once_it_is_back(receiver):
    clock, outbox = Clock(), outbox_of(note())
    live = f"json://127.0.0.1:{receiver.server_port}/hook"
    teller = Notifier(outbox, apprise_channels([live]), clock, jitter=lambda: 1.0, patience=PATIENCE)
    for status in (503, 429, 500):
        receiver.status = status
        assert teller.deliver() == 0
        assert outbox.rows["e1/opened#1"].state == "waiting"
        clock.seconds += 60
    receiver.status = 200
    assert (teller.deliver(), teller.deliver()) == (1, 0)
    assert len(receiver.told) == 1


def test_nobody_listening_is_worth_another_try(free_port):
    outbox = outbox_of(note())
    Notifier(outbox, apprise_channels([f"json://127.0.0.1:{free_port}/"]), Clock(), jitter=lambda: 1.0).deliver()
    assert outbox.rows["e1/opened#1"].state == "waiting"


def test_a_final_answer_of_a_real_webhook_is_given_up(receiver):
    receiver.status = 404
    outbox = outbox_of(note())
    channels = apprise_channels([f"json://127.0.0.1:{receiver.server_port}/hook"])
    Notifier(outbox, channels, Clock(), jitter=lambda: 1.0).deliver()
    assert outbox.rows["e1/opened#1"].state == "given up"


@pytest.fixture
def logged():
    """Everything that reaches the root logger; caplog would also listen to loggers that lead nowhere."""
    stream, root = io.StringIO(), logging.getLogger()
    before, handler = root.level, logging.StreamHandler(stream)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_url_never_shows(receiver, logged, capsys):
    """Neither in a log line of ours or of Apprise, nor in the stored error, nor in the error for the user."""
    logging.getLogger("other").warning("the root logger listens")
    receiver.status = 404
    errors = []
    outbox = outbox_of(note())
    outbox.failed = lambda key, now, retry_at, error: errors.append(error) or outbox.rows.pop(key)
    channels = apprise_channels([f"json://name:s3cret@127.0.0.1:{receiver.server_port}/s3cret?x=s3cret"])
    Notifier(outbox, channels, Clock(), jitter=lambda: 1.0).deliver()
    with pytest.raises(InputError, match="number 2 is not one") as raised:
        apprise_channels(["json://127.0.0.1/ok", "nonsense://s3cret@host"])
    printed = capsys.readouterr()
    said = logged.getvalue() + printed.out + printed.err + str(raised.value) + repr(channels) + "".join(errors)
    assert errors == ["The receiver refused it with status 404."]
    assert "the root logger listens" in said
    assert "s3cret" not in said
    assert "127.0.0.1" not in said
