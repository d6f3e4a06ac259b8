"""A cut-off does what scikit-learn says of `score >= cutoff`, the best one is the best, and labels follow it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from model.errors import InputError
from model.evaluation import evaluate
from model.evaluation.cutoff import GRID, Costs, CutOffWish, best, cut_off_table, cut_offs
from model.prediction import CutOff, Predictions

NAMES = ("stays", "leaves")


def rows(count=400, seed=0, rare=0.2):
    rng = np.random.default_rng(seed)
    truth = (rng.random(count) < rare).astype(np.int64)
    score = np.clip(rng.normal(0.25 + 0.25 * truth, 0.15), 0.001, 0.999)
    return truth, np.column_stack([1 - score, score])


@pytest.mark.parametrize("label", NAMES)
@pytest.mark.parametrize("rounded", [2, 9])
def test_every_column_equals_scikit_learns(label, rounded):
    truth, scores = rows()
    scores = scores.round(rounded)
    positive = truth == NAMES.index(label)
    steps = cut_offs(truth, scores, NAMES, label, Costs(2, 7)).at([*GRID, 0.0, 1.0])
    for i, value in enumerate(steps.value):
        said = scores[:, NAMES.index(label)] >= value
        (kept, false), (missed, found) = sk.confusion_matrix(positive, said)
        assert steps.recall[i] == pytest.approx(sk.recall_score(positive, said))
        assert steps.false_positive_rate[i] == pytest.approx(false / (false + kept))
        assert steps.f1[i] == pytest.approx(sk.f1_score(positive, said))
        assert steps.cost[i] == pytest.approx((2 * false + 7 * missed) / len(truth))
        if found + false:
            assert steps.precision[i] == pytest.approx(sk.precision_score(positive, said))
        else:
            assert np.isnan(steps.precision[i])


@pytest.mark.parametrize("seed", range(5))
def test_no_other_cut_off_is_better(seed):
    truth, scores = rows(150, seed)
    steps = cut_offs(truth, scores, NAMES, "leaves", Costs(1, 4))
    fine = np.linspace(0.001, 1, 3000)
    for by, goodness in (("f1", lambda s: s.f1), ("cost", lambda s: -s.cost)):
        chosen = best(steps, by)
        assert 0 < chosen <= 1
        assert goodness(steps.at([chosen]))[0] >= goodness(steps.at(fine)).max() - 1e-12


def test_the_best_cut_off_is_a_short_number_that_no_score_equals():
    truth = np.array([0, 0, 1, 1])
    score = np.array([0.1, 0.2000001, 0.7, 0.9])
    chosen = best(cut_offs(truth, np.column_stack([1 - score, score]), NAMES, "leaves"), "f1")
    assert chosen in (0.4, 0.5)  # between 0.2 and 0.7, one digit


def test_dearer_misses_lower_the_cut_off():
    truth, scores = rows(2000)
    found = [best(cut_offs(truth, scores, NAMES, "leaves", Costs(1, miss)), "cost") for miss in (0.2, 1, 5, 50)]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_where_false_positives_cost_too_much_nothing_is_answered():
    truth, scores = rows(200)
    chosen = best(cut_offs(truth, scores, NAMES, "leaves", Costs(1, 0)), "cost")
    assert (scores[:, 1] >= chosen).sum() == 0


def test_the_chosen_cut_off_decides_the_labels_and_the_figures():
    truth, scores = rows()
    cut = CutOffWish.read("0.3", None, Costs()).chosen(truth, scores, NAMES)
    assert (cut.value, cut.chosen_by, cut.positive) == (0.3, "given", 1)
    said = cut.classes(scores)
    assert (said == (scores[:, 1] >= 0.3)).all()
    found = evaluate(truth, scores, NAMES, predicted=said)
    assert found.metrics["recall[leaves]"].value == pytest.approx(sk.recall_score(truth, said))
    first = CutOffWish.read("0.3", "stays", Costs()).chosen(truth, scores, NAMES)
    assert (first.classes(scores) == np.where(scores[:, 0] >= 0.3, 0, 1)).all()


def test_the_default_is_a_half_and_many_classes_have_none():
    truth, scores = rows()
    cut = CutOffWish().chosen(truth, scores, NAMES)
    assert (cut.value, cut.chosen_by) == (0.5, "default")
    assert (cut.classes(scores) == scores.argmax(1)).all()
    assert CutOffWish().chosen(np.array([0]), np.eye(3)[:1], ("a", "b", "c")) is None


def test_predictions_take_the_labels_of_the_cut_off_and_nothing_else_changes():
    scores = np.array([[0.6, 0.4], [0.8, 0.2]], np.float32)
    made = Predictions(
        labels=np.array([0, 0]), scores=scores, features=np.zeros((2, 1)), projections=np.zeros((2, 32)),
        truncated=np.zeros(2, np.bool_),
    )  # fmt: skip
    cut = CutOff(positive=1, value=0.3).applied(made)
    assert cut.labels.tolist() == [1, 0]
    assert cut.scores is scores
    assert cut[0].confidence == pytest.approx(0.4)


def test_a_float32_score_is_compared_as_it_is_printed():
    score = np.array([[0.3, 0.7]], np.float32)  # prints as 0.69999998…
    assert CutOff(positive=1, value=0.7).classes(score).tolist() == [0]


@pytest.mark.parametrize(
    ("rule", "positive", "costs", "labels", "says"),
    [
        ("1.5", None, (1, 1), NAMES, "between 0 and 1"),
        ("0", None, (1, 1), NAMES, "between 0 and 1"),
        ("best", None, (1, 1), NAMES, "or f1 or cost"),
        ("nan", None, (1, 1), NAMES, "between 0 and 1"),
        (None, "goes", (1, 1), NAMES, "stays, leaves"),
        ("0.3", None, (1, 1), ("a", "b", "c"), "this model has 3"),
        (None, "a", (1, 1), ("a", "b", "c"), "the highest score wins"),
        ("cost", None, (0, 0), NAMES, "not both 0"),
        ("cost", None, (-1, 1), NAMES, "from 0 on"),
    ],
)
def test_what_cannot_be_asked_gets_one_sentence(rule, positive, costs, labels, says):
    with pytest.raises(InputError, match=says):
        CutOffWish.read(rule, positive, Costs(*costs)).positive_class(labels)


def test_the_table_has_every_class_and_no_nan():
    truth, scores = rows()
    table = cut_off_table(truth, scores, NAMES)
    assert set(table) == set(NAMES)
    assert all(len(column) == len(GRID) for columns in table.values() for column in columns.values())
    only = cut_off_table(np.zeros(3, np.int64), np.full((3, 2), 0.5), NAMES)
    assert only["leaves"]["recall"] == [None] * len(GRID)
