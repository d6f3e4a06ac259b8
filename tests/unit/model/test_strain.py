"""Texts under strain: seeded, one a text, in every way there is, and never without end."""

from __future__ import annotations

import random

import pytest

from model.sample import generate
from model.strain import WAYS, strained

TEXTS = [story.text for story in generate("live", 200)]


def test_each_text_has_one_copy_and_the_same_one_again():
    copies = strained(TEXTS)
    assert len(copies) == len(TEXTS)
    assert copies == strained(TEXTS)
    assert copies != strained(TEXTS, seed=1)
    assert sum(copy != text for copy, text in zip(copies, TEXTS, strict=True)) > 190
    assert all(copies)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(
    "text", ["", " ", "a", "word", "\u4e2d\u6587\u6ca1\u6709\u7a7a\u683c", "Zwei Wörter, e\u0301 😀"]
)
def test_no_text_is_too_strange(way, text):
    for seed in range(20):
        for strength in (0.1, 0.5, 1.0):
            assert isinstance(way(random.Random(seed), text, strength, [text]), str)


def test_the_harder_the_less_of_the_words_is_left():
    def left(way, strength):
        copies = ((text, way(random.Random(at), text, strength, TEXTS)) for at, text in enumerate(TEXTS))
        kept = [sum(word in copy.split() for word in text.split()) / len(text.split()) for text, copy in copies]
        return sum(kept) / len(kept)

    for way in WAYS:
        assert left(way, 1.0) <= left(way, 0.2)
        if way.__name__ not in {"_shuffled", "_littered", "_void"}:
            assert left(way, 1.0) < left(way, 0.2) - 0.3, way.__name__


def test_words_without_spaces_or_in_other_letters_are_strained_too():
    texts = ["\u4e2d\u56fd\u7ecf\u6d4e\u589e\u957f", "\u0627\u0644\u0623\u062e\u0628\u0627\u0631", "7", ""] * 50
    assert all(copy != text for copy, text in zip(strained(texts), texts, strict=True))


def test_of_an_endless_text_the_beginning_is_looked_at():
    assert max(map(len, strained(["word " * 100_000] * 30))) < 100_000
