"""Texts that are harder to read than they were: a model's wrong answers beyond the rows that it is evaluated on.

Each way is a function of a text, a strength from 0 to 1, other texts and a source of randomness. The true class is
said to stay, also where nothing of it can be read any more: a model that answers there guesses. Knows no model.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence

Way = Callable[[random.Random, str, float, Sequence[str]], str]

_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"
_CHARACTERS = string.ascii_letters + string.digits + string.punctuation
_ALPHABETS = (string.digits, string.hexdigits, string.ascii_letters, string.digits + string.punctuation, _CHARACTERS)
_LEAST = 0.1
_SHORTEST = 8
_LONGEST = 4000
"""Characters of a text that are looked at: more than most models read."""


def strained(texts: Sequence[str], seed: int = 0) -> list[str]:
    """One copy of each text, in a way and of a strength drawn for its place. Other texts lend words to it.

    A way that changes nothing, as most do where words have no spaces between them, gives way to the next one.
    """
    copies = []
    for place, text in enumerate(texts):
        rng = random.Random(f"strain/{seed}/{place}")
        first, strength, plain = rng.choice(WAYS), rng.uniform(_LEAST, 1.0), text[:_LONGEST]
        made = (way(rng, plain, strength, texts) for way in (first, *WAYS))
        copies.append(next((copy for copy in made if copy != plain), plain))
    return copies


def _mistyped(rng: random.Random, text: str, strength: float, _others: Sequence[str]) -> str:
    return " ".join(_wrong(rng, word) if len(word) > 2 and rng.random() < strength else word for word in text.split())


def _wrong(rng: random.Random, word: str) -> str:
    at, letter = rng.randrange(len(word) - 1), rng.choice(string.ascii_lowercase)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return rng.choice((swapped, word[:at] + word[at + 1 :], word[:at] + letter + word[at:], _put(word, at, letter)))


def _put(word: str, at: int, letter: str) -> str:
    return word[:at] + letter + word[at + 1 :]


def _thinned(rng: random.Random, text: str, strength: float, _others: Sequence[str]) -> str:
    words = text.split()
    return " ".join(word for word in words if rng.random() >= strength) or " ".join(words[:1])


def _shuffled(rng: random.Random, text: str, _strength: float, _others: Sequence[str]) -> str:
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def _torn(rng: random.Random, text: str, strength: float, _others: Sequence[str]) -> str:
    """A piece of it, from its beginning or from anywhere."""
    kept = max(_SHORTEST, int(len(text) * (1 - strength)))
    start = rng.choice((0, rng.randint(0, max(0, len(text) - kept))))
    return text[start : start + kept]


def _noisy(rng: random.Random, text: str, strength: float, _others: Sequence[str]) -> str:
    """Any character in place of some; squared, for half of them wrong is nothing left to read."""
    return "".join(rng.choice(_CHARACTERS) if rng.random() < strength**2 else character for character in text)


def _enciphered(rng: random.Random, text: str, strength: float, _others: Sequence[str]) -> str:
    """Words in another language's stead: vowels for vowels and consonants for consonants."""
    vowels, consonants = (rng.sample(letters, len(letters)) for letters in (_VOWELS, _CONSONANTS))
    plain, secret = _VOWELS + _CONSONANTS, "".join(vowels + consonants)
    cipher = str.maketrans(plain + plain.upper(), secret + secret.upper())
    return " ".join(word.translate(cipher) if rng.random() < strength else word for word in text.split())


def _mingled(rng: random.Random, text: str, strength: float, others: Sequence[str]) -> str:
    """Words of other texts in place of some."""
    words = [word for other in rng.choices(others, k=4) for word in other[:_LONGEST].split()] or [text]
    return " ".join(rng.choice(words) if rng.random() < strength else word for word in text.split())


def _littered(rng: random.Random, text: str, strength: float, _others: Sequence[str]) -> str:
    """Strings that mean nothing between the words."""
    litter = (f" {_string(rng, _CHARACTERS, 12)}" if rng.random() < strength else "" for _ in text.split())
    return " ".join(word + more for word, more in zip(text.split(), litter, strict=True))


def _void(rng: random.Random, _text: str, _strength: float, _others: Sequence[str]) -> str:
    """Strings that mean nothing, and nothing else."""
    alphabet = rng.choice(_ALPHABETS)
    return " ".join(_string(rng, alphabet, 14) for _ in range(rng.randint(1, 25)))


def _string(rng: random.Random, alphabet: str, longest: int) -> str:
    return "".join(rng.choices(alphabet, k=rng.randint(1, longest)))


WAYS: tuple[Way, ...] = (
    _mistyped,
    _thinned,
    _shuffled,
    _torn,
    _noisy,
    _enciphered,
    _mingled,
    _littered,
    _void,
)
