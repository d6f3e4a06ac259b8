"""Small changes to a text that should not change what it is about. Knows nothing of tests or of models.

Each is a function of a text and a source of randomness; a text that has nothing to change comes back as it is.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_WORD = re.compile(r"[^\W\d_]{5,}")
_NUMBER = re.compile(r"\d+")
_PUNCTUATION = re.compile(r"[.,;:!?\"“”„()\[\]…]+(?=\s|$)|(?<=\s)[\"“„(\[]+|^[\"“„(\[]+")


def typo(text: str, draw: random.Random) -> str:
    """Two neighbouring letters within one word of five letters or more change places, as in CheckList."""
    places = [
        match.start() + i
        for match in _WORD.finditer(text)
        for i in range(1, len(match[0]) - 2)
        if match[0][i] != match[0][i + 1]
    ]
    if not places:
        return text
    at = draw.choice(places)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def numbers(text: str, draw: random.Random) -> str:
    """Every number becomes another one of as many digits."""

    def other(match: re.Match[str]) -> str:
        digits = len(match[0])
        low = 10 ** (digits - 1) if digits > 1 else 1
        choices = (draw.randrange(low, 10**digits) for _ in range(100))
        return next((str(number) for number in choices if str(number) != match[0]), match[0])

    return _NUMBER.sub(other, text)


def punctuation(text: str, draw: random.Random) -> str:
    """Marks at the ends of words are left out; those within numbers and words stay."""
    return _PUNCTUATION.sub("", text)


def upper(text: str, draw: random.Random) -> str:
    return text.upper()


def lower(text: str, draw: random.Random) -> str:
    return text.lower()


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "typo": typo,
    "numbers": numbers,
    "punctuation": punctuation,
    "upper": upper,
    "lower": lower,
}
"""By the words of a behavior file."""
