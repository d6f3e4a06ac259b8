"""Two monitors whose rounds overlap: the later one concludes anew, so a stream has read each row exactly once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitors.episodes import ResolvePolicy
from monitors.protocols import Outcome, Overtaken, StreamState
from monitors.runner import Policy, Runner
from monitors.verdict import Aspect, Finding, Kind, Severity, State
from service.store.database import open_database
from service.store.outbox import Outbox
from service.store.predictions import PredictionLog
from service.store.reports import Reports
from service.store.verdicts import Verdicts
from tests.contract.store.rows import NEWS, START, record
from tests.contract.store.test_verdicts import EPISODE, OUTCOME, TOLD, VERDICT
from tests.unit.monitors.test_runner import BASELINE

HOUR = 3_600_000_000
POLICY = Policy(HOUR, 2, HOUR, HOUR, 0.02, ResolvePolicy(rounds=3, rows=2, labels=2, margin=0.02))


class Counts:
    """A stream whose state is how many rows it has read, in how many rounds that were committed."""

    name, title, aspect, reads = "counts", "Counts", Aspect.INPUT, "predictions"

    def advance(self, baseline, state, new, *, margin, alpha):
        before = state or {"read": 0, "rounds": 0}
        after = {"read": before["read"] + len(new), "rounds": before["rounds"] + 1}
        return after, Finding(self.name, self.aspect, State.OK, "")


class Meanwhile:
    """A check that lets something happen while its round is under way, the first `times` times."""

    name, title, aspect = "meanwhile", "Meanwhile", Aspect.INPUT

    def __init__(self, happens, times=1):
        self.happens, self.left = happens, times

    def run(self, baseline, evidence, alpha):
        if self.left:
            self.left -= 1
            self.happens()
        return Finding(self.name, self.aspect, State.OK, "")


def judge(findings, baseline, evidence):
    return replace(VERDICT, kind=Kind.OK, severity=Severity.NONE, time=evidence.now, findings=())


def monitor(database, *checks):
    """A monitor with connections of its own."""
    return Runner(
        log=PredictionLog(database),
        journal=Verdicts(database),
        reports=Reports(database, 5),
        baseline=replace(BASELINE, model=NEWS),
        checks=checks,
        streams=[Counts()],
        alphas={"meanwhile": 0.001, "counts": 0.001},
        judge=judge,
        policy=POLICY,
        clock=lambda: START + 1000,
    )


@pytest.fixture
def log(database):
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    opened.append([record(number) for number in range(10)])
    return opened


def stream_of(database) -> dict[str, int]:
    return Verdicts(database).memory("v1").streams["counts"].state["state"]


def test_overlapping_rounds_feed_each_row_to_a_stream_once(log, database, database_url):
    with open_database(database_url) as other:
        quick = monitor(other)

        def other_round():
            assert quick.run("slot 2") is not None
            log.append([record(number) for number in range(10, 15)])

        assert monitor(database, Meanwhile(other_round)).run("slot 1") is not None
    assert stream_of(database) == {"read": 15, "rounds": 2}
    assert len(Verdicts(database).history("v1", START, 10)) == 2


def test_a_round_that_is_overtaken_again_and_again_is_given_up(log, database, database_url):
    """It leaves nothing behind, and the next one finds every row where it was."""
    with open_database(database_url) as other:
        quick, slots = monitor(other), iter(range(100, 200))
        with pytest.raises(Overtaken):
            monitor(database, Meanwhile(lambda: quick.run(f"slot {next(slots)}"), times=100)).run("slot 1")
    assert monitor(database).run("slot 2") is not None
    assert stream_of(database) == {"read": 10, "rounds": 4}


def test_what_was_concluded_from_an_older_memory_is_refused_whole(log, database, database_url):
    with open_database(database_url) as other:
        mine, theirs = Verdicts(database), Verdicts(other)
        before = mine.memory("v1")
        assert theirs.memory("v1").round == before.round == 0
        theirs.commit(replace(OUTCOME, after=0))
        told, streams = [replace(TOLD, key="e2/opened#1")], {"bet": StreamState(99, {})}
        verdict, episode = replace(VERDICT, time=START - 5), replace(EPISODE, id="e2")
        late = Outcome("slot 9", verdict, episode, streams, told, after=before.round)
        with pytest.raises(Overtaken):
            mine.commit(late)
        now = mine.memory("v1")
        assert (now.verdict, now.episode, now.streams) == (VERDICT, EPISODE, OUTCOME.streams)
        assert [one.key for one in Outbox(database).due(START + 10)] == [TOLD.key]
        mine.commit(replace(late, episode=EPISODE, after=now.round))
        assert mine.memory("v1").round > now.round  # although its clock is behind
