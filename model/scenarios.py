"""Drift scenarios: what may happen to a stream of labelled texts. One registry; a scenario is one entry.

They work on any labelled texts. Where a class name is one of AG News', new texts keep to that class.
"""

from __future__ import annotations

import html
import json
import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from model import scenario_texts as written
from model.errors import InputError
from model.sample import covert_story, fill, unseen_story
from model.sample_news import LABELS


@dataclass(frozen=True, slots=True)
class Stream:
    """What a change may look at: all rows that go into it."""

    texts: Sequence[str]
    labels: Sequence[str]
    rows_of: Mapping[str, Sequence[int]]
    """Positions of the rows of each class; classes in alphabetical order."""


Change = Callable[[random.Random, Stream, int], tuple[str, str]]
"""The new text and label of one row."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that happens to a share of the rows."""

    name: str
    description: str
    change: Change
    strength: float = 1.0
    """Share of rows that it happens to unless told otherwise, from 0 to 1."""
    harmful: bool | None = False
    """Whether accuracy falls by ten points or more at this strength; None where that depends on the model."""


def apply(
    scenario: str, texts: Sequence[str], labels: Sequence[str], seed: int = 0, strength: float | None = None
) -> tuple[list[str], list[str]]:
    """Texts and labels after a scenario; as many rows, in the same order. Raises InputError for an unknown name.

    `strength`, from 0 to 1, is the share of rows that change; None takes the scenario's own. A row depends on
    (scenario, seed, its position) and on the rows given.
    """
    if scenario not in SCENARIOS:
        raise InputError(f"There is no scenario {scenario!r}; there are {', '.join(SCENARIOS)}.")
    return happens(SCENARIOS[scenario], texts, labels, seed, strength)


def happens(
    scenario: Scenario, texts: Sequence[str], labels: Sequence[str], seed: int = 0, strength: float | None = None
) -> tuple[list[str], list[str]]:
    """What `apply` gives, for a scenario that need not be in the registry."""
    share = scenario.strength if strength is None else strength
    if not 0 <= share <= 1:
        raise InputError("The strength of a scenario is a share from 0 to 1.")
    rows_of: dict[str, list[int]] = {label: [] for label in sorted(set(labels))}
    for row, label in enumerate(labels):
        rows_of[label].append(row)
    stream = Stream(texts, labels, rows_of)
    rows = []
    for row in range(len(texts)):
        rng = random.Random(f"{scenario.name}/{seed}/{row}")
        touched = rng.random() < share
        rows.append(scenario.change(rng, stream, row) if touched else (texts[row], labels[row]))
    return [text for text, _ in rows], [label for _, label in rows]


def _on_text(change: Callable[[random.Random, str], str]) -> Change:
    """A change of the text alone."""
    return lambda rng, stream, row: (change(rng, stream.texts[row]), stream.labels[row])


def _news_class(rng: random.Random, label: str) -> str:
    """The label itself where it is one of the four news classes, any of them elsewhere."""
    return label if label in LABELS else rng.choice(LABELS)


def _topic(rng: random.Random, stream: Stream, row: int) -> tuple[str, str]:
    return unseen_story(rng, _news_class(rng, stream.labels[row])), stream.labels[row]


def _covert(rng: random.Random, stream: Stream, row: int) -> tuple[str, str]:
    """The label's own matter, told in the words of another class."""
    label = stream.labels[row]
    if label in LABELS:
        return covert_story(rng, label, "Sports" if label != "Sports" else "Business"), label
    words = stream.texts[row].split()
    others = [other for other in stream.rows_of if other != label]
    guise = stream.texts[rng.choice(stream.rows_of[rng.choice(others)])] if others else ""
    return f"{' '.join(words[: max(3, len(words) // 6)])}: {guise}", label


def _vocabulary(rng: random.Random, text: str) -> str:
    """New names for half of the old ones, and jargon for some long words."""
    words = text.split()
    for at, word in enumerate(words):
        core = word.strip(string.punctuation)
        if not core:
            continue
        if at and core[0].isupper() and rng.random() < 0.5:
            words[at] = word.replace(core, rng.choice(written.NEW_STEMS) + rng.choice(written.NEW_ENDINGS))
        elif len(core) > 5 and rng.random() < 0.15:
            words[at] = word.replace(core, rng.choice(written.JARGON))
    return " ".join(words)


def _truncated(rng: random.Random, text: str) -> str:
    return text[: rng.randint(40, 70)]


def _long(rng: random.Random, stream: Stream, row: int) -> tuple[str, str]:
    """The text, followed by four others of its class."""
    label = stream.labels[row]
    alike = (stream.texts[at] for at in rng.choices(stream.rows_of[label], k=4))
    return " ".join((stream.texts[row], *alike)), label


def _noise(rng: random.Random, text: str) -> str:
    """A typing error in nearly every word: swapped, doubled, dropped or wrong letters."""
    return " ".join(_mistyped(rng, word) if len(word) > 2 and rng.random() < 0.85 else word for word in text.split())


def _mistyped(rng: random.Random, word: str) -> str:
    at = rng.randrange(len(word) - 1)
    one, two = word[at], word[at + 1]
    wrong = rng.choice((two + one, one + one + two, two, rng.choice(string.ascii_lowercase) + two))
    return word[:at] + wrong + word[at + 2 :]


def _markup(rng: random.Random, text: str) -> str:
    words = [html.escape(word) for word in text.split()]
    for at in range(3, len(words), rng.randint(5, 9)):
        link = f'<a href="/item?id={rng.randint(1, 9999)}">{words[at]}</a>'
        words[at] = rng.choice((link, f"<b>{words[at]}</b>", f"{words[at]}<br/>&nbsp;"))
    return f'<div class="item"><p>{" ".join(words)}</p><img src="/px/{rng.randint(1, 99)}.gif"></div>'


def _language(rng: random.Random, stream: Stream, row: int) -> tuple[str, str]:
    news = written.FOREIGN[rng.choice(sorted(written.FOREIGN))][_news_class(rng, stream.labels[row])]
    return fill(rng, " ".join(_sentence(rng, news) for _ in range(rng.choice((2, 3))))), stream.labels[row]


def _sentence(rng: random.Random, parts: written.Parts) -> str:
    built = " ".join(rng.choice(part) for part in parts)
    return f"{built[0].upper()}{built[1:]}."


def _wrong_field(rng: random.Random, text: str) -> str:
    """A record, a log line or a path, as when the caller sends the wrong variable."""
    number = rng.randrange(10**9)
    status, minute = rng.choice(("ok", "retry", "timeout")), rng.randint(10, 59)
    record = json.dumps({"id": number, "status": status, "ms": rng.randint(1, 900), "len": len(text)})
    line = f"2031-06-17T1{number % 10}:{minute}:07Z WARN queue[{number % 16}] depth={number % 997} id={number:x}"
    return rng.choice((record, line, f"/v2/items/{number:08x}?page={number % 40}"))


def _repeated(rng: random.Random, stream: Stream, _row: int) -> tuple[str, str]:
    """One of the three texts that a stuck sender goes on sending."""
    at = rng.randrange(min(3, len(stream.texts)))
    return stream.texts[at], stream.labels[at]


def _spam(rng: random.Random, _text: str) -> str:
    advertisement = fill(rng, _sentence(rng, written.SPAM))
    return advertisement.upper() if rng.random() < 0.3 else advertisement


def _class_mix(rng: random.Random, stream: Stream, _row: int) -> tuple[str, str]:
    """A row of the first class, drawn from those that are there."""
    at = rng.choice(next(iter(stream.rows_of.values())))
    return stream.texts[at], stream.labels[at]


def _swapped(_rng: random.Random, stream: Stream, row: int) -> tuple[str, str]:
    """Two classes change their meaning: Business and Sci/Tech where they are there, else the first two."""
    news = ("Business", "Sci/Tech")
    pair = news if set(news) <= set(stream.rows_of) else tuple(stream.rows_of)[:2]
    label = stream.labels[row]
    return stream.texts[row], pair[1 - pair.index(label)] if label in pair and len(pair) == 2 else label


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("topic", "stories of the same classes on topics never seen before", _topic, 0.7, harmful=True),
        Scenario("vocabulary", "new names and new jargon in the same stories", _on_text(_vocabulary), harmful=None),
        Scenario("truncated", "texts cut off after some 55 characters", _on_text(_truncated)),
        Scenario("long", "texts five times as long", _long),
        Scenario("noise", "typing errors in nearly every word", _on_text(_noise), harmful=True),
        Scenario("case", "everything in capitals", _on_text(lambda _rng, text: text.upper())),
        Scenario("markup", "HTML around and inside the text", _on_text(_markup), harmful=None),
        Scenario("language", "German, Spanish and French news", _language, harmful=True),
        Scenario("class_mix", "one class comes much more often", _class_mix, 0.5),
        Scenario("swapped_labels", "two classes change their meaning; the texts stay", _swapped, harmful=True),
        Scenario("wrong_field", "log lines and records instead of the text", _on_text(_wrong_field), harmful=True),
        Scenario("repeated", "three messages sent again and again", _repeated, 0.5, harmful=None),
        Scenario("spam", "advertisements among the texts", _on_text(_spam), 0.3, harmful=True),
        Scenario("covert", "stories told in the words of another class", _covert, 0.6, harmful=True),
    )
}
"""All scenarios by name; the command line, the tests and the demo read this."""
