"""The wording of notifications."""

from dataclasses import replace

import pytest

from model.prediction import Estimate
from monitors import messages
from monitors.episodes import Fresh
from monitors.messages import FIRST_LOOK, SURENESS, WORDS, News, body, title
from monitors.protocols import Episode
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict

HOUR = 3600_000_000
AT = 492_000 * HOUR

VERDICT = Verdict(
    kind=Kind.HARMFUL,
    severity=Severity.PAGE,
    model_version="3f2a91c4d5",
    baseline_id="b1",
    time=AT,
    start=AT - HOUR,
    end=AT,
    count=500,
    reasons=("Labels prove that accuracy has fallen.", "Accuracy is 78 %."),
    findings=(
        Finding("harm", Aspect.HARM, State.ALARM, "Labels prove that accuracy has fallen.", score=4.4, threshold=1.3),
        Finding("accuracy", Aspect.ACCURACY, State.OK, "Accuracy is 78 %."),
    ),
    accuracy=Estimate(0.78, 0.74, 0.82, 312),
    coverage=0.31,
    label_lag=5400.0,
    estimated_accuracy=Estimate(0.89, 0.86, 0.92, 500),
    estimate_trusted=False,
    baseline_accuracy=0.9,
)
EPISODE = Episode("e1", "3f2a91c4d5", AT - 2 * HOUR, Kind.HARMFUL, Severity.PAGE, VERDICT.reasons)
OPENED = News("opened", EPISODE, VERDICT, Fresh(), "news", "https://watch.example/", "r7")


def test_a_title_says_how_loud_what_and_how_bad():
    assert title(OPENED) == "[page] news model 3f2a91c4: harmful – accuracy 0.78, baseline 0.90"


def test_a_body_says_what_happened_how_sure_since_when_and_where_to_look():
    assert body(OPENED) == (
        "news model 3f2a91c4 has a problem: harmful (page), since 2026-02-15 22:00 UTC. "
        "Proven by labels: accuracy has fallen by more than the margin that you accept.\n"
        "\n"
        "Why:\n"
        "- Labels prove that accuracy has fallen.\n"
        "\n"
        "Numbers:\n"
        "- accuracy 0.78 (0.74–0.82, 312 labels) against baseline 0.90\n"
        "- 31.0% of predictions have a label, which arrive after 1.5 hours (median)\n"
        "- accuracy estimated without labels 0.89 (0.86–0.92, 500 predictions) against baseline 0.90; "
        "not to be trusted now\n"
        "- 500 predictions from 2026-02-15 23:00 UTC to 2026-02-16 00:00 UTC\n"
        "\n"
        "Checks that alarm:\n"
        "- harm: score 4.40, threshold 1.30\n"
        "\n"
        "Look first: Look at the classes and segments that lost most, then at the labels' source; "
        "if both are sound, go back to an earlier model or retrain.\n"
        "\n"
        "Status: https://watch.example/\n"
        "Report: https://watch.example/reports/r7"
    )


def test_a_resolution_stands_on_the_fresh_start():
    """The accuracy window still holds the trouble: its number would contradict the message."""
    fresh = Fresh(predictions=900, accuracy=Estimate(0.91, 0.86, 0.95, 140))
    quiet = replace(EPISODE, quiet_since=AT - HOUR, quiet_rounds=3, resolved=AT)
    news = replace(OPENED, event="resolved", episode=quiet, fresh=fresh, report=None)
    assert title(news) == "[resolved] news model 3f2a91c4: was harmful – accuracy 0.91, baseline 0.90"
    said = body(news)
    assert "back to normal, quiet since 2026-02-15 23:00 UTC" in said
    assert "for 2.0 hours" in said
    assert "0.91 (0.86–0.95, 140 labels)" in said
    assert "0.78" not in said
    assert "Look first" not in said


def test_without_labels_nothing_is_claimed_about_accuracy():
    news = replace(OPENED, verdict=replace(VERDICT, accuracy=None), public_url="")
    assert title(news) == "[page] news model 3f2a91c4: harmful"
    assert "accuracy: not known, no labels yet" in body(news)
    assert "http" not in body(news)
    trusted = replace(news, verdict=replace(VERDICT, accuracy=None, estimate_trusted=True))
    assert title(trusted).endswith("– estimated accuracy 0.89, baseline 0.90")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.OK, Kind.INSUFFICIENT_DATA)])
def test_every_verdict_that_speaks_has_its_words(kind):
    assert kind in WORDS
    assert kind in SURENESS
    assert kind in FIRST_LOOK


def test_a_name_of_several_lines_makes_a_title_of_one():
    assert "\n" not in title(replace(OPENED, model_name="news\nX-Header: 1"))


def test_a_test_message_says_that_it_is_one():
    sent = messages.test_notification(AT)
    assert (sent.event, sent.title) == ("test", "[test] bertwatch can reach you")
