"""Every check keeps the contract, whichever it is; and each sees what it is there for."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitors.checks import all_checks, all_streams
from monitors.protocols import Evidence
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window, empty_window
from tests.statistics.simulation import HOUR, MODEL, World, baseline_of, draw, evidence_of, without_labels

CHECKS = all_checks()
STREAMS = all_streams()
ALPHA = 1e-3
BASE = baseline_of(draw(np.random.default_rng(100), 800))
NEVER_ALARMS = {"accuracy", "estimated_accuracy"}


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def ask(name: str, window: Window, *, alpha: float = ALPHA, evidence: Evidence | None = None) -> Finding:
    check = next(check for check in CHECKS if check.name == name)
    return check.run(BASE, evidence or evidence_of(window), alpha)


def same_rows(rows: int) -> Window:
    """One prediction, over and over."""
    return draw(rng(1), 1).take(np.zeros(rows, np.intp))


def no_numbers(window: Window) -> Window:
    """As of predictions made elsewhere without text: scores only."""
    return replace(
        window,
        features=np.full_like(window.features, np.nan),
        projection=np.full_like(window.projection, np.nan),
        text_hash=np.zeros(len(window), np.uint64),
    )


def holed(window: Window, share: float) -> Window:
    """NaN strewn over features and projections."""
    holes = rng(2).random(window.features.shape) < share
    far = rng(3).random(window.projection.shape) < share
    return replace(
        window,
        features=np.where(holes, np.nan, window.features),
        projection=np.where(far, np.nan, window.projection),
    )


def one_class_unseen(window: Window) -> Window:
    keep = (window.predicted != 3) & (window.truth != 3)
    return window.take(keep)


DEGENERATE = {
    "empty": empty_window(MODEL, 0, HOUR),
    "one row": draw(rng(4), 1),
    "two rows": draw(rng(5), 2),
    "constant": same_rows(300),
    "only scores": no_numbers(draw(rng(6), 300)),
    "all NaN": replace(no_numbers(draw(rng(7), 300)), scores=np.full((300, 4), np.nan)),
    "holes": holed(draw(rng(8), 300), 0.03),
    "mostly holes": holed(draw(rng(9), 300), 0.5),
    "one NaN score": replace(
        draw(rng(10), 300), scores=np.vstack([np.full((1, 4), np.nan), draw(rng(10), 300).scores[1:]])
    ),
    "half from elsewhere": replace(
        draw(rng(11), 300), features=np.where(np.arange(300)[:, None] % 2, np.nan, draw(rng(11), 300).features)
    ),
    "infinite numbers": replace(
        draw(rng(12), 300),
        features=np.where(rng(12).random((300, 12)) < 0.02, np.inf, draw(rng(12), 300).features),
        projection=np.where(rng(13).random((300, 32)) < 0.002, -np.inf, draw(rng(12), 300).projection),
    ),
    "constant columns": replace(draw(rng(14), 300), features=np.ones((300, 12)), projection=np.zeros((300, 32))),
    "no answer but one": replace(same_rows(300), text_hash=draw(rng(15), 300).text_hash),
    "the baseline itself": BASE.reference,
    "no label": without_labels(draw(rng(12), 300)),
}


def consistent(finding: Finding) -> None:
    """What holds for every finding, whatever it says."""
    assert finding.summary.endswith(".")
    assert len(finding.summary) < 400
    json.dumps(dict(finding.details), allow_nan=False)
    if finding.score is None or finding.threshold is None:
        assert finding.state is not State.ALARM
    else:
        assert np.isfinite(finding.score)
        assert (finding.score > finding.threshold) == (finding.state is State.ALARM)
    if finding.p_value is not None and finding.score is not None:
        assert 0 <= finding.p_value <= 1
        assert finding.score == pytest.approx(-np.log10(max(finding.p_value, 1e-300)), abs=1e-9)
    if finding.estimate is not None:
        assert 0 <= finding.estimate.low <= finding.estimate.value <= finding.estimate.high <= 1


# the contract


def test_every_file_is_found_by_itself():
    names = [one.name for one in (*CHECKS, *STREAMS)]
    assert len(set(names)) == len(names)
    assert [check.name for check in CHECKS] == sorted(check.name for check in CHECKS)
    assert {check.aspect for check in CHECKS} | {stream.aspect for stream in STREAMS} == set(Aspect)


@pytest.mark.parametrize("shape", DEGENERATE)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_degenerate_windows_never_alarm(check, shape):
    """Too little, nothing but NaN, constants: no alarm. Only a data fault may say that all rows are the same."""
    finding = check.run(BASE, evidence_of(DEGENERATE[shape]), 0.01)
    consistent(finding)
    assert finding.check == check.name
    assert finding.aspect is check.aspect
    if not (shape in {"constant", "constant columns", "no answer but one"} and check.aspect is Aspect.DATA):
        assert finding.state is not State.ALARM


@pytest.mark.parametrize("shape", ["empty", "one row"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_nothing_is_said_of_nothing(check, shape):
    if (check.name, shape) not in {("accuracy", "one row"), ("silence", "one row")}:
        assert check.run(BASE, evidence_of(DEGENERATE[shape]), ALPHA).state is State.INSUFFICIENT


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_tiny_or_unlabelled_baseline_breaks_nothing(check):
    tiny = baseline_of(draw(rng(13), 12))
    consistent(check.run(tiny, evidence_of(draw(rng(14), 300)), ALPHA))
    blind = replace(BASE, reference=without_labels(BASE.reference))
    finding = check.run(blind, evidence_of(draw(rng(14), 300)), ALPHA)
    consistent(finding)
    assert finding.state is not State.ALARM


@pytest.mark.parametrize("asked", [*CHECKS, *STREAMS], ids=lambda one: one.name)
def test_a_class_that_never_occurs_is_no_drift(asked):
    """Neither in the baseline nor in the window, as predicted or true class."""
    base = baseline_of(one_class_unseen(draw(rng(50), 1100)))
    assert base.confusion[3].sum() == 0
    window = one_class_unseen(draw(rng(51), 400))
    if asked in CHECKS:
        finding = asked.run(base, evidence_of(window), ALPHA)
    else:
        _, finding = asked.advance(base, None, window, margin=0.02, alpha=ALPHA)
    consistent(finding)
    assert finding.state is State.OK


@pytest.mark.parametrize("asked", [*CHECKS, *STREAMS], ids=lambda one: one.name)
def test_a_baseline_of_constants_or_nothing_breaks_nothing(asked):
    """Every row of the baseline the same; no number of it known; only one of its rows wrong."""
    same = replace(BASE.reference, features=np.ones((800, 12)), projection=np.zeros((800, 32)))
    right = replace(BASE.reference, truth=np.where(np.arange(800) == 7, 0, BASE.reference.predicted))
    for reference in (same, no_numbers(BASE.reference), right):
        held = replace(BASE, reference=reference, id="other")
        if asked in CHECKS:
            finding = asked.run(held, evidence_of(draw(rng(52), 300)), ALPHA)
        else:
            _, finding = asked.advance(held, None, draw(rng(52), 300), margin=0.02, alpha=ALPHA)
        consistent(finding)
        assert finding.state is not State.FAILED


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_checks_are_pure(check):
    """The same evidence gives the same finding, and nothing that was passed in has changed."""
    window = draw(rng(15), 200, World(length=0.8))
    before = window.features.copy()
    one, two = (check.run(BASE, evidence_of(window), ALPHA) for _ in range(2))
    assert one == two
    assert (window.features == before).all()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_big_change_never_breaks_a_check(check):
    finding = check.run(BASE, evidence_of(draw(rng(16), 400, World(strange=0.9, length=0.2))), ALPHA)
    consistent(finding)
    if check.name in NEVER_ALARMS:
        assert finding.state is not State.ALARM


@pytest.mark.parametrize("name", ["input_drift", "output_drift", "embedding_drift", "class_mix", "data_faults"])
def test_quiet_windows_fire_at_their_rate(name):
    """120 quiet windows of 150, each with a baseline of its own, at 5 %; the slow suite has thousands."""
    draws = rng(17)
    check = next(check for check in CHECKS if check.name == name)
    fired = 0
    for _ in range(120):
        base = replace(BASE, reference=draw(draws, 400))
        fired += check.run(base, evidence_of(draw(draws, 150)), 0.05).state is State.ALARM
    assert fired <= stats.binom.isf(1e-4, 120, 0.05)


# what each is there for


def test_shorter_texts_are_said_in_words():
    finding = ask("input_drift", draw(rng(18), 500, World(length=0.58)))
    assert finding.state is State.ALARM
    assert "shorter: median" in finding.summary
    assert "baseline" in finding.summary
    assert not finding.gross
    assert finding.details["columns"][0]["ks_distance"] > 0.4


def test_a_column_that_nobody_knows_does_not_blind_the_others():
    """No tokenizer at hand: three of the text numbers are NaN in every row."""
    window = draw(rng(18), 500, World(length=0.58))
    unknown = np.array(["token" in name or "unknown" in name for name in MODEL.features])
    finding = ask("input_drift", replace(window, features=np.where(unknown, np.nan, window.features)))
    assert finding.state is State.ALARM
    assert finding.count == 500


def test_another_field_is_gross():
    finding = ask("input_drift", draw(rng(19), 200, World(length=0.08)))
    assert finding.state is State.ALARM
    assert finding.gross


def test_a_tenth_of_strange_texts_is_seen_on_all_sides():
    window = draw(rng(20), 500, World(strange=0.1))
    for name in ("input_drift", "embedding_drift", "data_faults"):
        assert ask(name, window).state is State.ALARM


def test_lower_confidence_is_said_in_words():
    finding = ask("output_drift", draw(rng(21), 500, World(strange=0.4)))
    assert finding.state is State.ALARM
    assert "mean confidence is" in finding.summary


def test_longer_texts_and_capitals_are_not_gross():
    """Both are outside all that the baseline holds, and neither makes a model blind."""
    longer = ask("input_drift", draw(rng(22), 300, World(length=8)))
    assert longer.state is State.ALARM
    assert not longer.gross
    window = draw(rng(22), 300)
    features = window.features.copy()
    features[:, MODEL.features.index("upper_share")] = 1.0
    shouted = ask("input_drift", replace(window, features=features))
    assert shouted.state is State.ALARM
    assert not shouted.gross
    assert "the share of upper-case letters is 100 %" in shouted.summary


def test_a_moved_mix_names_the_class():
    finding = ask("class_mix", draw(rng(23), 400, World(mix=(0.1, 0.6, 0.15, 0.15))))
    assert finding.state is State.ALARM
    assert "Sports" in finding.summary


def test_label_shift_alone_is_told_from_other_change():
    """The mix moved in both; in the second, texts became shorter as well."""
    mix = (0.1, 0.6, 0.15, 0.15)
    alone = ask("label_shift", draw(rng(24), 500, World(mix=mix)))
    assert alone.state is State.ALARM
    assert alone.details["explains"]
    share = alone.details["classes"][1]
    assert share["low"] <= 0.6 <= share["high"]
    both = ask("label_shift", draw(rng(24), 500, World(mix=mix, length=0.6)))
    assert both.state is State.OK
    assert not both.details["explains"]


@pytest.mark.parametrize("share", [0.25, 0.8])
def test_a_flood_of_one_message_is_gross(share):
    window = draw(rng(25), 600)
    hashes = np.where(rng(26).random(600) < share, 7, window.text_hash).astype(np.uint64)
    finding = ask("data_faults", replace(window, text_hash=hashes))
    assert finding.state is State.ALARM
    assert finding.gross
    assert "same text" in finding.summary


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("empty", lambda w, bad: replace(w, features=np.where(bad[:, None], 0.0, w.features))),
        ("truncated", lambda w, bad: replace(w, truncated=w.truncated | bad)),
        (
            "unknown",
            lambda w, bad: replace(
                w,
                features=np.where(
                    (np.arange(12) == MODEL.features.index("unknown_share")) & bad[:, None], 0.7, w.features
                ),
            ),
        ),
        (
            "copies",
            lambda w, bad: replace(
                w, text_hash=np.where(bad, np.arange(len(w)) // 10 + 1, w.text_hash).astype(np.uint64)
            ),
        ),
    ],
)
def test_data_faults_by_name(fault, change):
    window = draw(rng(27), 600)
    finding = ask("data_faults", change(window, np.arange(600) < 180))
    assert finding.state is State.ALARM
    assert finding.details[fault]["fault"]


def test_a_small_rise_is_no_data_fault():
    """Eight in a hundred cut off instead of two: certain, and too little to call anything broken."""
    window = draw(rng(27), 2000)
    finding = ask("data_faults", replace(window, truncated=np.arange(2000) < 160))
    assert finding.state is State.OK
    assert not finding.details["truncated"]["fault"]


def test_silence_is_counted_from_the_newest_prediction():
    window = draw(rng(28), 50)
    late = replace(evidence_of(window), now=HOUR + 600_000_000)
    check = next(check for check in CHECKS if check.name == "silence")
    assert check.run(BASE, late, ALPHA).state is State.OK
    assert check.run(BASE, replace(late, silence=300.0), ALPHA).state is State.ALARM
    assert check.run(BASE, replace(late, silence=3000.0), ALPHA).state is State.OK
    nothing = replace(evidence_of(empty_window(MODEL, 0, HOUR)), silence=60.0)
    assert check.run(BASE, nothing, ALPHA).state is State.INSUFFICIENT
    assert check.run(BASE, replace(nothing, last=0), ALPHA).state is State.ALARM


def test_accuracy_with_labels():
    window = draw(rng(29), 300)
    labelled = window.take(slice(0, 120))
    finding = ask("accuracy", window, evidence=evidence_of(window, labelled))
    assert finding.estimate.value == labelled.correct.mean()
    assert finding.estimate.count == 120
    assert finding.details["coverage"] == pytest.approx(0.4)
    assert finding.details["lag_seconds"] == pytest.approx(np.median(HOUR - labelled.time) / 1e6)


def test_accuracy_without_labels_is_close_and_trusted_when_quiet():
    draws = rng(30)
    held, trusted = 0, 0
    for _ in range(100):
        base = baseline_of(draw(draws, 500))
        window = without_labels(fresh := draw(draws, 200))
        check = next(check for check in CHECKS if check.name == "estimated_accuracy")
        finding = check.run(base, evidence_of(window), ALPHA)
        held += finding.estimate.low <= fresh.correct.mean() <= finding.estimate.high
        trusted += bool(finding.trusted)
    assert 100 - held <= stats.binom.isf(1e-4, 100, 0.05)
    assert trusted >= 90


def test_the_estimate_is_not_trusted_outside_the_support_nor_against_labels():
    strange = ask("estimated_accuracy", without_labels(draw(rng(31), 300, World(strange=0.6))))
    assert strange.trusted is False
    assert strange.estimate.value < BASE.accuracy.value - 0.1
    swapped = ask("estimated_accuracy", draw(rng(32), 300, World(swapped=0.4)))
    assert swapped.trusted is False
    assert "contradict" in swapped.summary
    scores_only = ask("estimated_accuracy", without_labels(no_numbers(draw(rng(33), 300))))
    assert scores_only.trusted is False


# streams


def advance(stream, windows, *, alpha=0.05, margin=0.02):
    state = None
    for window in windows:
        kept, finding = stream.advance(BASE, state, window, margin=margin, alpha=alpha)
        consistent(finding)
        state = json.loads(json.dumps(kept, allow_nan=False))
    return state, finding


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_streams_do_not_care_for_batches(stream):
    """Through JSON, one by one or at once: the very same state and finding."""
    rows = draw(rng(34), 260, World(swapped=0.1))
    whole = advance(stream, [rows])
    assert advance(stream, [rows.take(slice(i, i + 1)) for i in range(260)]) == whole
    assert advance(stream, [rows.take(slice(0, 7)), rows.take(slice(7, 7)), rows.take(slice(7, None))]) == whole


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
@pytest.mark.parametrize("shape", [shape for shape in DEGENERATE if not shape.startswith("constant")])
def test_streams_stand_degenerate_rows(stream, shape):
    state, finding = advance(stream, [DEGENERATE[shape], DEGENERATE["empty"]])
    assert finding.state is not State.ALARM
    assert isinstance(state, dict)


def test_harm_is_proven_and_stays_proven():
    stream = next(stream for stream in STREAMS if stream.name == "harm")
    _, finding = advance(stream, [draw(rng(35), 200, World(swapped=0.5))])
    assert finding.state is State.ALARM
    assert "fallen by more than the margin of 2 points" in finding.summary
    _, later = advance(stream, [draw(rng(35), 200, World(swapped=0.5)), draw(rng(36), 2000)])
    assert later.state is State.ALARM


def test_harm_says_nothing_without_labels_and_begins_anew_with_another_baseline():
    stream = next(stream for stream in STREAMS if stream.name == "harm")
    state, finding = advance(stream, [without_labels(draw(rng(37), 100))])
    assert finding.state is State.INSUFFICIENT
    state, _ = advance(stream, [draw(rng(38), 150)])
    other = replace(BASE, id="another")
    again, finding = stream.advance(other, state, draw(rng(39), 10), margin=0.02, alpha=0.05)
    assert again["labels"] == 10
