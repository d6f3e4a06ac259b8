"""A round of checks: what it reads, what it survives, what it leaves behind."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from model.evaluation import proportion
from model.prediction import ModelInfo
from monitors.baseline import Baseline
from monitors.episodes import ResolvePolicy
from monitors.in_memory import MemoryJournal, MemoryLog, MemoryReports
from monitors.runner import Policy, Runner
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict
from monitors.window import empty_window

MODEL = ModelInfo(version="v1", labels=("World", "Sports"), features=("characters",), name="news")
SECOND = 1_000_000
HOUR = 3600 * SECOND
POLICY = Policy(
    window=HOUR,
    minimum_rows=50,
    window_reach=24 * HOUR,
    accuracy_window=24 * HOUR,
    margin=0.02,
    resolve=ResolvePolicy(rounds=3, rows=50, labels=40, margin=0.02),
    receivers=("1", "2"),
    public_url="https://watch.example",
)
START = 1000 * 24 * HOUR


def rows(times, *, length=100.0, wrong=0.0, labelled=False):
    """Predictions of class 0; `length` is their only feature, and the share `wrong` of them truly class 1."""
    count = len(times)
    truth = (np.arange(count) % 100 < 100 * wrong).astype(np.int64) if labelled else np.full(count, -1)
    return replace(
        empty_window(MODEL, 0, 0),
        ids=np.zeros((count, 16), np.uint8),
        time=np.asarray(times, np.int64),
        predicted=np.zeros(count, np.int64),
        scores=np.tile([0.9, 0.1], (count, 1)),
        features=np.full((count, 1), length),
        projection=np.zeros((count, 32)),
        text_hash=np.zeros(count, np.uint64),
        truncated=np.zeros(count, np.bool_),
        segment=np.full(count, None, object),
        truth=truth,
        label_time=np.asarray(times, np.int64) if labelled else np.zeros(count, np.int64),
        asked=np.full(count, np.nan),
    )


BASELINE = Baseline(
    id="b1",
    model=MODEL,
    engine="torch",
    precision="fp32",
    created="2026-01-01T00:00:00Z",
    dataset={"name": "sample", "sha256": "0", "rows": 100},
    metrics={"accuracy": proportion(90, 100)},
    temperature=1.0,
    confusion=np.array([[90, 10], [0, 0]]),
    reference=rows(range(100), labelled=True, wrong=0.1),
    words={},
    documents=100,
)


class Length:
    """A check of the window: the mean length is not 100."""

    name, title, aspect = "length", "Length of texts", Aspect.INPUT

    def run(self, baseline, evidence, alpha):
        assert alpha == 0.001
        few = len(evidence.window) < 10
        far = not few and abs(evidence.window.features.mean() - 100) > 5
        state = State.INSUFFICIENT if few else State.ALARM if far else State.OK
        return Finding(self.name, self.aspect, state, "Texts are longer." if far else "", count=len(evidence.window))


class Broken:
    """A check that raises with a text in its message."""

    name, title, aspect = "broken", "Broken", Aspect.OUTPUT

    def run(self, baseline, evidence, alpha):
        raise ValueError("the text of a user")


@dataclass
class Errors:
    """A stream over labels: fires when 30 more than 0.12 of what it read were wrong, and then stays fired."""

    name, title, aspect, reads = "errors", "Errors", Aspect.HARM, "labels"
    read: list = field(default_factory=list)
    broken: bool = False

    def advance(self, baseline, state, new, *, margin, alpha):
        if self.broken:
            raise RuntimeError("the text of a user")
        self.read += new.time.tolist()
        state = state or {"excess": 0.0, "fired": False}
        excess = max(0.0, state["excess"] + float((~new.correct).sum()) - 0.12 * len(new))
        fired = state["fired"] or excess > 30
        finding = Finding(self.name, self.aspect, State.ALARM if fired else State.OK, "Labels prove harm.")
        return {"excess": excess, "fired": fired}, finding


def judge(findings, baseline, evidence):
    """The table, as far as these tests go."""
    alarms = {finding.aspect for finding in findings if finding.state is State.ALARM}
    kind = Kind.OK if len(evidence.window) >= 10 else Kind.INSUFFICIENT_DATA
    severity = Severity.NONE
    if Aspect.HARM in alarms:
        kind, severity = Kind.HARMFUL, Severity.PAGE
    elif Aspect.INPUT in alarms:
        kind, severity = Kind.BENIGN_DRIFT, Severity.NOTICE
    return Verdict(
        kind=kind,
        severity=severity,
        model_version=baseline.model.version,
        baseline_id=baseline.id,
        time=evidence.now,
        start=evidence.window.start,
        end=evidence.window.end,
        count=len(evidence.window),
        reasons=tuple(finding.summary for finding in findings if finding.state is State.ALARM),
        findings=tuple(findings),
        accuracy=proportion(int(evidence.labelled.correct.sum()), len(evidence.labelled))
        if len(evidence.labelled)
        else None,
        baseline_accuracy=baseline.accuracy.value,
    )


class World:
    """A log, a journal, a clock; each round is done by a new Runner, as after a restart."""

    def __init__(self, policy=POLICY, checks=None, streams=None, baseline=BASELINE):
        self.log, self.journal, self.reports = MemoryLog(MODEL), MemoryJournal(), MemoryReports()
        self.now, self.policy, self.checks, self.baseline = START, policy, checks or [Length()], baseline
        self.streams = [Errors()] if streams is None else streams
        self.slot = 0

    def serve(self, count=300, minutes=5, **about):
        """Predictions over the coming minutes, evenly."""
        step = minutes * 60 * SECOND // count
        self.log.add(rows(self.now + step * np.arange(count), **about))
        self.now += minutes * 60 * SECOND

    def round(self, slot=None):
        self.slot += 1
        return self.runner().run(slot or str(self.slot))

    def runner(self):
        return Runner(
            log=self.log,
            journal=self.journal,
            reports=self.reports,
            baseline=self.baseline,
            checks=self.checks,
            streams=self.streams,
            alphas={"length": 0.001, "broken": 0.001, "errors": 0.01},
            judge=judge,
            policy=self.policy,
            clock=lambda: self.now,
        )

    def keys(self):
        return [key.partition("/")[2] for key in self.journal.outbox.rows]


def test_a_slot_is_done_once():
    world = World()
    world.serve()
    assert world.round(slot="7") is not None
    assert world.round(slot="7") is None
    assert len(world.journal.verdicts) == 1


def test_the_window_holds_the_last_hour():
    world = World()
    world.serve(minutes=120, count=1200)
    verdict = world.round().verdict
    assert (verdict.start, verdict.end, verdict.count) == (world.now - HOUR, world.now, 600)


def test_of_a_large_window_a_part_is_looked_at_and_all_are_counted(monkeypatch):
    world = World()
    world.serve(minutes=60, count=1200)
    whole = world.log.window
    monkeypatch.setattr(world.log, "window", lambda version, start, end: whole(version, start, end, most=100))
    verdict = world.round().verdict
    assert verdict.count == 1200
    assert verdict.findings[0].count == 100


class Seen(Length):
    """A check that keeps what it was shown."""

    def run(self, baseline, evidence, alpha):
        self.evidence = evidence
        return super().run(baseline, evidence, alpha)


@pytest.mark.parametrize(("count", "whole"), [(30_000, 30_000), (300, None)])
def test_labels_of_a_sampled_window_are_read_whole(count, whole):
    check = Seen()
    world = World(checks=[check], streams=[])
    world.serve(count, labelled=True)
    world.round()
    labels = check.evidence.labels_of_window
    assert (labels if labels is None else len(labels)) == whole


@pytest.mark.parametrize("labelled", [True, False])
def test_beside_labels_lies_a_sample_of_all_that_was_served(labelled):
    """Of the accuracy window, which is longer than the drift window; nobody needs it where there is no label."""
    check = Seen()
    world = World(checks=[check])
    world.serve(minutes=120, count=1200, labelled=labelled)
    world.round()
    assert len(check.evidence.window) == 600
    assert (check.evidence.sample is not None) is labelled
    if labelled:
        assert len(check.evidence.sample) == check.evidence.served == 1200


def test_fresh_labels_that_an_audit_asked_for_out_of_doubt_are_weighted():
    """Every wrong prediction was asked for, and a tenth of the others: half of the labels say wrong, and one in eleven
    predictions is."""
    labelled = rows(range(400), labelled=True, wrong=0.5)
    asked = replace(labelled, asked=np.where(labelled.correct, 0.1, 1.0))
    runner = World().runner()
    assert runner._share_right(labelled).value == 0.5
    assert runner._share_right(asked).value == pytest.approx(10 / 11)
    volunteered = rows(range(400), labelled=True)
    volunteered.asked[:39] = 0.1
    volunteered.truth[:39] = 1
    assert runner._share_right(volunteered).value == pytest.approx(361 / 400)
    volunteered.asked[:20] = 0.4
    assert runner._share_right(volunteered).count == 361


def test_a_window_with_too_few_rows_reaches_back_for_them():
    world = World()
    world.serve(minutes=600, count=60)
    verdict = world.round().verdict
    assert verdict.count == POLICY.minimum_rows
    assert verdict.start == world.now - 500 * 60 * SECOND


@pytest.mark.parametrize("count", [0, 1, 49])
def test_a_window_reaches_no_further_than_it_may(count):
    world = World()
    world.serve(minutes=60, count=count) if count else None
    world.now += 3 * HOUR
    verdict = world.round().verdict
    assert (verdict.start, verdict.count) == (world.now - 24 * HOUR, count)


def test_old_rows_beyond_the_reach_stay_out():
    world = World()
    world.serve(minutes=60, count=60)
    world.now += 24 * HOUR
    world.serve(minutes=60, count=10)
    verdict = world.round().verdict
    assert (verdict.start, verdict.count) == (world.now - 24 * HOUR, 10)


def test_a_broken_check_and_a_broken_stream_stop_nobody():
    world = World(checks=(Broken(), Length()), streams=[Errors(broken=True)])
    world.serve()
    outcome = world.round()
    said = {finding.check: finding for finding in outcome.verdict.findings}
    assert [said[name].state for name in ("broken", "length", "errors")] == [State.FAILED, State.OK, State.FAILED]
    assert said["broken"].summary == "The check itself failed with ValueError."
    assert said["broken"].aspect is Aspect.OUTPUT
    assert "the text of a user" not in repr(outcome)


def test_a_stream_reads_each_label_once_whatever_happens_in_between():
    """From the beginning of the log, over restarts, over a round in which it broke."""
    stream = Errors()
    world = World(streams=[stream])
    for broken in (False, False, True, True, False):
        stream.broken = broken
        world.serve(count=50, labelled=True)
        world.round()
    every = world.log.after("v1", 0, "labels")[0].time.tolist()
    assert stream.read == every
    assert len(every) == 250


def test_the_accuracy_of_late_labels_counts_by_the_time_of_the_prediction():
    world = World()
    world.serve(count=100)
    world.log.label(np.arange(60), np.array([0] * 45 + [1] * 15), world.now)
    accuracy = world.round().verdict.accuracy
    assert (accuracy.value, accuracy.count) == (0.75, 60)


@pytest.mark.parametrize("change", ["baseline", "stream"])
def test_what_is_new_begins_with_what_comes_now(change):
    """The past was judged by others: a new baseline or a new stream must not bring it up again."""
    stream = Errors()
    world = World(streams=[stream] if change == "baseline" else [])
    world.serve(count=50, labelled=True)
    world.round()
    world.streams, stream.read = [stream], []
    if change == "baseline":
        world.baseline = replace(BASELINE, id="b2")
    assert world.round() is not None
    assert stream.read == []
    world.serve(count=50, labelled=True)
    world.round()
    assert len(stream.read) == 50


def test_normal_then_drift_then_recovery_tells_each_receiver_twice():
    world = World()
    for _ in range(15):
        world.serve()
        world.round()
    assert world.keys() == []
    for _ in range(6):
        world.serve(length=300)
        world.round()
    assert world.keys() == ["opened#1", "opened#2"]
    for _ in range(30):
        world.serve()
        world.round()
    assert world.keys() == ["opened#1", "opened#2", "resolved#1", "resolved#2"]
    assert len(world.reports.asked) == 1, "one report for the opening"
    told = next(iter(world.journal.outbox.rows.values())).notification
    assert told.title.startswith("[notice] news model v1: benign drift")
    assert f"https://watch.example/reports/{next(iter(world.reports.asked))}" in told.body


def test_swapped_labels_open_a_harmful_episode_that_fresh_labels_end():
    world = World()
    for _ in range(10):
        world.serve(labelled=True, wrong=0.1)
        world.round()
    assert world.keys() == []
    for _ in range(12):
        world.serve(labelled=True, wrong=0.9)
        world.round()
    assert world.keys() == ["opened#1", "opened#2"]
    assert world.journal.memory("v1").episode.kind is Kind.HARMFUL
    for _ in range(10):
        world.serve(labelled=True, wrong=0.1)
        world.round()
    assert world.keys() == ["opened#1", "opened#2", "resolved#1", "resolved#2"]
    for _ in range(10):
        world.serve(labelled=True, wrong=0.1)
        assert world.round().verdict.kind is Kind.OK, "the streams have started anew"


def test_late_labels_of_the_stretch_of_trouble_do_not_open_it_again():
    world = World()
    world.serve(labelled=True, wrong=0.9)
    trouble = world.log.count("v1", 0, world.now)
    world.serve(count=400)  # of the same stretch, but its labels come after the end
    world.round()
    for _ in range(16):
        world.serve(labelled=True, wrong=0.1)
        world.round()
    assert world.keys() == ["opened#1", "opened#2", "resolved#1", "resolved#2"]
    world.log.label(np.arange(trouble, trouble + 400), np.ones(400, np.int64), world.now)
    assert world.round().verdict.kind is Kind.OK


def test_a_restart_in_between_tells_nobody_anything():
    world = World()
    world.serve(length=300)
    for _ in range(5):
        world.round()
    assert world.keys() == ["opened#1", "opened#2"]


def test_alertmanager_mode_writes_no_notification_and_still_has_an_episode():
    world = World(policy=replace(POLICY, receivers=()))
    world.serve(length=300)
    outcome = world.round()
    assert outcome.notifications == ()
    assert outcome.episode.kind is Kind.BENIGN_DRIFT


def test_nothing_is_committed_by_a_round_that_breaks():
    world = World()
    world.serve()
    world.log.after = None
    with pytest.raises(TypeError):
        world.round()
    assert world.journal.memory("v1").verdict is None
