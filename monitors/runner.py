"""One round of checks: window, findings, verdict, episode, outbox; committed as one Outcome.

Knows nothing of clocks on the wall, schedules, databases or receivers: everything is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog

from model.evaluation import proportion
from model.prediction import Estimate
from monitors.baseline import Baseline
from monitors.blame import blame, rows_to_read
from monitors.episodes import Fresh, Reads, ResolvePolicy, Step, step
from monitors.messages import News, body, title
from monitors.protocols import (
    ROWS_AT_A_TIME,
    Check,
    Clock,
    Episode,
    Evidence,
    Journal,
    Log,
    Memory,
    Notification,
    Outcome,
    Overtaken,
    Reports,
    Stream,
    StreamState,
)
from monitors.statistics.weighted import count_alike, weighted_share
from monitors.verdict import Finding, Severity, State, Verdict
from monitors.window import Window

logger = structlog.get_logger(__name__)

SAMPLE = 4000
"""Predictions of the accuracy window that are read beside its labels, spread evenly …"""
MOST_SAMPLED = 1_000_000
"""… unless it holds so many that finding them takes seconds: then labels stand alone."""
TRIES = 3
"""How often a round begins anew because another monitor was quicker, before it is given up."""
Judge = Callable[[Sequence[Finding], Baseline, Evidence], Verdict]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner has settled. Times are microseconds unless said otherwise."""

    window: int
    minimum_rows: int
    """Rows a window must hold; it reaches back for them …"""
    window_reach: int
    """… but not further than this."""
    accuracy_window: int
    margin: float
    resolve: ResolvePolicy
    receivers: tuple[str, ...] = ()
    """Names of those who are told of an episode, one outbox row each; none when Alertmanager does it."""
    public_url: str = ""
    silence: float = 0.0
    """Seconds without a prediction that are a data fault; 0 is never."""


class Runner:
    """Does rounds for one model version, held to its baseline.

    `alphas` is the false-alarm probability that the budget allows each check a round, and each stream for good.
    """

    def __init__(
        self,
        *,
        log: Log,
        journal: Journal,
        reports: Reports,
        baseline: Baseline,
        checks: Sequence[Check],
        streams: Sequence[Stream],
        alphas: Mapping[str, float],
        judge: Judge,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._log, self._journal, self._reports, self._clock = log, journal, reports, clock
        self._baseline, self._version = baseline, baseline.model.version
        self._checks, self._streams, self._judge = checks, streams, judge
        self._alphas = {name: alphas[name] for name in [one.name for one in checks] + [one.name for one in streams]}
        self._policy = policy
        self._reads: dict[str, Reads] = {stream.name: stream.reads for stream in streams}

    def run(self, slot: str) -> Outcome | None:
        """One round; None if another monitor has taken the slot. Raises what log and journal raise.

        One that was overtaken by another monitor's begins anew from what that one has left, so that each stream reads
        every row once.
        """
        now = self._clock()
        if not self._journal.claim(self._version, slot, now):
            return None
        for _ in range(TRIES - 1):
            try:
                return self._round(slot, now)
            except Overtaken:
                logger.info("overtaken", slot=slot)
        return self._round(slot, now)

    def _round(self, slot: str, now: int) -> Outcome:
        memory = self._journal.memory(self._version)
        evidence = self._look(now)
        findings = [self._ask(check, evidence) for check in self._checks]
        states, said = self._advance(memory)
        verdict = self._blamed(self._judge([*findings, *said], self._baseline, evidence), evidence)
        verdict = replace(verdict, count=len(evidence.window) if evidence.predictions is None else evidence.predictions)
        fresh = self._fresh(memory.episode, now)
        taken = step(memory.episode, verdict, fresh, self._policy.resolve, self._reads)
        outcome = Outcome(
            slot=slot,
            verdict=verdict,
            episode=taken.episode,
            streams=_restarted(states, taken, now),
            notifications=self._notifications(taken, verdict, fresh, now),
            after=memory.round,
        )
        self._journal.commit(outcome)
        logger.info(
            "round", slot=slot, verdict=verdict.kind.value, severity=verdict.severity.value, episode_event=taken.event
        )
        return outcome

    def _look(self, now: int) -> Evidence:
        """The window, which reaches back for rows where it holds too few, and the labelled rows."""
        policy, start = self._policy, now - self._policy.window
        count = self._log.count(self._version, start, now)
        if count < policy.minimum_rows:
            furthest = now - policy.window_reach
            reached = self._log.start_of_last(self._version, policy.minimum_rows, now)
            start = min(start, furthest if reached is None else max(reached, furthest))
            count = self._log.count(self._version, start, now)
        since = now - policy.accuracy_window
        labelled, served = self._log.labelled(self._version, since, now), self._log.count(self._version, since, now)
        window = self._log.window(self._version, start, now)
        sample = window if count == served else None  # both end now, so they hold the same rows
        if sample is None and len(labelled) > 0 and served <= MOST_SAMPLED:
            sample = self._log.window(self._version, since, now, SAMPLE)
        return Evidence(
            now=now,
            window=window,
            labelled=labelled,
            labels_of_window=self._log.labelled(self._version, start, now, even=True) if count > len(window) else None,
            served=served,
            sample=sample,
            margin=policy.margin,
            predictions=count,
            silence=policy.silence,
            last=self._log.start_of_last(self._version, 1, now),
        )

    def _ask(self, check: Check, evidence: Evidence) -> Finding:
        try:
            return check.run(self._baseline, evidence, self._alphas[check.name])
        except Exception as error:  # noqa: BLE001 - a broken check must not stop the others
            return _failed(check, error)

    def _advance(self, memory: Memory) -> tuple[dict[str, StreamState], list[Finding]]:
        """Every stream from its cursor to the end of the log."""
        states, findings = dict[str, StreamState](), list[Finding]()
        for stream in self._streams:
            states[stream.name], finding = self._catch_up(stream, self._standing(stream, memory))
            findings.append(finding)
        return states, findings

    def _catch_up(self, stream: Stream, before: StreamState) -> tuple[StreamState, Finding]:
        """A part of the log at a time; a stream that breaks keeps its place and its state."""
        cursor, state = before.cursor, before.state["state"]
        while True:
            rows, cursor = self._log.after(self._version, cursor, stream.reads, ROWS_AT_A_TIME)
            try:
                state, finding = stream.advance(
                    self._baseline,
                    state,
                    rows.take(rows.time >= before.state["since"]),
                    margin=self._policy.margin,
                    alpha=self._alphas[stream.name],
                )
            except Exception as error:  # noqa: BLE001 - a broken stream must not stop the others
                return before, _failed(stream, error)
            if len(rows) < ROWS_AT_A_TIME:
                return StreamState(cursor, {**before.state, "state": dict(state)}), finding

    def _standing(self, stream: Stream, memory: Memory) -> StreamState:
        """Where a stream stands: at the beginning of the log in a version's first round. One that is new, or whose
        baseline was replaced, begins with what comes now: what is past was judged by others."""
        same = memory.verdict is not None and memory.verdict.baseline_id == self._baseline.id
        if same and stream.name in memory.streams:
            return memory.streams[stream.name]
        cursor = 0 if memory.verdict is None else self._log.end_cursor(stream.reads)
        return StreamState(cursor, {"since": 0, "state": None})

    def _blamed(self, verdict: Verdict, evidence: Evidence) -> Verdict:
        """The verdict with what carries the change; texts are read only when there is something to explain."""
        if verdict.severity is Severity.NONE:
            return verdict
        try:
            texts = self._log.texts(rows_to_read(evidence.window))
            found = blame(self._baseline, evidence, texts.values())
        except Exception as error:  # noqa: BLE001 - an alarm without its explanation is still an alarm
            logger.error("blame_failed", error=type(error).__name__)
            return verdict
        return replace(verdict, details={**verdict.details, **found})

    def _fresh(self, episode: Episode | None, now: int) -> Fresh:
        if episode is None or episode.quiet_since is None:
            return Fresh()
        rows = self._log.labelled(self._version, episode.quiet_since, now)
        return Fresh(
            predictions=self._log.count(self._version, episode.quiet_since, now),
            accuracy=self._share_right(rows) if len(rows) else None,
        )

    def _share_right(self, labelled: Window) -> Estimate:
        """From audited labels, weighted by their chances, where there are as many as an episode needs or no others;
        else from all labels alike but those drawn with unequal chances: of these too many are wrong."""
        asked = np.asarray((labelled.asked > 0) & (labelled.asked <= 1))
        if asked.all() or int(asked.sum()) >= self._policy.resolve.labels:
            return weighted_share(labelled.correct[asked], labelled.asked[asked])
        counted = labelled.correct[count_alike(labelled.asked)]
        return proportion(int(counted.sum()), len(counted))

    def _notifications(self, taken: Step, verdict: Verdict, fresh: Fresh, now: int) -> tuple[Notification, ...]:
        """One row a receiver. An opening also asks for a drift report; asking twice for one episode gives one."""
        episode, event = taken.episode, taken.event
        if episode is None or event is None:
            return ()
        report = self._reports.ask(self._version, now, episode.id) if event == "opened" else None
        news = News(event, episode, verdict, fresh, self._baseline.model.name, self._policy.public_url, report)
        what = f"escalated:{episode.severity}:{episode.kind}" if event == "escalated" else event
        head, text = title(news), body(news)
        return tuple(
            Notification(f"{episode.id}/{what}#{receiver}", event, episode.severity, head, text, created=now)
            for receiver in self._policy.receivers
        )


def _restarted(states: Mapping[str, StreamState], taken: Step, now: int) -> dict[str, StreamState]:
    """A stream that starts anew forgets, and never reads a row that was predicted before the quiet began:
    labels for the stretch of trouble may still be on their way."""
    since = now if taken.episode is None or taken.episode.quiet_since is None else taken.episode.quiet_since
    anew = {"since": since, "state": None}
    return {name: StreamState(state.cursor, anew) if name in taken.restart else state for name, state in states.items()}


def _failed(check: Check | Stream, error: Exception) -> Finding:
    """The type of the error only: its message may hold a text."""
    logger.error("check_failed", check=check.name, error=type(error).__name__)
    summary = f"The check itself failed with {type(error).__name__}."
    return Finding(check=check.name, aspect=check.aspect, state=State.FAILED, summary=summary)
