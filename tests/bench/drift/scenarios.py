"""The benchmark's scenarios, each with a fixed strength. Knows texts and labels, no model.

What `model.scenarios` has is taken from there; milder and stranger forms are written here, in the same manner. A name's
hash says for good whether a scenario is one to tune on or one to report.
"""

from __future__ import annotations

import hashlib
import random
import re
import string
from collections.abc import Callable
from dataclasses import replace

from model.scenarios import SCENARIOS as KNOWN
from model.scenarios import Change, Scenario, Stream
from model.scenarios import _mistyped as mistyped

LABELS_ONLY = frozenset({"swapped_labels", "relabelled_10", "relabelled_30"})
"""A change of meaning: no prediction changes, so nothing without labels can see it."""
COVERT = frozenset({"covert_20", "covert_60"})
"""Texts that are another class's but for one clause: a human reader would be misled as well. They count wherever inputs
change; accuracy without labels is shown with and without them."""
QUIET = "quiet"
MIXES = {"class_mix_30": (0, 0.3), "class_mix_60": (0, 0.6), "other_class_40": (-1, 0.4)}
"""Class (in alphabetical order) and additional share. They are drawn from quiet rows: a text that is copied to make a
mix would be a repeated message as well."""
_TITLE = re.compile(r"^(.{8,}?)(?:\. | - | \()(.{15,})$", re.DOTALL)
_FOOTERS = (
    "Copyright notice: this article may not be published or redistributed without permission.",
    "Subscribe to our newsletter for more stories like this one.",
)


def half(name: str) -> str:
    """ "tune" or "report", fixed by the name alone."""
    return ("report", "tune")[hashlib.sha256(name.encode()).digest()[0] % 2]


def _of_text(change: Callable[[random.Random, str], str]) -> Change:
    return lambda rng, stream, row: (change(rng, stream.texts[row]), stream.labels[row])


def _mistype(share: float) -> Change:
    def change(rng: random.Random, text: str) -> str:
        words = text.split()
        return " ".join(mistyped(rng, word) if len(word) > 2 and rng.random() < share else word for word in words)

    return _of_text(change)


def _cut(length: int) -> Change:
    return _of_text(lambda _rng, text: text[:length])


def _parts(text: str) -> tuple[str, str]:
    """Title and the rest; a text without a title is taken as halves."""
    found = _TITLE.match(text)
    if found:
        return found[1], found[2]
    words = text.split()
    return " ".join(words[: len(words) // 4]), " ".join(words[len(words) // 4 :])


def _shuffled(rng: random.Random, text: str) -> str:
    words = text.split()
    rng.shuffle(words)
    return " ".join(words)


def _boilerplate(rng: random.Random, text: str) -> str:
    return f"{text} {rng.choice(_FOOTERS)}"


def _bare(_rng: random.Random, text: str) -> str:
    return text.translate(str.maketrans("", "", string.punctuation))


def _masked(_rng: random.Random, text: str) -> str:
    return re.sub(r"\d", "#", text)


def _mojibake(_rng: random.Random, text: str) -> str:
    """Bytes of UTF-8 read as Latin-1, as behind a wrong header; quotation marks and dashes go first."""
    curly = text.replace("'", "’").replace('"', "”").replace(" - ", " – ")
    return curly.encode("utf-8", "replace").decode("latin-1")


def _drawn(_rng: random.Random, _stream: Stream, _row: int) -> tuple[str, str]:
    raise ValueError("A class mix is drawn, not written; see MIXES.")


def _relabelled(rng: random.Random, stream: Stream, row: int) -> tuple[str, str]:
    """The truth is another class than it was, whatever the text says: annotators follow new guidelines."""
    return stream.texts[row], rng.choice([label for label in stream.rows_of if label != stream.labels[row]])


def _known(name: str, of: str, strength: float | None = None) -> Scenario:
    known = KNOWN[of]
    return replace(known, name=name, strength=known.strength if strength is None else strength)


def _own(name: str, description: str, change: Change, strength: float = 1.0) -> Scenario:
    return Scenario(name, description, change, strength, harmful=None)


ALL: tuple[Scenario, ...] = (
    _own("class_mix_30", "one class comes more often", _drawn, 0.3),
    _own("class_mix_60", "one class comes much more often", _drawn, 0.6),
    _own("other_class_40", "another class comes more often", _drawn, 0.4),
    _own("typos_5", "a typing error in every twentieth word", _mistype(0.05)),
    _own("typos_25", "a typing error in every fourth word", _mistype(0.25)),
    _known("typos_85", "noise"),
    _own("cut_120", "texts cut off after 120 characters", _cut(120)),
    _known("cut_55", "truncated"),
    _own("cut_25", "texts cut off after 25 characters", _cut(25)),
    _known("upper_case", "case"),
    _own("lower_case", "everything in small letters", _of_text(lambda _rng, text: text.lower())),
    _known("markup_20", "markup", 0.2),
    _known("markup_100", "markup"),
    _own("no_title", "the title is missing", _of_text(lambda _rng, text: _parts(text)[1])),
    _own("only_title", "the description is missing", _of_text(lambda _rng, text: _parts(text)[0])),
    _known("wrong_field_5", "wrong_field", 0.05),
    _known("wrong_field_25", "wrong_field", 0.25),
    _known("wrong_field_100", "wrong_field"),
    _known("topics_20", "topic", 0.2),
    _known("topics_70", "topic", 0.7),
    _known("language_5", "language", 0.05),
    _known("language_20", "language", 0.2),
    _known("language_50", "language", 0.5),
    _known("vocabulary", "vocabulary"),
    _known("repeated_10", "repeated", 0.1),
    _known("repeated_50", "repeated"),
    _known("spam_10", "spam", 0.1),
    _known("spam_30", "spam"),
    _known("covert_20", "covert", 0.2),
    _known("covert_60", "covert"),
    _known("long", "long"),
    _own("shuffled", "the words in any order", _of_text(_shuffled)),
    _own("bare", "no punctuation", _of_text(_bare)),
    _own("masked", "every digit is masked", _of_text(_masked)),
    _own("boilerplate", "a footer under every text", _of_text(_boilerplate)),
    _own("mojibake", "a wrong encoding", _of_text(_mojibake)),
    _known("swapped_labels", "swapped_labels"),
    _own("relabelled_10", "one label in ten is another", _relabelled, 0.1),
    _own("relabelled_30", "three labels in ten are others", _relabelled, 0.3),
)
"""In the order of the tables."""
