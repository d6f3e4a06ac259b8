"""Accuracy without labels where the class mix moves, where texts are strange, and where only capitals changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.features import FEATURES
from monitors.checks import estimated_accuracy
from monitors.checks._columns import spaced
from monitors.checks.estimated_accuracy import CHECK
from monitors.statistics.confidence import confidence_estimate, for_mix, temper
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
