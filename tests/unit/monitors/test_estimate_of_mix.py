"""Accuracy without labels where the class mix moves, where texts are strange or repeated, where only capitals
changed, and with rows under strain to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.features import FEATURES
from monitors.checks import estimated_accuracy
from monitors.checks._columns import spaced
from monitors.checks.estimated_accuracy import CHECK
from monitors.statistics.bbse import label_weights, weighted_spread
from monitors.statistics.confidence import confidence_estimate, for_mix, temper
from monitors.statistics.correctness import fit_correctness
from monitors.verdict import State
from tests.statistics.simulation import World, baseline_of, draw, evidence_of, without_labels

HARD = 0
"""A class whose rows are half as often right as they would be."""


def world(rng: np.random.Generator, rows: int, share: float):
    """Rows of which that share is of the hard class."""
    window = draw(rng, 6 * rows)
    right, hard = window.correct, window.truth == HARD
    kept = np.flatnonzero(~hard | ~right | (rng.random(len(right)) < 0.2))
    of_hard = rng.permutation(kept[hard[kept]])[: round(share * rows)]
    others = rng.permutation(kept[~hard[kept]])[: rows - len(of_hard)]
    return window.take(rng.permutation(np.concatenate([of_hard, others])))


def test_a_moved_mix_alone_costs_accuracy_where_classes_are_not_equally_hard():
    rng = np.random.default_rng(0)
    held, window = baseline_of(world(rng, 3000, 0.15)), world(rng, 3000, 0.45)
    truth = window.correct.mean()
    found = CHECK.run(held, evidence_of(without_labels(window)), 0.01)
    assert found.estimate is not None
    confidence = [temper(side.scores, held.temperature).max(axis=1) for side in (window, held.reference)]
    plain = confidence_estimate(*confidence, held.reference.correct).mean()
    assert plain - truth > 0.02
    assert abs(found.estimate.value - truth) < 0.6 * (plain - truth)


def test_the_interval_is_as_wide_as_a_moved_mix_leaves_it_uncertain(monkeypatch):
    rng = np.random.default_rng(12)
    draws = [(baseline_of(world(rng, 400, 0.15)), world(rng, 300, 0.45)) for _ in range(40)]

    def estimates():
        return [CHECK.run(held, evidence_of(without_labels(window)), 0.01).estimate for held, window in draws]

    found = estimates()
    truth = [window.correct.mean() for _, window in draws]
    assert sum(not one.low <= right <= one.high for one, right in zip(found, truth, strict=True)) <= 4
    monkeypatch.setattr(estimated_accuracy, "weighted_spread", lambda *_: 0.0)
    known = estimates()
    wider = [one.high - one.low - (other.high - other.low) for one, other in zip(found, known, strict=True)]
    assert np.median(wider) > 0.01


@pytest.mark.parametrize("gone", [0.0, 0.003])
def test_classes_that_are_gone_are_a_moved_mix_too(gone):
    """Where next to nothing points to a class, least squares give it the weight 0, which is no reason to look away."""
    rng = np.random.default_rng(15)
    errors, missed = [], 0
    for _ in range(20):
        held, live = baseline_of(world(rng, 1000, 0.15)), world(rng, 4000, 0.45)
        left = np.flatnonzero((live.truth < 2) | (rng.random(len(live)) < gone))
        window = live.take(left[:600])
        found = CHECK.run(held, evidence_of(without_labels(window)), 0.01).estimate
        errors.append(found.value - window.correct.mean())
        missed += not found.low <= window.correct.mean() <= found.high
    assert abs(np.mean(errors)) < 0.02
    assert missed <= 3


def test_what_the_weights_leave_unknown_is_what_they_scatter_by():
    rng = np.random.default_rng(13)
    chances = np.array([[0.20, 0.03, 0.02], [0.02, 0.24, 0.04], [0.05, 0.06, 0.34]])
    moved = (np.array([0.6, 0.25, 0.15]) @ (chances / chances.sum(axis=1, keepdims=True))).astype(float)
    recall = np.array([0.6, 0.8, 0.95])
    found, told = [], []
    for _ in range(600):
        confusion = rng.multinomial(500, chances.ravel()).reshape(3, 3)
        counts = rng.multinomial(400, moved)
        weights = label_weights(confusion, counts)
        found.append((weights * confusion.sum(axis=1) / 500) @ recall)
        told.append(weighted_spread(confusion, counts, weights, recall))
    assert np.median(told) == pytest.approx(np.std(found), rel=0.15)


def test_rows_under_strain_teach_what_wrong_answers_look_like_beyond_the_support():
    rng = np.random.default_rng(14)
    reference = draw(rng, 800)
    plain = baseline_of(reference)
    taught = replace(plain, strained=draw(rng, 800, World(strange=0.7)))
    window = draw(rng, 500, World(strange=0.5))
    evidence = evidence_of(without_labels(window))
    errors = [abs(CHECK.run(held, evidence, 0.01).estimate.value - window.correct.mean()) for held in (plain, taught)]
    assert errors[1] < 0.04 < errors[0]
    quiet = draw(rng, 500)
    found = CHECK.run(taught, evidence_of(without_labels(quiet)), 0.01)
    assert abs(found.estimate.value - quiet.correct.mean()) < 0.035
    assert found.trusted


@pytest.mark.parametrize("column", ["projection", "features"])
def test_rows_under_strain_of_which_something_is_unknown_are_left_out(column):
    rng = np.random.default_rng(15)
    strained = draw(rng, 400, World(strange=0.7))
    some = getattr(strained, column).copy()
    some[::2, 3] = np.nan
    held = baseline_of(draw(rng, 800))
    evidence = evidence_of(without_labels(draw(rng, 300, World(strange=0.3))))
    gappy = CHECK.run(replace(held, strained=replace(strained, **{column: some})), evidence, 0.01)
    assert gappy == CHECK.run(replace(held, strained=strained.take(slice(1, None, 2))), evidence, 0.01)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_texts_unlike_any_say_nothing_of_the_mix(share):
    rng = np.random.default_rng(19)
    held, rows = baseline_of(draw(rng, 800)), draw(rng, 400)
    strange = np.arange(400) < share * 400
    scores = np.where(strange[:, None], np.array([0.97, 0.01, 0.01, 0.01]), rows.scores)
    far = replace(
        rows,
        projection=rows.projection + 12.0 * strange[:, None],
        scores=scores,
        predicted=scores.argmax(axis=1),
    )
    there = estimated_accuracy.read(held.reference, without_labels(far), held.temperature)
    said = temper(scores, held.temperature)[np.arange(400), far.predicted]
    base = temper(held.reference.scores, held.temperature)[np.arange(800), held.reference.predicted]
    assert there.outside == pytest.approx(share, abs=0.02)
    assert there.methods["confidence"] == pytest.approx(
        float(confidence_estimate(said, base, held.reference.correct).mean())
    )


def test_copies_of_one_text_are_right_or_wrong_together():
    rng = np.random.default_rng(16)
    held, window = baseline_of(draw(rng, 800)), draw(rng, 400)
    same = replace(window, text_hash=np.where(np.arange(400) < 200, window.text_hash[0], window.text_hash))
    ends = [CHECK.run(held, evidence_of(without_labels(rows)), 0.01).estimate for rows in (window, same)]
    assert ends[1].high - ends[1].low > 2 * (ends[0].high - ends[0].low)


def test_copies_of_one_text_are_no_other_mix():
    rng = np.random.default_rng(1)
    held, window = baseline_of(world(rng, 800, 0.25)), world(rng, 400, 0.25)
    flooded = window.take(np.concatenate([np.arange(400), np.full(150, np.flatnonzero(window.predicted == 1)[0])]))
    plain = CHECK.run(held, evidence_of(without_labels(flooded)), 0.01).details["methods"]["confidence"]
    apart = replace(flooded, text_hash=rng.integers(1, 2**63, 550).astype(np.uint64))
    moved = CHECK.run(held, evidence_of(without_labels(apart)), 0.01).details["methods"]["confidence"]
    assert abs(plain - moved) > 0.005


def test_scores_for_another_mix_are_those_of_a_model_made_for_it():
    scores = np.array([[0.5, 0.5], [0.9, 0.1]])
    assert for_mix(scores, np.array([1.0, 1.0])) == pytest.approx(scores)
    assert for_mix(scores, np.array([1.0, 3.0])) == pytest.approx(np.array([[0.25, 0.75], [0.75, 0.25]]))
    right = np.array([True, False])
    plain = confidence_estimate(np.array([0.8]), np.array([0.8, 0.6]), right)
    assert plain == pytest.approx(0.8 + 0.5 - 0.7)
    assert confidence_estimate(np.array([0.8]), np.array([0.8, 0.6]), right, np.array([3.0, 1.0])) == pytest.approx(
        0.8 + 0.75 - 0.75
    )


def test_a_few_strange_texts_pull_the_lower_end_down_to_guessing():
    rng = np.random.default_rng(2)
    held = baseline_of(draw(rng, 800))
    found = CHECK.run(held, evidence_of(without_labels(draw(rng, 500, World(strange=0.08)))), 0.01)
    assert found.estimate is not None
    assert 0.04 < found.details["outside_support"] < 0.1
    assert found.estimate.value - 0.07 < found.details["if_guessed"] < found.estimate.value - 0.015
    assert found.estimate.low <= found.details["if_guessed"]


def test_capitals_alone_do_not_take_trust_away_where_embeddings_speak():
    rng = np.random.default_rng(3)
    held, window = baseline_of(draw(rng, 800)), without_labels(draw(rng, 500))
    features = window.features.copy()
    features[:, FEATURES.index("upper_share")] = 1.0
    shouted = replace(window, features=features)
    assert CHECK.run(held, evidence_of(shouted), 0.01).trusted
    blind = replace(shouted, projection=np.full_like(window.projection, np.nan))
    assert not CHECK.run(held, evidence_of(blind), 0.01).trusted


def test_of_a_large_baseline_evenly_spaced_rows_are_learnt_from(monkeypatch):
    rng = np.random.default_rng(8)
    reference, window = draw(rng, 3000), evidence_of(without_labels(draw(rng, 300)))
    whole = CHECK.run(baseline_of(reference), window, 0.01)
    monkeypatch.setattr(estimated_accuracy, "MOST", 1000)
    capped = CHECK.run(baseline_of(reference), window, 0.01)
    by_hand = replace(baseline_of(reference), reference=reference.take(spaced(3000, 1000)))
    assert capped == CHECK.run(by_hand, window, 0.01)
    assert capped.estimate != whole.estimate


@pytest.mark.parametrize(("turned", "which"), [(0, "wrong"), (1, "right")])
def test_a_baseline_without_a_wrong_or_a_right_answer_is_named(turned, which):
    rng = np.random.default_rng(9)
    reference = draw(rng, 800)
    held = baseline_of(draw(rng, 800))
    held = replace(held, reference=replace(reference, truth=(reference.predicted + turned) % 4))
    found = CHECK.run(held, evidence_of(without_labels(draw(rng, 300))), 0.01)
    assert found.state is State.INSUFFICIENT
    assert found.summary.startswith(f"The baseline holds no {which} answer to learn from")


def test_a_row_that_counts_twice_is_two_rows():
    rng = np.random.default_rng(17)
    table, correct = rng.normal(size=(120, 3)), rng.random(120) < 0.7
    table -= table.mean(axis=0)
    twice = fit_correctness(np.vstack([table, table]), np.tile(correct, 2))
    counted = fit_correctness(table, correct, counts=np.full(120, 2.0))
    assert counted(table) == pytest.approx(twice(table), abs=1e-6)
    assert counted(table) != pytest.approx(fit_correctness(table, correct)(table), abs=1e-6)
