"""Numbers read off a text: what a wrong field, a foreign language, markup, shouting or spam would move.

Knows nothing of labels, scores or windows. Counts characters with a look-up table, not with a model of language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

FEATURES: tuple[str, ...] = (
    "characters",
    "words",
    "tokens",
    "tokens_per_word",
    "unknown_share",
    "upper_share",
    "digit_share",
    "punctuation_share",
    "markup_share",
    "non_ascii_share",
    "mean_word_length",
    "repeated_share",
)
"""`tokens` is what the tokenizer gave, after truncation; `unknown_share` is of tokens, `upper_share` of letters,
`repeated_share` of words (those that stood before in the same text), all other shares of characters but white space."""
NEEDS_TOKENS = frozenset({"tokens", "tokens_per_word", "unknown_share"})
"""What cannot be known of a text without a tokenizer."""

_MARKS = tuple(1 << bit for bit in range(8))
_SPACE, _LETTER, _UPPER, _DIGIT, _PUNCTUATION, _MARKUP, _NON_ASCII, _START = _MARKS
_MARKUP_CHARACTERS = "<>{}[]|\\/=_#@&~^`*+"
_HAS_MARK = np.array([[int(code & mark > 0) for mark in _MARKS] for code in range(256)])
"""(256, marks): 1 where a combination of marks holds the mark."""
_TABLE_SIZE = 1 << 16
_CHUNK = 1024
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def text_features(
    texts: Sequence[str], tokens: NDArray[np.int64] | None, unknown: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """Features of n texts, shape (n, len(FEATURES)); the columns are `FEATURES`, in that order.

    `tokens` and `unknown`, shape (n,), count each text's tokens and those among them that the vocabulary lacks;
    where they are None, the columns that need them are NaN. An empty text gives zeros, never NaN.
    """
    columns = np.full((len(texts), len(FEATURES)), np.nan, np.float64)
    for first in range(0, len(texts), _CHUNK):  # bounds the memory that a large dataset takes
        part = texts[first : first + _CHUNK]
        columns[first : first + len(part)] = _features_of_characters(part)
    words = columns[:, FEATURES.index("words")]
    if tokens is not None:
        columns[:, FEATURES.index("tokens")] = tokens
        columns[:, FEATURES.index("tokens_per_word")] = tokens / np.maximum(words, 1)
        if unknown is not None:
            columns[:, FEATURES.index("unknown_share")] = unknown / np.maximum(tokens, 1)
    return columns.astype(np.float32)


def words(text: str) -> set[str]:
    """The different words of a text for document counts: lower case, 2 to 30 characters, not digits alone."""
    found = set(_WORD.findall(text.lower()))
    return {word for word in found if 2 <= len(word) <= 30 and not word.isdigit()}


def _features_of_characters(texts: Sequence[str]) -> NDArray[np.float64]:
    """All columns that need no tokenizer; the others are NaN. Shape (n, len(FEATURES))."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    classes = _character_classes()[np.minimum(codes, _TABLE_SIZE - 1)]
    shown = (classes & _SPACE) == 0
    starts = shown.copy()
    starts[1:] &= ~shown[:-1]
    first = (np.cumsum(lengths) - lengths)[lengths > 0]
    starts[first] = shown[first]  # a text that follows another begins a word of its own
    classes |= starts * np.uint8(_START)
    # One pass for all marks: how often each of the 256 combinations stands in each text.
    places = np.repeat(np.arange(0, 256 * len(texts), 256), lengths) + classes
    combinations = np.bincount(places, minlength=256 * len(texts)).reshape(len(texts), 256)
    spaces, letters, upper, digits, punctuation, markup, non_ascii, word_count = (combinations @ _HAS_MARK).T
    visible = lengths - spaces
    per_character = 1.0 / np.maximum(visible, 1)
    split = [text.lower().split() for text in texts]
    different = np.array([len(set(found)) for found in split])
    by_name = {
        "characters": lengths,
        "words": word_count,
        "upper_share": upper / np.maximum(letters, 1),
        "digit_share": digits * per_character,
        "punctuation_share": punctuation * per_character,
        "markup_share": markup * per_character,
        "non_ascii_share": non_ascii * per_character,
        "mean_word_length": visible / np.maximum(word_count, 1),
        "repeated_share": 1.0 - different / np.maximum(word_count, 1),
    }
    by_name["repeated_share"][word_count == 0] = 0.0
    nothing = np.full(len(texts), np.nan)
    return np.array([by_name.get(name, nothing) for name in FEATURES], np.float64).T


@cache
def _character_classes() -> NDArray[np.uint8]:
    """(65536,): a bit mask for every character of the basic plane; the last entry stands for all beyond it."""
    table = np.zeros(_TABLE_SIZE, np.uint8)
    for code in range(_TABLE_SIZE - 1):
        character = chr(code)
        category = unicodedata.category(character)
        table[code] = (
            _SPACE * character.isspace()
            | _LETTER * (category[0] == "L")
            | _UPPER * (category == "Lu")
            | _DIGIT * (category == "Nd")
            | _PUNCTUATION * (category[0] == "P")
            | _NON_ASCII * (code > 127 and not character.isspace())
        )
    table[-1] = _NON_ASCII
    table[[ord(character) for character in _MARKUP_CHARACTERS]] |= _MARKUP
    return table
