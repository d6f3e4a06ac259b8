"""Episodes: what opens, escalates and resolves them, and what does not."""

from dataclasses import dataclass, field, replace

import pytest

from model.prediction import Estimate
from monitors.episodes import Fresh, ResolvePolicy, Step, step
from monitors.protocols import Episode
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict

POLICY = ResolvePolicy(rounds=3, rows=200, labels=100, margin=0.02)
STREAMS = {"drift_stream": "predictions", "harm_stream": "labels"}
SEVERITY = {
    Kind.OK: Severity.NONE,
    Kind.INSUFFICIENT_DATA: Severity.NONE,
    Kind.BENIGN_DRIFT: Severity.NOTICE,
    Kind.LABEL_SHIFT: Severity.NOTICE,
    Kind.DATA_FAULT: Severity.TICKET,
    Kind.SUSPECTED_HARM: Severity.TICKET,
    Kind.SUSPECTED_HARM_SEVERE: Severity.PAGE,
    Kind.HARMFUL: Severity.PAGE,
}
MINUTE = 60_000_000


def finding(check, aspect, state):
    return Finding(check=check, aspect=aspect, state=state, summary=f"{check} is {state}")


def verdict(kind, minute, *, alarms=(), window=State.OK, estimated=None, trusted=True, baseline=0.9):
    """A verdict of the given kind whose named checks alarm; `input_drift` is the check of the window."""
    aspects = {"input_drift": Aspect.INPUT, "drift_stream": Aspect.INPUT, "harm_stream": Aspect.HARM}
    states = {"input_drift": window, "drift_stream": State.OK, "harm_stream": State.OK} | dict.fromkeys(
        alarms, State.ALARM
    )
    return Verdict(
        kind=kind,
        severity=SEVERITY[kind],
        model_version="v1",
        baseline_id="b1",
        time=minute * MINUTE,
        start=0,
        end=minute * MINUTE,
        count=500,
        reasons=(f"because of {kind}",),
        findings=tuple(finding(name, aspects[name], state) for name, state in states.items()),
        estimated_accuracy=None if estimated is None else Estimate(estimated, estimated - 0.02, estimated + 0.02, 500),
        estimate_trusted=trusted,
        baseline_accuracy=baseline,
    )


def labels(value, count, half=0.05):
    return Fresh(predictions=1000, accuracy=Estimate(value, value - half, value + half, count))


PLENTY = Fresh(predictions=1000)


@dataclass
class Journey:
    """Plays rounds; keeps nothing but the episode, as `Memory` does."""

    episode: Episode | None = None
    events: list = field(default_factory=list)
    minute: int = 0

    def play(self, kind, fresh=PLENTY, rounds=1, **about) -> Step:
        for _ in range(rounds):
            self.minute += 5
            taken = step(self.episode, verdict(kind, self.minute, **about), fresh, POLICY, STREAMS)
            self.events += [taken.event] if taken.event else []
            self.episode = None if taken.event == "resolved" else taken.episode
        return taken


@pytest.mark.parametrize("kind", [Kind.OK, Kind.INSUFFICIENT_DATA])
def test_no_trouble_opens_nothing(kind):
    assert step(None, verdict(kind, 5), Fresh(), POLICY, STREAMS) == Step(None, None)


def test_drift_opens_once_and_recovery_resolves_once():
    journey = Journey()
    journey.play(Kind.OK, rounds=3)
    journey.play(Kind.SUSPECTED_HARM, rounds=10, alarms=["input_drift"])
    assert journey.events == ["opened"]
    journey.play(Kind.OK, rounds=2)
    assert journey.events == ["opened"], "two quiet rounds of three are too few"
    taken = journey.play(Kind.OK)
    assert journey.events == ["opened", "resolved"]
    assert taken.restart == set(STREAMS), "all streams start anew"
    assert taken.episode.resolved == journey.minute * MINUTE
    journey.play(Kind.OK, rounds=5)
    assert journey.events == ["opened", "resolved"]


def test_benign_drift_for_weeks_is_one_notice():
    journey = Journey()
    journey.play(Kind.BENIGN_DRIFT, rounds=2016, alarms=["input_drift"])
    assert journey.events == ["opened"]


def test_flapping_between_trouble_and_quiet_is_one_episode():
    journey = Journey()
    for _ in range(20):
        journey.play(Kind.BENIGN_DRIFT, alarms=["input_drift"])
        journey.play(Kind.OK, rounds=2)
    assert journey.events == ["opened"]


def test_people_are_told_of_a_louder_severity_but_not_of_a_worse_kind_that_is_no_louder():
    journey = Journey()
    journey.play(Kind.BENIGN_DRIFT, alarms=["input_drift"])
    journey.play(Kind.LABEL_SHIFT, alarms=["input_drift"])
    assert journey.events == ["opened"]
    assert (journey.episode.kind, journey.episode.reasons) == (Kind.LABEL_SHIFT, ("because of label_shift",))
    journey.play(Kind.DATA_FAULT, alarms=["input_drift"])
    journey.play(Kind.SUSPECTED_HARM, alarms=["input_drift"])
    assert journey.events == ["opened", "escalated"]
    journey.play(Kind.SUSPECTED_HARM_SEVERE, alarms=["input_drift"])
    assert journey.events == ["opened", "escalated", "escalated"]


def test_proof_of_harm_is_told_although_a_page_was_out_already():
    journey = Journey()
    journey.play(Kind.SUSPECTED_HARM_SEVERE, alarms=["input_drift"])
    journey.play(Kind.HARMFUL, rounds=4, alarms=["input_drift", "harm_stream"])
    assert journey.events == ["opened", "escalated"]


def test_a_milder_verdict_keeps_the_worst():
    journey = Journey()
    journey.play(Kind.SUSPECTED_HARM_SEVERE, alarms=["input_drift"])
    journey.play(Kind.BENIGN_DRIFT, rounds=3, alarms=["input_drift"])
    assert (journey.episode.kind, journey.episode.severity) == (Kind.SUSPECTED_HARM_SEVERE, Severity.PAGE)
    assert journey.events == ["opened"]


def test_insufficient_data_neither_counts_as_quiet_nor_ends_the_quiet():
    journey = Journey()
    journey.play(Kind.DATA_FAULT, alarms=["input_drift"])
    journey.play(Kind.INSUFFICIENT_DATA, rounds=50)
    assert journey.events == ["opened"]
    assert journey.episode.quiet_rounds == 0
    journey.play(Kind.OK, rounds=2)
    journey.play(Kind.INSUFFICIENT_DATA, rounds=50)
    assert journey.events == ["opened"]
    journey.play(Kind.OK)
    assert journey.events == ["opened", "resolved"]


def test_quiet_without_traffic_enough_for_a_window_does_not_resolve():
    journey = Journey()
    journey.play(Kind.BENIGN_DRIFT, alarms=["input_drift"])
    journey.play(Kind.OK, Fresh(predictions=199), rounds=20)
    assert journey.events == ["opened"]
    journey.play(Kind.OK, Fresh(predictions=200))
    assert journey.events == ["opened", "resolved"]


def test_swapped_labels_end_with_fresh_labels_only():
    """Inputs never changed and the harm stream stays fired: neither may hold up or bring about the end."""
    journey = Journey()
    journey.play(Kind.HARMFUL, alarms=["harm_stream"])
    journey.play(Kind.HARMFUL, rounds=50, alarms=["harm_stream"])
    assert journey.events == ["opened"], "quiet inputs alone end no proven harm"
    journey.play(Kind.HARMFUL, labels(0.6, 80), alarms=["harm_stream"])
    assert journey.episode.quiet_since is None, "fresh labels contradict: the fresh start begins anew"
    journey.play(Kind.HARMFUL, labels(0.89, 99), rounds=10, alarms=["harm_stream"])
    assert journey.events == ["opened"], "one label too few"
    taken = journey.play(Kind.HARMFUL, labels(0.89, 100), alarms=["harm_stream"])
    assert journey.events == ["opened", "resolved"]
    assert taken.restart == set(STREAMS)


def test_fresh_labels_below_the_margin_keep_a_harmful_episode_open():
    journey = Journey()
    journey.play(Kind.HARMFUL, alarms=["harm_stream"])
    journey.play(Kind.HARMFUL, labels(0.87, 500), rounds=20, alarms=["harm_stream"])
    assert journey.events == ["opened"]
    assert journey.episode.quiet_rounds == 20, "not contradicted either: the interval still holds 0.88"


def test_a_harmful_round_is_not_quiet_while_the_window_alarms():
    journey = Journey()
    journey.play(Kind.HARMFUL, alarms=["harm_stream"])
    journey.play(Kind.HARMFUL, labels(0.9, 500), rounds=9, alarms=["harm_stream", "input_drift"])
    assert journey.episode.quiet_rounds == 0
    journey.play(Kind.HARMFUL, labels(0.9, 500), rounds=3, alarms=["harm_stream"])
    assert journey.events == ["opened", "resolved"]


@pytest.mark.parametrize("mute", [State.INSUFFICIENT, State.FAILED])
def test_a_harmful_round_is_not_quiet_where_nothing_looked_at_the_window(mute):
    said = verdict(Kind.HARMFUL, 10, alarms=["harm_stream"], window=mute)
    said = replace(said, findings=tuple(one for one in said.findings if one.check != "drift_stream"))
    opened = step(None, verdict(Kind.HARMFUL, 5, alarms=["harm_stream"]), Fresh(), POLICY, STREAMS).episode
    assert step(opened, said, Fresh(), POLICY, STREAMS).episode.quiet_rounds == 0


def test_suspected_harm_needs_a_trusted_estimate_within_the_margin_where_there_is_one():
    journey = Journey()
    journey.play(Kind.SUSPECTED_HARM, alarms=["input_drift"])
    journey.play(Kind.OK, rounds=9, estimated=0.85)
    assert journey.events == ["opened"]
    journey.play(Kind.OK, labels(0.86, 120), estimated=0.9)
    assert journey.events == ["opened"], "labels outweigh the estimate"
    journey.play(Kind.OK, estimated=0.89)
    assert journey.events == ["opened", "resolved"]


def test_a_fired_prediction_stream_starts_anew_once_the_window_is_calm():
    """Else nothing could tell whether drift that only the stream sees goes on."""
    journey = Journey()
    journey.play(Kind.BENIGN_DRIFT, alarms=["input_drift", "drift_stream"])
    assert journey.play(Kind.BENIGN_DRIFT, alarms=["input_drift", "drift_stream"]).restart == set()
    taken = journey.play(Kind.BENIGN_DRIFT, alarms=["drift_stream"])
    assert taken.restart == {"drift_stream"}
    assert journey.episode.quiet_rounds == 0
    journey.play(Kind.OK, rounds=3)
    assert journey.events == ["opened", "resolved"]


def test_the_harm_stream_never_starts_anew_before_the_end():
    journey = Journey()
    journey.play(Kind.HARMFUL, alarms=["harm_stream"])
    assert journey.play(Kind.HARMFUL, alarms=["harm_stream"]).restart == set()
