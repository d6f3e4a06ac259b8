"""Rounds: claimed once, committed whole, remembered with every type; the outbox and the reports."""

from __future__ import annotations

import json
import math
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import event

from model.errors import SurroundingsError
from model.prediction import Estimate
from monitors.protocols import Episode, Notification, Outcome, StreamState
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict
from service.store.database import Database, open_database
from service.store.nouns import OutboxCounts, ReportRow, WatchCounts
from service.store.outbox import LEASE, Outbox
from service.store.predictions import PredictionLog
from service.store.reports import Reports
from service.store.verdict_json import decode_verdict, encode_verdict
from service.store.verdicts import Verdicts
from tests.contract.store.rows import NEWS, SPAM, START

FINDING = Finding(
    check="labelled_accuracy", aspect=Aspect.HARM, state=State.ALARM, summary="Accuracy fell by 0.11 – “really”.",
    score=4.2, threshold=3.0, p_value=6e-5, count=321, estimate=Estimate(0.75, 0.7, 0.8, 321), trusted=True, gross=True,
    details={"f1": {"World": 0.5}, "columns": ["a", "b"], "none": None},
)  # fmt: skip
VERDICT = Verdict(
    kind=Kind.HARMFUL, severity=Severity.PAGE, model_version="v1", baseline_id="b1", time=START, start=START - 10,
    end=START, count=500, reasons=("first", "second"), findings=(FINDING, replace(FINDING, check="other", score=None)),
    accuracy=Estimate(0.75, 0.7, 0.8, 321), coverage=0.4, label_lag=12.5,
    estimated_accuracy=Estimate(0.8, 0.6, 0.9, 500), estimate_trusted=False, baseline_accuracy=0.9,
    details={"words": [["goal", 3.5]]},
)  # fmt: skip
EPISODE = Episode(
    "e1", "v1", START, Kind.HARMFUL, Severity.PAGE, ("first", "second"), quiet_since=START, quiet_rounds=2
)
STREAMS = {"bet": StreamState(17, {"wealth": 0.1 + 0.2, "log": -math.inf, "rows": [1, 2]}), "mix": StreamState(0, {})}
TOLD = Notification("e1/opened#1", "opened", Severity.PAGE, "Title", "Body", START)
OUTCOME = Outcome("slot 1", VERDICT, EPISODE, STREAMS, [TOLD])


@pytest.fixture
def verdicts(database: Database) -> Verdicts:
    log = PredictionLog(database)
    log.register(NEWS, START)
    log.register(SPAM, START)
    return Verdicts(database)


def at(minute: int, kind: Kind) -> Outcome:
    verdict = replace(VERDICT, kind=kind, time=START + minute)
    return replace(OUTCOME, slot=f"slot {minute}", verdict=verdict, episode=None, notifications=[])


def test_a_new_version_has_no_memory(verdicts):
    memory = verdicts.memory("v1")
    assert (memory.verdict, memory.episode, memory.streams) == (None, None, {})
    assert verdicts.newest("v1") is None
    assert verdicts.history("v1", 0, 10) == []
    assert verdicts.episodes("v1", 10) == []


def test_a_round_is_remembered_with_every_type(verdicts):
    verdicts.commit(OUTCOME)
    memory = verdicts.memory("v1")
    assert memory.verdict == VERDICT
    assert memory.episode == EPISODE
    assert memory.streams == STREAMS
    assert isinstance(memory.verdict.findings[0].state, State)
    assert isinstance(memory.verdict.accuracy, Estimate)
    assert isinstance(memory.episode.kind, Kind)
    assert verdicts.memory("v2").verdict is None


def test_rounds_and_episodes_are_counted_by_model_version(verdicts):
    assert verdicts.counts_since("v1", 0) == WatchCounts(rounds=0, episodes=0)
    verdicts.commit(OUTCOME)
    verdicts.commit(replace(OUTCOME, slot="slot 2", notifications=[]))
    assert verdicts.counts_since("v1", START) == WatchCounts(rounds=2, episodes=1)
    assert verdicts.counts_since("v1", START + 1) == WatchCounts(rounds=0, episodes=0)
    assert verdicts.counts_since("v2", 0) == WatchCounts(rounds=0, episodes=0)


def test_streams_are_replaced_as_a_whole(verdicts):
    verdicts.commit(OUTCOME)
    anew = {"bet": StreamState(40, {})}
    verdicts.commit(replace(OUTCOME, slot="slot 2", streams=anew))
    assert verdicts.memory("v1").streams == anew


def test_an_episode_changes_and_resolves(verdicts):
    verdicts.commit(OUTCOME)
    verdicts.commit(
        replace(OUTCOME, slot="slot 2", episode=replace(EPISODE, severity=Severity.TICKET, quiet_since=None))
    )
    assert verdicts.memory("v1").episode.severity is Severity.TICKET
    resolved = replace(EPISODE, resolved=START + 9)
    verdicts.commit(replace(OUTCOME, slot="slot 3", episode=resolved))
    assert verdicts.memory("v1").episode is None
    newer = replace(EPISODE, id="e2", opened=START + 20)
    verdicts.commit(replace(OUTCOME, slot="slot 4", episode=newer, notifications=[]))
    assert verdicts.episodes("v1", 10) == [newer, resolved]
    assert verdicts.episodes("v1", 1) == [newer]


def test_a_round_that_fails_leaves_nothing(verdicts, database):
    """The second open episode is refused by the database, after the verdict has been written."""
    verdicts.commit(OUTCOME)
    other = replace(EPISODE, id="e2")
    told = replace(TOLD, key="e2/opened#1")
    with pytest.raises(SurroundingsError):
        verdicts.commit(
            Outcome("slot 2", replace(VERDICT, time=START + 5), other, {"bet": StreamState(99, {})}, [told])
        )
    memory = verdicts.memory("v1")
    assert (memory.verdict, memory.episode, memory.streams) == (VERDICT, EPISODE, STREAMS)
    assert [one.key for one in Outbox(database).due(START + 10)] == [TOLD.key]


def test_a_slot_is_claimed_once(verdicts):
    assert verdicts.claim("v1", "slot 1", START)
    assert not verdicts.claim("v1", "slot 1", START + 1)
    assert verdicts.claim("v2", "slot 1", START)
    verdicts.commit(OUTCOME)
    assert not verdicts.claim("v1", "slot 1", START + 2)


def test_the_newest_verdict_knows_since_when_it_has_been_so(verdicts):
    for minute, kind in enumerate([Kind.OK, Kind.HARMFUL, Kind.OK, Kind.OK, Kind.OK]):
        verdicts.commit(at(minute, kind))
    verdict, since = verdicts.newest("v1")
    assert (verdict.kind, verdict.time, since) == (Kind.OK, START + 4, START + 2)
    verdicts.commit(at(5, Kind.DATA_FAULT))
    assert verdicts.newest("v1")[1] == START + 5


def test_history_is_in_order_and_thinned_evenly(verdicts):
    for minute in range(10):
        verdicts.commit(at(minute, Kind.OK))

    def minutes(start: int, most: int) -> list[int]:
        return [verdict.time - START for verdict in verdicts.history("v1", START + start, most)]

    assert minutes(7, 100) == [7, 8, 9]
    assert minutes(0, 10) == list(range(10))
    assert minutes(0, 5) == [1, 3, 5, 7, 9]
    assert minutes(0, 1) == [9]
    assert minutes(10, 5) == []


def test_a_verdict_in_json_has_no_nan():
    """NaN becomes null, infinity the largest number; numpy's numbers become plain ones."""
    odd = replace(
        VERDICT,
        findings=(replace(FINDING, score=math.inf, p_value=math.nan, estimate=Estimate(math.nan, 0.0, 1.0, 0)),),
        details={"mean": np.float32(0.5), "counts": np.arange(3), "nan": [math.nan], "pair": (1, 2), 3: -math.inf},
    )
    back = decode_verdict(json.loads(json.dumps(encode_verdict(odd), allow_nan=False)))
    finding = back.findings[0]
    assert (finding.score, finding.p_value) == (sys.float_info.max, None)
    assert math.isnan(finding.estimate.value)
    assert back.details == {
        "mean": 0.5, "counts": [0, 1, 2], "nan": [None], "pair": [1, 2], "3": -sys.float_info.max,
    }  # fmt: skip
    with pytest.raises(TypeError, match="cannot keep a object"):
        encode_verdict(replace(VERDICT, details={"what": object()}))


def test_a_verdict_of_a_newer_version_is_still_read():
    raw = json.loads(json.dumps(encode_verdict(VERDICT)))
    raw["mood"] = "grim"
    raw["findings"][0]["smell"] = "burnt"
    assert decode_verdict(raw) == VERDICT


def test_a_notification_is_told_once(verdicts, database):
    outbox = Outbox(database)
    verdicts.commit(OUTCOME)
    verdicts.commit(
        replace(OUTCOME, slot="slot 2", notifications=[replace(TOLD, title="Again"), replace(TOLD, key="k2")])
    )
    due = outbox.due(START + 1)
    assert due == [TOLD, replace(TOLD, key="k2")]
    outbox.delivered(TOLD.key, START + 2)
    outbox.add([TOLD])
    assert (outbox.delivered_since(START + 2), outbox.delivered_since(START + 3)) == (1, 0)
    assert [one.key for one in outbox.due(START + 2 * LEASE)] == ["k2"]


def test_what_was_handed_out_is_handed_out_again_only_after_a_crash(verdicts, database):
    outbox, other = Outbox(database), Outbox(database)
    outbox.add([TOLD])
    assert outbox.due(START - 1) == []
    assert outbox.due(START) == [TOLD]
    assert other.due(START + LEASE - 1) == []
    assert other.due(START + LEASE) == [TOLD]


def test_two_who_ask_at_the_same_moment_do_not_both_get_it(database, database_url):
    """Both have seen that it is due before either takes it."""
    Outbox(database).add([TOLD])
    both_have_looked = threading.Barrier(2)

    def look(_connection, _cursor, statement, *_):
        if statement.startswith("UPDATE outbox"):
            with suppress(threading.BrokenBarrierError):  # SQLite lets one look at a time
                both_have_looked.wait(1)

    with ExitStack() as opened, ThreadPoolExecutor(2) as threads:
        askers = [opened.enter_context(open_database(database_url)) for _ in range(2)]
        for asker in askers:
            event.listen(asker._engine, "before_cursor_execute", look)
        taken = list(threads.map(lambda asker: Outbox(asker).due(START), askers))
    assert sorted(taken, key=len) == [[], [TOLD]]


def test_due_takes_the_oldest_first(database):
    outbox = Outbox(database)
    outbox.add([replace(TOLD, key=f"k{age}", created=START - age) for age in (1, 3, 2)])
    assert [one.key for one in outbox.due(START, limit=2)] == ["k3", "k2"]
    assert [one.key for one in outbox.due(START, limit=2)] == ["k1"]


def test_what_follows_in_an_episode_waits_for_what_came_before(database):
    """To the same receiver: an end that has just come does not overtake a beginning that waits for another try."""
    outbox = Outbox(database)
    end = replace(TOLD, key="e1/resolved#1", created=START + 10)
    others = [replace(end, key="e1/resolved#2"), replace(end, key="e2/opened#1")]
    outbox.add([TOLD, end, *others])
    assert outbox.due(START + 20) == [TOLD, *others]
    assert outbox.due(START + 20) == [], "while it is being sent"
    outbox.failed(TOLD.key, START + 21, START + 100, "Answer 500.")
    assert outbox.due(START + 99) == []
    assert [one.key for one in outbox.due(START + 100)] == [TOLD.key]
    outbox.delivered(TOLD.key, START + 101)
    assert outbox.due(START + 101) == [end]


def test_a_message_that_was_given_up_holds_nothing_back(database):
    outbox = Outbox(database)
    end = replace(TOLD, key="e1/resolved#1", created=START + 10)
    outbox.add([TOLD, end])
    outbox.due(START + 20)
    outbox.failed(TOLD.key, START + 21, None, "Answer 404.")
    assert outbox.due(START + 22) == [end]


def test_a_failed_delivery_is_tried_again_until_it_is_given_up(database):
    outbox = Outbox(database)
    outbox.add([TOLD])
    outbox.due(START)
    outbox.failed(TOLD.key, START, START + 50, "Answer 500.")
    assert outbox.due(START + 49) == []
    assert outbox.due(START + 50) == [replace(TOLD, attempts=1)]
    assert outbox.counts() == OutboxCounts(waiting=1, failed=0)
    outbox.failed(TOLD.key, START + 60, None, "Answer 404.")
    assert outbox.due(START + 10 * LEASE) == []
    assert outbox.counts() == OutboxCounts(waiting=0, failed=1)


def test_what_was_delivered_does_not_fail_any_more(database):
    """Two monitors after a lease ran out: one delivered it, the other's failure comes late."""
    outbox = Outbox(database)
    outbox.add([TOLD])
    outbox.delivered(TOLD.key, START)
    outbox.failed(TOLD.key, START, START, "late")
    assert outbox.due(START + LEASE) == []
    assert outbox.counts() == OutboxCounts(waiting=0, failed=0)


def test_a_report_is_asked_for_made_and_read(verdicts, database):
    reports = Reports(database, kept=5)
    asked = reports.ask("v1", START, "e1")
    assert reports.ask("v1", START + 1, "e1") == asked
    other = reports.ask("v1", START + 2, None)
    assert other != asked
    assert reports.waiting("v1") == [asked, other]
    assert reports.waiting("v2") == []
    assert reports.html(asked) is None
    page = "<!doctype html><p>é 漢字</p>" * 1000
    reports.save(asked, START + 3, page, None)
    reports.save(other, START + 4, None, "The window was empty.")
    assert reports.html(asked) == page
    assert (reports.html(other), reports.html("nothing"), reports.html("\0")) == (None, None, None)
    assert reports.waiting("v1") == []
    assert reports.listed("v1", 10) == [
        ReportRow(other, START + 2, START + 4, None, "The window was empty."),
        ReportRow(asked, START, START + 3, "e1", None),
    ]
    assert reports.ask("v1", START + 9, "e1") != asked


def test_old_reports_go_and_waiting_ones_stay(verdicts, database):
    reports = Reports(database, kept=2)
    waits = reports.ask("v1", START - 5, "patient")
    made = [reports.ask("v1", START + number, f"e{number}") for number in range(4)]
    for number, report in enumerate(made):
        reports.save(report, START + 10 + number, "page", None)
    assert [row.id for row in reports.listed("v1", 10)] == [made[3], made[2], waits]
    assert reports.waiting("v1") == [waits]
