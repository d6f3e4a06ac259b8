"""What a verdict blames: words, segments and examples that carry a change, and nothing where nothing changed."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from structlog.testing import capture_logs

from monitors.blame import MOST_TEXTS, blame, changed_words, examples, rows_to_read, worst_segments
from monitors.in_memory import MemoryLog
from monitors.statistics.log_odds import log_odds_z
from monitors.verdict import Kind, Severity, Verdict
from tests.statistics.simulation import World, baseline_of, draw, evidence_of
from tests.unit.monitors.test_runner import Length
from tests.unit.monitors.test_runner import World as Rounds

VOCABULARY = [f"word{letter}{other}" for letter in "abcdefghijklmnopqrst" for other in "abcdefghijklmnopqrst"]
COMMON = np.minimum(0.6, 3.0 / np.arange(1, len(VOCABULARY) + 1))
BASE = baseline_of(draw(np.random.default_rng(0), 800))


def texts(rng, count, common=COMMON, extra=""):
    return [
        " ".join([word for word, said in zip(VOCABULARY, rng.random(len(common)) < common, strict=True) if said])
        + (f" {extra}" if rng.random() < 0.3 else "")
        for _ in range(count)
    ]


def with_words(rng):
    said = texts(rng, 800)
    counts = {word: sum(f" {word} " in f" {text} " for text in said) for word in VOCABULARY}
    return replace(BASE, words={word: count for word, count in counts.items() if count >= 2}, documents=800)


def test_words_that_came_and_went_are_named_the_strongest_first():
    rng = np.random.default_rng(1)
    held = with_words(rng)
    common = COMMON.copy()
    common[4] = 0.02  # "wordae" stood in six texts of ten
    found = changed_words(held, texts(rng, 400, common, extra="remission goal"))
    assert {entry["word"] for entry in found["over"]} == {"remission", "goal"}
    assert [entry["word"] for entry in found["under"]] == ["wordae"]
    assert set(found["over"][0]) == {"word", "z", "window", "baseline"}
    assert found["over"][0]["baseline"] == 0
    assert found["over"][0]["window"] == pytest.approx(0.3, abs=0.07)
    assert found["under"][0]["z"] < -5


def test_quiet_texts_name_a_word_in_at_most_one_of_twenty():
    """300 quiet windows of each size; 5 % is 15 of them, 26 a run of bad luck that comes once in a hundred."""
    rng = np.random.default_rng(2)
    common = np.minimum(0.6, 3.0 / np.arange(1, 5001))
    for documents, base_documents in ((50, 800), (200, 800), (2000, 800), (500, 200)):
        named = 0
        for _ in range(300):
            now, then = rng.binomial(documents, common), rng.binomial(base_documents, common)
            then[then < 2] = 0
            compared = now + then >= 5
            z = log_odds_z(now[compared], documents, then[compared], base_documents)
            named += bool(np.abs(z).max() > 4.4)  # two-sided 5 % over 5,000 words
        assert named <= 26


def test_a_word_of_one_text_is_never_named_and_no_text_gives_no_words():
    held = with_words(np.random.default_rng(3))
    window = [*texts(np.random.default_rng(4), 100), "secretname " * 500]
    assert "secretname" not in json.dumps(changed_words(held, window))
    assert changed_words(held, []) is None
    assert changed_words(replace(held, words={}, documents=0), window) is None


def segmented(rng, rows=900):
    """Customers a, b and c; the texts of c are half as long and its labels swapped."""
    name = np.array(rng.choice(["a", "b", "c"], rows), object)
    window, changed = draw(rng, rows), draw(rng, rows, World(length=0.5, swapped=0.6))
    bad = name == "c"
    for column in ("features", "truth", "predicted", "scores"):
        getattr(window, column)[bad] = getattr(changed, column)[bad]
    return replace(window, segment=name)


def test_the_segment_that_changed_is_blamed_and_the_others_are_not():
    window = segmented(np.random.default_rng(5))
    found = worst_segments(BASE, evidence_of(window))
    assert [entry["segment"] for entry in found] == ["c"]
    worst = found[0]
    assert worst["low"] <= worst["accuracy"] <= worst["high"] < BASE.accuracy.value
    assert worst["labels"] == worst["rows"] == (window.segment == "c").sum()
    assert worst["share"] == pytest.approx(1 / 3, abs=0.06)
    assert worst["effect"] > 0.4
    assert worst["column"] in {"characters", "words", "tokens"}


def test_without_labels_the_change_alone_says_which_segment():
    window = segmented(np.random.default_rng(6))
    bare = evidence_of(window, window.take(np.zeros(len(window), np.bool_)))
    (worst,) = worst_segments(BASE, bare)
    assert (worst["segment"], worst["labels"], worst["accuracy"]) == ("c", 0, None)


def test_quiet_segments_are_not_blamed():
    rng = np.random.default_rng(7)
    for _ in range(20):
        window = replace(draw(rng, 600), segment=np.array(rng.choice(["a", "b", "c", None], 600), object))
        bare = evidence_of(window, window.take(np.zeros(600, np.bool_)))
        assert worst_segments(BASE, bare) == []


def test_examples_are_strange_rows_and_confident_errors():
    rng = np.random.default_rng(8)
    usual, strange = draw(rng, 450), draw(rng, 50, World(strange=1.0))
    window = replace(
        usual,
        **{name: np.concatenate([getattr(usual, name), getattr(strange, name)]) for name in (
            "ids", "time", "predicted", "scores", "features", "projection", "text_hash", "truncated", "segment",
            "truth", "label_time", "asked")},
    )  # fmt: skip
    outside = {UUID(bytes=row.tobytes()) for row in strange.ids}
    unlabelled = examples(BASE, evidence_of(window, window.take(np.zeros(500, np.bool_))))
    assert len(set(unlabelled)) == 5
    assert set(unlabelled) <= outside
    errors = {UUID(bytes=row.tobytes()) for row in window.ids[~window.correct]}
    assert examples(BASE, evidence_of(window))[0] in errors


def test_a_flood_of_one_text_is_one_example_and_swapped_labels_show_errors():
    rng = np.random.default_rng(9)
    swapped = draw(rng, 500, World(swapped=0.8))
    swapped.text_hash[:250] = 77
    chosen = examples(BASE, evidence_of(swapped))
    by_id = {UUID(bytes=row.tobytes()): at for at, row in enumerate(swapped.ids)}
    places = np.array([by_id[each] for each in chosen])
    assert (~swapped.correct[places[:3]]).all()
    assert (swapped.text_hash[places] == 77).sum() <= 2  # one of the errors, one of the carriers


@pytest.mark.parametrize("rows", [0, 1, 40])
def test_few_rows_are_no_trouble_and_the_answer_is_json(rows):
    found = blame(BASE, evidence_of(draw(np.random.default_rng(10), rows)), [])
    assert json.loads(json.dumps(found)) == found
    assert found["words"] is None


def test_at_most_two_thousand_texts_are_asked_for_from_end_to_end():
    window = draw(np.random.default_rng(11), 5000)
    asked = rows_to_read(window)
    assert len(asked) == len(set(asked)) == MOST_TEXTS
    assert asked[0].bytes == window.ids[0].tobytes()
    assert asked[-1].bytes == window.ids[-1].tobytes()


class Texts(MemoryLog):
    """Counts how often texts are asked for, and gives a word that must not leave."""

    asked = 0

    def texts(self, ids):
        self.asked += 1
        return {UUID(int=number): "remission of the patient" for number in range(40)}


def rounds():
    world = Rounds(checks=[Length()])
    world.log = Texts(world.log._model)
    world.baseline = replace(world.baseline, words={"goal": 50}, documents=100)
    return world


def test_a_round_reads_texts_only_when_something_is_wrong_and_keeps_words_from_people_and_logs():
    world = rounds()
    world.serve()
    assert world.round().verdict.kind is Kind.OK
    assert world.log.asked == 0
    world.serve(length=300)
    with capture_logs() as lines:
        outcome = world.round()
    assert world.log.asked == 1
    assert {entry["word"] for entry in outcome.verdict.details["words"]["over"]} >= {"remission", "patient"}
    assert outcome.notifications
    assert "remission" not in repr(outcome.notifications) + repr(lines) + repr(outcome.verdict.reasons)


def test_an_alarm_survives_a_broken_explanation():
    world = rounds()
    world.log.texts = None
    world.serve(length=300)
    with capture_logs() as lines:
        verdict: Verdict = world.round().verdict
    assert verdict.severity is Severity.NOTICE
    assert "words" not in verdict.details
    assert [line["error"] for line in lines if line["event"] == "blame_failed"] == ["TypeError"]
