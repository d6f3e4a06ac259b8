"""The wording of notifications: what happened, how sure we are, since when, what to look at first.

Plain text that reads well in Slack, e-mail and a webhook's JSON. Writes numbers and our own sentences only,
never a text of a user. Knows nothing of receivers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from model.prediction import Estimate
from monitors.episodes import Event, Fresh
from monitors.protocols import Episode, Notification
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict

WORDS = {
    Kind.OK: "ok",
    Kind.INSUFFICIENT_DATA: "insufficient data",
    Kind.BENIGN_DRIFT: "benign drift",
    Kind.LABEL_SHIFT: "label shift",
    Kind.DATA_FAULT: "data fault",
    Kind.SUSPECTED_HARM: "suspected harm",
    Kind.SUSPECTED_HARM_SEVERE: "suspected harm, severe",
    Kind.HARMFUL: "harmful",
}
"""Each verdict as a person says it; the report and the status page may use them too."""

SURENESS = {
    Kind.BENIGN_DRIFT: "Inputs have changed beyond chance; accuracy is within the margin that you accept.",
    Kind.LABEL_SHIFT: "The mix of classes has changed beyond chance; the classes themselves have not.",
    Kind.DATA_FAULT: "What arrives is broken; there is no sign of severe harm so far.",
    Kind.SUSPECTED_HARM: "Inputs have changed beyond chance and accuracy looks lower; labels have not proven it.",
    Kind.SUSPECTED_HARM_SEVERE: "Inputs have changed grossly, or accuracy looks far lower; labels have not proven it.",
    Kind.HARMFUL: "Proven by labels: accuracy has fallen by more than the margin that you accept.",
}

FIRST_LOOK = {
    Kind.BENIGN_DRIFT: "Nothing is urgent. If this is the new normal, take a new baseline.",
    Kind.LABEL_SHIFT: "See whether the mix of classes is what you expect today, such as a campaign or a season.",
    Kind.DATA_FAULT: "Look at the sender first: its last deploy, the field it sends, empty or repeated requests.",
    Kind.SUSPECTED_HARM: "Look at what changed in the inputs, and have some of the newest predictions labelled.",
    Kind.SUSPECTED_HARM_SEVERE: "Look at the sender first: wrong field, foreign language, flood. Then label some rows.",
    Kind.HARMFUL: "Look at the classes and segments that lost most, then at the labels' source; "
    "if both are sound, go back to an earlier model or retrain.",
}


@dataclass(frozen=True, slots=True)
class News:
    """One event of an episode, with everything that a message may say about it."""

    event: Event
    episode: Episode
    verdict: Verdict
    fresh: Fresh
    """Since the quiet began; what a resolution stands on."""
    model_name: str = ""
    public_url: str = ""
    """Address of the service as people reach it; without it there are no links."""
    report: str | None = None
    """Id of the drift report that was asked for."""


def title(news: News) -> str:
    """One line: `[page] news model 3f2a91c4: harmful – accuracy 0.71, baseline 0.90`."""
    words = WORDS[news.episode.kind]
    if news.event == "resolved":
        return f"[resolved] {_model(news)}: was {words}{_in_short(news)}"
    return f"[{news.episode.severity}] {_model(news)}: {words}{_in_short(news)}"


def body(news: News) -> str:
    """The message: paragraphs of plain text."""
    verdict, episode = news.verdict, news.episode
    paragraphs = [_what_happened(news)]
    if news.event != "resolved":
        paragraphs.append(_listed("Why:", _reasons(news)))
    paragraphs.append(_listed("Numbers:", _numbers(news)))
    alarms = [_finding(finding) for finding in verdict.findings if finding.state is State.ALARM]
    if alarms and news.event != "resolved":
        paragraphs.append(_listed("Checks that alarm:", alarms))
    if news.event != "resolved" and episode.kind in FIRST_LOOK:
        paragraphs.append(f"Look first: {FIRST_LOOK[episode.kind]}")
    if news.public_url:
        base = news.public_url.rstrip("/")
        paragraphs.append(f"Status: {base}/" + (f"\nReport: {base}/reports/{news.report}" if news.report else ""))
    return "\n\n".join(paragraphs)


def test_notification(now: int) -> Notification:
    """What `bertwatch alerts test` sends: proof that a receiver can be reached, and of nothing else."""
    return Notification(
        key=f"test/{now}",
        event="test",
        severity=Severity.NOTICE,
        title="[test] bertwatch can reach you",
        body="This is a test. Nothing has happened; real messages will arrive in the same way.",
        created=now,
    )


def _listed(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *(f"- {line}" for line in lines)])


def _what_happened(news: News) -> str:
    episode, words, opened = news.episode, WORDS[news.episode.kind], moment(news.episode.opened)
    if news.event == "resolved":
        since = moment(episode.quiet_since or news.verdict.time)
        lasted = _duration((news.verdict.time - episode.opened) / 1e6)
        return f"{_model(news)} is back to normal, quiet since {since}. It was {words} from {opened}, for {lasted}."
    verb = "is worse than before" if news.event == "escalated" else "has a problem"
    sure = SURENESS.get(episode.kind, "")
    return f"{_model(news)} {verb}: {words} ({episode.severity}), since {opened}. {sure}".rstrip()


def _reasons(news: News) -> list[str]:
    """What is said of accuracy stands among the numbers already."""
    said = {
        finding.summary for finding in news.verdict.findings if finding.aspect in (Aspect.ACCURACY, Aspect.ESTIMATE)
    }
    return [reason for reason in news.verdict.reasons or news.episode.reasons if reason not in said]


def _numbers(news: News) -> Iterator[str]:
    verdict = news.verdict
    baseline = "" if verdict.baseline_accuracy is None else f" against baseline {verdict.baseline_accuracy:.2f}"
    accuracy = _accuracy(news)
    if accuracy is None:
        yield "accuracy: not known, no labels yet"
    else:
        since = " since it is quiet" if news.event == "resolved" else ""
        yield f"accuracy{since} {interval(accuracy, 'labels')}{baseline}"
    if verdict.coverage is not None:
        lag = "" if verdict.label_lag is None else f", which arrive after {_duration(verdict.label_lag)} (median)"
        yield f"{verdict.coverage:.1%} of predictions have a label{lag}"
    if verdict.estimated_accuracy is not None:
        estimate = interval(verdict.estimated_accuracy, "predictions")
        trust = "" if verdict.estimate_trusted else "; not to be trusted now"
        yield f"accuracy estimated without labels {estimate}{baseline}{trust}"
    yield f"{verdict.count} predictions from {moment(verdict.start)} to {moment(verdict.end)}"


def _accuracy(news: News) -> Estimate | None:
    """Of the fresh start where it is over; else of the accuracy window, which still holds the trouble."""
    estimate = news.fresh.accuracy if news.event == "resolved" else news.verdict.accuracy
    return estimate if estimate is not None and estimate.count else None


def interval(estimate: Estimate, unit: str) -> str:
    """`0.78 (0.74–0.82, 312 labels)`."""
    return f"{estimate.value:.2f} ({estimate.low:.2f}–{estimate.high:.2f}, {estimate.count} {unit})"


def moment(time: int) -> str:
    """Microseconds since the epoch as `2026-03-01 14:05 UTC`."""
    return datetime.fromtimestamp(time / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _finding(finding: Finding) -> str:
    if finding.score is None or finding.threshold is None:
        return finding.check
    return f"{finding.check}: score {finding.score:.2f}, threshold {finding.threshold:.2f}"


def _in_short(news: News) -> str:
    verdict, accuracy = news.verdict, _accuracy(news)
    baseline = "" if verdict.baseline_accuracy is None else f", baseline {verdict.baseline_accuracy:.2f}"
    if accuracy is not None:
        return f" – accuracy {accuracy.value:.2f}{baseline}"
    if verdict.estimated_accuracy is not None and verdict.estimate_trusted:
        return f" – estimated accuracy {verdict.estimated_accuracy.value:.2f}{baseline}"
    return ""


def _model(news: News) -> str:
    version = news.episode.model_version[:8]
    plain = " ".join(news.model_name.split())
    return f"{plain} model {version}" if plain else f"model {version}"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
