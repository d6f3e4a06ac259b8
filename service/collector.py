"""The newest stored verdict as metrics, read at each scrape: so a scrape of any replica tells all.

Knows nothing of the service's own counters. Every combination of labels exists at 0 from the start, so that
an alert sees a series change and not one appear. A number that is not known has no series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from model.prediction import Estimate
from monitors.protocols import Episode
from monitors.verdict import Finding, Kind, Severity, State, Verdict
from service.errors import where
from service.metrics import METRICS
from service.parts import Parts
from service.store.nouns import OutboxCounts, Space, WatchCounts

log = structlog.get_logger(__name__)

DAY = 86_400_000_000
"""Microseconds."""
_SILENT_KINDS = (Kind.OK, Kind.INSUFFICIENT_DATA)
EPISODE_COMBINATIONS = tuple(
    (kind, severity)
    for kind in Kind
    if kind not in _SILENT_KINDS
    for severity in Severity
    if severity is not Severity.NONE
)
VERDICT_COMBINATIONS = (*((kind, Severity.NONE) for kind in Kind), *EPISODE_COMBINATIONS)


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the stores say of the served model version at one moment."""

    model_version: str
    verdict: Verdict | None
    episode: Episode | None
    """The open one, if any."""
    outbox: OutboxCounts
    space: Space
    interval: float
    """Seconds between two rounds."""
    watch: WatchCounts
    """Within a day."""
    delivered: int
    """Notifications, within a day."""


def stored_state(parts: Parts) -> StoredState:
    """Read it; blocks."""
    version = parts.model.version
    memory = parts.verdicts.memory(version)
    yesterday = parts.clock() - DAY
    return StoredState(
        version,
        memory.verdict,
        memory.episode,
        parts.outbox.counts(),
        parts.log.space(),
        parts.interval,
        parts.verdicts.counts_since(version, yesterday),
        parts.outbox.delivered_since(yesterday),
    )


class StoredStateCollector(Collector):
    """Reads through `read`, which may be cached. A store that cannot be read makes one series 0, and no error."""

    def __init__(self, read: Callable[[], StoredState]) -> None:
        self._read = read

    def describe(self) -> Iterator[Family]:
        """Names only: registering must not read a store."""
        return (_family(name, []) for name, metric in METRICS.items() if metric.collected)

    def collect(self) -> Iterator[Family]:
        try:
            state = self._read()
        except Exception as error:  # noqa: BLE001 - the service's own counters are scraped all the same
            log.error("scrape_without_store", error=where(error))
            yield _single("bertwatch_store_readable", 0)
            return
        yield _single("bertwatch_store_readable", 1)
        yield from _of_store(state)
        version = _Version(state.model_version)
        yield from version.of_monitor(state)
        yield from version.of_verdict(state.verdict)
        yield from version.of_checks(state.verdict.findings if state.verdict else ())


def _family(name: str, samples: Sequence[tuple[Sequence[str], float]]) -> GaugeMetricFamily:
    metric = METRICS[name]
    family = GaugeMetricFamily(name, metric.help, labels=metric.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _single(name: str, value: float | None) -> GaugeMetricFamily:
    return _family(name, [] if value is None else [((), value)])


def _of_store(state: StoredState) -> Iterator[Family]:
    yield _single("bertwatch_store_bytes", state.space.used)
    yield _single("bertwatch_store_free_bytes", state.space.free)
    outbox = [(("waiting",), state.outbox.waiting), (("failed",), state.outbox.failed)]
    yield _family("bertwatch_outbox_notifications", outbox)
    yield _single("bertwatch_notifications_delivered_last_day", state.delivered)


@dataclass(frozen=True, slots=True)
class _Version:
    """Families whose first label is this model version."""

    name: str

    def family(self, name: str, samples: Sequence[tuple[Sequence[str], float]]) -> GaugeMetricFamily:
        return _family(name, [((self.name, *labels), value) for labels, value in samples])

    def single(self, name: str, value: float | None) -> GaugeMetricFamily:
        return self.family(name, [] if value is None else [((), value)])

    def interval(self, name: str, estimate: Estimate | None) -> Iterator[Family]:
        yield self.single(name, estimate.value if estimate else None)
        yield self.single(f"{name}_low", estimate.low if estimate else None)
        yield self.single(f"{name}_high", estimate.high if estimate else None)

    def combinations(
        self, name: str, combinations: Sequence[tuple[Kind, Severity]], active: tuple[Kind, Severity] | None
    ) -> GaugeMetricFamily:
        return self.family(name, [(each, float(each == active)) for each in combinations])

    def of_monitor(self, state: StoredState) -> Iterator[Family]:
        verdict, episode = state.verdict, state.episode
        active = (verdict.kind, verdict.severity) if verdict else None
        opened = (episode.kind, episode.severity) if episode else None
        yield self.combinations("bertwatch_verdict_active", VERDICT_COMBINATIONS, active)
        yield self.combinations("bertwatch_episode_active", EPISODE_COMBINATIONS, opened)
        yield self.single("bertwatch_monitor_last_success_timestamp_seconds", verdict.time / 1e6 if verdict else 0)
        yield self.single("bertwatch_monitor_interval_seconds", state.interval)
        yield self.single("bertwatch_check_rounds_last_day", state.watch.rounds)
        yield self.single("bertwatch_episodes_last_day", state.watch.episodes)

    def of_verdict(self, verdict: Verdict | None) -> Iterator[Family]:
        accuracy = verdict.accuracy if verdict else None
        yield from self.interval("bertwatch_online_accuracy_ratio", accuracy)
        yield self.single("bertwatch_online_accuracy_ratio_labels", accuracy.count if accuracy else 0)
        yield self.single("bertwatch_baseline_accuracy_ratio", verdict.baseline_accuracy if verdict else None)
        yield self.single("bertwatch_label_coverage_ratio", verdict.coverage if verdict else None)
        yield self.single("bertwatch_label_lag_seconds", verdict.label_lag if verdict else None)
        yield from self.interval("bertwatch_estimated_accuracy_ratio", verdict.estimated_accuracy if verdict else None)
        trusted = verdict.estimate_trusted if verdict else None
        yield self.single("bertwatch_estimated_accuracy_trusted", None if trusted is None else float(trusted))
        yield self.single("bertwatch_window_rows", verdict.count if verdict else 0)

    def of_checks(self, findings: Sequence[Finding]) -> Iterator[Family]:
        """Score and threshold stand side by side with identical labels, or not at all."""
        judged = [finding for finding in findings if finding.score is not None and finding.threshold is not None]
        yield self.family("bertwatch_check_score", [((f.check, f.aspect), f.score or 0.0) for f in judged])
        yield self.family("bertwatch_check_threshold", [((f.check, f.aspect), f.threshold or 0.0) for f in judged])
        states = [((f.check, state), float(f.state is state)) for f in findings for state in State]
        yield self.family("bertwatch_check_state", states)
        yield self.family("bertwatch_check_rows", [((f.check,), f.count) for f in findings])
