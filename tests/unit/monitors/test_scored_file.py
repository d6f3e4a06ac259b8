"""Labelled scores from a file become rows whatever its form; what is wrong is said in one sentence."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from model.errors import InputError
from model.prediction import text_fingerprint
from monitors.scored_file import TEXT_FEATURES, ScoredColumns, read_scored

BINARY = pd.DataFrame({"churned": ["no", "yes", "no"], "p": [0.1, 0.7, 0.123456789012345]})
SEVERAL = pd.DataFrame(
    {"truth": ["b", "a", "c"], "p_a": [0.2, 0.5, 0.0], "p_b": [0.5, 0.25, 0.0], "p_c": [0.3, 0.25, 1.0]}
)
ONE = ScoredColumns(label="churned", scores=("p",))
EACH = ScoredColumns(label="truth", scores=("p_a", "p_b", "p_c"))


def rows(tmp_path, frame, columns, suffix=".csv"):
    path = tmp_path / f"scores{suffix}"
    match suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True, double_precision=15)
        case ".parquet":
            frame.to_parquet(path)
    return read_scored(path, columns)


def refused(tmp_path, frame, columns):
    with pytest.raises(InputError) as caught:
        rows(tmp_path, frame, columns)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_one_score_means_two_classes(tmp_path, suffix):
    found = rows(tmp_path, BINARY, ONE, suffix)
    assert found.labels == ("no", "yes")
    assert found.truth.tolist() == [0, 1, 0]
    assert found.scores[:, 1].tolist() == BINARY.p.tolist()  # to the last digit
    assert found.scores.sum(axis=1).tolist() == [1.0, 1.0, 1.0]
    assert found.sha256 == hashlib.sha256((tmp_path / f"scores{suffix}").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("values", "options", "labels"),
    [
        ([0, 1, 0], {}, ("0", "1")),
        ([1.0, 0.0, 1.0], {}, ("0", "1")),
        (["true", "false", "true"], {}, ("false", "true")),
        (["stays", "leaves", "stays"], {"positive": "leaves"}, ("stays", "leaves")),
        (["stays", "leaves", "stays"], {"positive": "stays"}, ("leaves", "stays")),
        ([0, 1, 0], {"labels": ("stays", "leaves")}, ("stays", "leaves")),
        (["stays", "leaves", "stays"], {"labels": ("stays", "leaves")}, ("stays", "leaves")),
    ],
)
def test_which_class_the_score_speaks_of(tmp_path, values, options, labels):
    found = rows(tmp_path, BINARY.assign(churned=values), ScoredColumns(label="churned", scores=("p",), **options))
    assert found.labels == labels
    named = values if values[0] in labels else None
    expected = [labels.index(value) for value in named] if named else [int(value) for value in values]
    assert found.truth.tolist() == expected


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("a", "b", "c"), ("a", "b", "c")),
        (("score_a", "score_b", "score_c"), ("score_a", "score_b", "score_c")),
        (("p_a", "p_b", "p_c"), ("p_a,p_b, p_c",)),
    ],
)
def test_classes_are_read_off_the_columns(tmp_path, names, columns):
    frame = SEVERAL.set_axis(["truth", *names], axis=1)
    found = rows(tmp_path, frame, ScoredColumns(label="truth", scores=columns))
    assert found.labels == ("a", "b", "c")
    assert found.truth.tolist() == [1, 0, 2]
    assert found.scores.tolist() == SEVERAL[["p_a", "p_b", "p_c"]].to_numpy().tolist()


def test_labels_in_the_order_of_the_columns_and_by_number(tmp_path):
    frame = SEVERAL.assign(truth=[1, 0, 2])
    columns = ScoredColumns(label="truth", scores=EACH.scores, labels=("World", "Sports", "Tech"))
    found = rows(tmp_path, frame, columns)
    assert (found.labels, found.truth.tolist()) == (("World", "Sports", "Tech"), [1, 0, 2])
    assert "--labels" in refused(tmp_path, frame.assign(truth=["1", "0", "2"]), EACH)  # numbers alone say nothing


def test_features_segments_and_texts(tmp_path):
    frame = BINARY.assign(tenure=[1, None, 3], text=["Some words", None, "more"], plan=["a", None, "b"])
    columns = ScoredColumns(label="churned", scores=("p",), features=("tenure",), segment="plan", text="text")
    found = rows(tmp_path, frame, columns)
    assert found.features == ("tenure", *TEXT_FEATURES)
    assert "tokens" not in found.features
    np.testing.assert_array_equal(found.numbers[:, 0], np.array([1, np.nan, 3], np.float32))
    assert found.numbers[:, 1].tolist() == [10, 0, 4]
    assert found.segments == ["a", None, "b"]
    assert list(found.texts()) == ["Some words", "", "more"]
    assert found.hashes.tolist() == [text_fingerprint(text) for text in ("Some words", "", "more")]
    assert "no column 'body'" in refused(tmp_path, frame, replace(columns, text="body"))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_texts_are_read_in_parts_and_the_rest_is_the_same(tmp_path, suffix, monkeypatch):
    frame = pd.concat([BINARY] * 5, ignore_index=True).assign(tenure=range(15), text=[f"Text {n}" for n in range(15)])
    columns = ScoredColumns(label="churned", scores=("p",), features=("tenure",))
    whole = rows(tmp_path, frame, columns, suffix)
    monkeypatch.setattr("monitors.table_file._PART_ROWS", 4)
    found = rows(tmp_path, frame, replace(columns, text="text"), suffix)
    assert list(found.texts()) == frame.text.tolist()
    assert found.numbers[:, 0].tolist() == whole.numbers[:, 0].tolist()
    assert (found.scores == whole.scores).all()
    assert (found.truth == whole.truth).all()


def test_the_version_follows_from_classes_and_features(tmp_path):
    one = rows(tmp_path, BINARY, ONE)
    other = rows(tmp_path, BINARY.assign(x=1.0), ScoredColumns(label="churned", scores=("p",), features=("x",)))
    assert one.model(None, "m").version == rows(tmp_path, BINARY, ONE).model(None, "n").version
    assert one.model(None, "m").version != other.model(None, "m").version
    assert one.model("churn-7", "m").version == "churn-7"


def test_bad_input_is_one_sentence(tmp_path):
    def two(**change):
        return refused(tmp_path, BINARY.assign(**change), ONE)

    def three(**change):
        return refused(tmp_path, SEVERAL.assign(**change), EACH)

    assert "2 of 3 scores" in two(p=[0.5, None, 1.5])
    assert "probabilities" in two(p=[-1.0, 0.2, 3.0])
    assert "not a number" in two(p=["a lot", "0.1", "0.2"])
    assert "1 of the 3 rows" in two(churned=["no", None, "yes"])
    assert "one class" in two(churned=["no", "no", "no"])
    assert "3 classes but one score column" in two(churned=["a", "b", "c"])
    assert "--positive-class" in two(churned=["left", "right", "left"])
    assert "2 rows repeat the id" in two(id=[7, 7, 7])
    assert "do not sum to one" in three(p_a=[0.9, 0.9, 0.9])
    assert "missing or not a number" in three(p_a=[0.2, None, 0.0])
    assert "none of a, b, c" in three(truth=["a", "b", "an unheard-of class"])
    assert "unheard" not in three(truth=["a", "b", "an unheard-of class"])
    assert "is of class c" in three(truth=["a", "b", "a"])
    assert "of one class" in three(truth=["a", "a", "a"])
    assert "no column 'gone'" in refused(tmp_path, BINARY, ScoredColumns(label="gone", scores=("p",)))
    assert "one name for each" in refused(tmp_path, SEVERAL, ScoredColumns("truth", EACH.scores, labels=("a", "b")))
    assert "two --labels" in refused(tmp_path, BINARY, ScoredColumns("churned", ("p",), labels=("a", "b", "c")))
    assert "No row is of the" in refused(tmp_path, BINARY, ScoredColumns("churned", ("p",), positive="maybe"))


@pytest.mark.parametrize("name", ["id", "label", "p0", "score_no"])
def test_a_feature_may_not_take_a_name_that_means_something(tmp_path, name):
    columns = ScoredColumns(label="churned", scores=("p",), features=(name,))
    assert "rename" in refused(tmp_path, BINARY.assign(**{name: [1.0, 2.0, 3.0]}), columns)


@pytest.mark.parametrize("values", [[1.0, np.inf, 2.0], [None, None, None]])
def test_a_feature_is_made_of_numbers(tmp_path, values):
    columns = ScoredColumns(label="churned", scores=("p",), features=("x",))
    assert "it is no feature" in refused(tmp_path, BINARY.assign(x=values), columns)
