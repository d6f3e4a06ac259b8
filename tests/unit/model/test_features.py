"""Numbers read off a text: each is counted right, and is finite where it can be known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.features import FEATURES, text_features, words


def feature(name, *texts):
    return text_features(texts, None, None)[:, FEATURES.index(name)].tolist()


def test_counts_of_a_text_that_one_can_count_by_hand():
    row = dict(zip(FEATURES, text_features(["Go Bob, go! <b>42</b>"], np.array([10]), np.array([4]))[0], strict=True))
    assert row["characters"] == 21
    assert row["words"] == 4
    assert row["tokens"] == 10
    assert row["tokens_per_word"] == 2.5
    assert row["unknown_share"] == pytest.approx(0.4)
    assert row["upper_share"] == pytest.approx(2 / 9)
    assert row["digit_share"] == pytest.approx(2 / 18)
    assert row["punctuation_share"] == pytest.approx(3 / 18)
    assert row["markup_share"] == pytest.approx(5 / 18)
    assert row["mean_word_length"] == pytest.approx(18 / 4)
    assert row["repeated_share"] == 0


def test_repetition_foreign_script_and_shouting_show():
    assert feature("repeated_share", "buy now buy now") == [0.5]
    assert feature("non_ascii_share", "größer", "plain", "日本") == pytest.approx([2 / 6, 0, 1])
    assert feature("upper_share", "LOUD", "Loud", "123") == [1, 0.25, 0]


@given(st.lists(st.text(max_size=30), max_size=8))
def test_neighbours_do_not_change_a_text_and_nothing_is_infinite(texts):
    together = text_features(texts, np.zeros(len(texts), np.int64), np.zeros(len(texts), np.int64))
    assert together.shape == (len(texts), len(FEATURES))
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    for text, row in zip(texts, together, strict=True):
        alone = text_features([text], np.zeros(1, np.int64), np.zeros(1, np.int64))[0]
        np.testing.assert_array_equal(alone, row)
        assert row[FEATURES.index("words")] == len(text.split())


def test_numbers_of_tokens_are_unknown_without_a_tokenizer_and_nothing_else_is():
    rows = text_features(["", "one", "\ud800 half a pair"], None, None)
    unknown = np.isnan(rows).all(axis=0)
    assert {name for name, gone in zip(FEATURES, unknown, strict=True) if gone} == {
        "tokens",
        "tokens_per_word",
        "unknown_share",
    }
    assert np.isfinite(rows[:, ~unknown]).all()


def test_a_dataset_longer_than_one_chunk_keeps_its_order():
    texts = ["x" * (row % 50) for row in range(3000)]
    assert feature("characters", *texts) == [row % 50 for row in range(3000)]


def test_words_are_lower_case_and_leave_out_numbers_letters_and_monsters():
    assert words("The the Coach's 1999 3G a " + "x" * 31) == {"the", "coach's", "3g"}
    assert words("") == set()
