"""The built-in sample: generated news in the four AG News categories; seeded, endless, of our own writing.

Three streams that share no text. A fifth of the stories mixes two categories (the business of sport, the politics
of science), so that a good classifier is right in about nine cases of ten. Knows nothing of models or files.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from itertools import count as count_from
from itertools import islice
from typing import Literal, NamedTuple, get_args

from model import sample_news as news
from model.prediction import text_fingerprint
from model.sample_news import LABELS, QUOTES, ROLES, TOPICS, UNSEEN, Topic

Stream = Literal["train", "test", "live"]
STREAMS: tuple[Stream, ...] = get_args(Stream)
SEGMENTS: tuple[str, ...] = ("web", "app", "wire")

MIXED = 0.24
"""Share of stories whose parts come from two categories, so that even a perfect reader is often wrong on them."""
OWN_SHARE = 0.6
"""Share of a mixed story's parts that come from the category of its label."""
BRIEF = 0.14
"""Share of stories that name no telling subject."""


class Story(NamedTuple):
    """One item of the sample: title and description as one text."""

    text: str
    label: str
    segment: str


def generate(stream: Stream, count: int | None, seed: int = 0, start: int = 0) -> Iterator[Story]:
    """Stories `start` to `start + count` of a stream, one at a time; `count` None never ends.

    A row depends on (stream, seed, row number) alone. A text belongs to the stream that its fingerprint
    names, so that no text is ever in two streams, whatever the seeds.
    """
    rows = (_row(stream, seed, row) for row in count_from(start))
    return rows if count is None else islice(rows, count)


def _row(stream: Stream, seed: int, row: int) -> Story:
    rng = random.Random(f"{stream}/{seed}/{row}")
    while True:
        label = rng.choice(LABELS)
        text = story(rng, label)
        if text_fingerprint(text) % len(STREAMS) == STREAMS.index(stream):
            return Story(text, label, rng.choice(SEGMENTS))


def story(rng: random.Random, label: str) -> str:
    """A story of a category, drawn as the sample draws them: plain, brief, or mixed with another category."""
    kind = rng.random()
    topic = rng.choice(TOPICS[label])
    if kind < MIXED:
        return _mixed(rng, label, topic)
    if kind < MIXED + BRIEF:
        subject = Topic(topic.name, news.NEUTRAL, topic.did, topic.what, ("",))
        return _assemble(rng, _headline(rng, subject), _clause(rng, subject), rng.choice(news.NEUTRAL_SENTENCES))
    return _plain(rng, label, topic)


def unseen_story(rng: random.Random, label: str) -> str:
    """A story of the same categories, on topics that the three streams never touch."""
    return _plain(rng, label, rng.choice(UNSEEN[label]))


def covert_story(rng: random.Random, label: str, other: str) -> str:
    """A story of `label` told nearly all in the words of `other`: one clause says what it is about."""
    topic, guise = rng.choice(TOPICS[label]), rng.choice(TOPICS[other])
    matter = f"what {rng.choice(ROLES[label])} called a matter of {rng.choice(topic.what)}"
    opening = f"In {matter}, {_clause(rng, guise)}"
    return _assemble(rng, _headline(rng, guise), opening, _second(rng, other, guise))


def _plain(rng: random.Random, label: str, topic: Topic) -> str:
    return _assemble(rng, _headline(rng, topic), _clause(rng, topic), _second(rng, label, topic))


def _mixed(rng: random.Random, label: str, topic: Topic) -> str:
    """Every part is drawn from either category, a little more often from the label's own."""
    other = rng.choice([name for name in LABELS if name != label])
    guise = rng.choice(TOPICS[other])

    def part() -> Topic:
        return topic if rng.random() < OWN_SHARE else guise

    deed = part()
    blend = Topic(topic.name, part().who, deed.did, deed.what, part().how)
    told = part()
    return _assemble(
        rng, _headline(rng, part()), _clause(rng, blend), _second(rng, label if told is topic else other, told)
    )


def _headline(rng: random.Random, topic: Topic) -> str:
    who, did, what = rng.choice(topic.who), rng.choice(topic.did), rng.choice(topic.what)
    title = rng.choice(
        (
            f"{who} {did} {what}",
            f"{who} {did} {what}",
            f"Questions over {what}",
            f"New turn for {who}",
            f"{what}: what comes next",
            f"After {what}, {who} look ahead",
        )
    )
    cased = " ".join(word if word in _SMALL else word[:1].upper() + word[1:] for word in title.split())
    return cased[0].upper() + cased[1:]


def _clause(rng: random.Random, topic: Topic) -> str:
    who, did, what, how = (rng.choice(part) for part in (topic.who, topic.did, topic.what, topic.how))
    day = rng.choice(("", " on {day}", " on {day}", " late on {day}", " yesterday", " this week"))
    if how and rng.random() < 0.2:
        return f"{who}, {how}, {did} {what}{day}"
    return f"{who} {did} {what}{day}{', ' if rng.random() < 0.5 and how else ' '}{how}".rstrip()


def _second(rng: random.Random, label: str, topic: Topic) -> str:
    who, did, what, how = (rng.choice(part) for part in (topic.who, topic.did, topic.what, topic.how))
    role, quote = rng.choice(ROLES[label]), rng.choice(QUOTES[label])
    return rng.choice(
        (
            f'"{quote}," said {{person}}, {role}.',
            f"{role} said {quote}, {how}.",
            f"It came {{n}} days after {who} {did} {what}.",
            f"Earlier, {who} had said little about {what}.",
            rng.choice(news.NEUTRAL_SENTENCES),
        )
    )


def _assemble(rng: random.Random, title: str, opening: str, closing: str) -> str:
    """Title, dateline and two sentences, with all slots filled."""
    dateline = rng.choice(("", "", "{PLACE} - ", "{PLACE} ({agency}) - ", "{agency} - "))
    mark = rng.choice((". ", ". ", " ({agency}) ", " - "))
    body = f"{opening[0].upper()}{opening[1:]}. {closing[0].upper()}{closing[1:]}"
    return fill(rng, f"{title}{mark}{dateline}{body}")


def fill(rng: random.Random, text: str) -> str:
    """Replace every `{slot}` by a name or a number drawn for it."""
    return _SLOT.sub(lambda slot: _FILLERS[slot[1].lower()](rng) if slot[1] != "PLACE" else _place(rng).upper(), text)


def _place(rng: random.Random) -> str:
    return rng.choice(news.PLACES)


def _person(rng: random.Random) -> str:
    return f"{rng.choice(news.FIRST_NAMES)} {rng.choice(news.LAST_NAMES)}"


def _named(endings: tuple[str, ...]) -> Callable[[random.Random], str]:
    return lambda rng: rng.choice(news.STEMS) + rng.choice(news.STEM_ENDINGS) + rng.choice(endings)


def _money(rng: random.Random) -> str:
    return f"{rng.choice('$$$£€')}{rng.randint(11, 990) / 10:.1f} {rng.choice(('million', 'million', 'billion'))}"


_SLOT = re.compile(r"\{(\w+)\}")
_SMALL = frozenset(
    {"a", "an", "and", "as", "at", "by", "for", "in", "near", "of", "off", "on", "over", "the", "to", "with"}
)
_FILLERS: dict[str, Callable[[random.Random], str]] = {
    "place": _place,
    "person": _person,
    "team": lambda rng: rng.choice((_place(rng), rng.choice(news.STEMS) + "ton")) + rng.choice(news.TEAM_ENDINGS),
    "company": _named(news.COMPANY_ENDINGS),
    "tech": _named(news.TECH_ENDINGS),
    "agency": lambda rng: rng.choice(news.AGENCIES),
    "n": lambda rng: rng.choice(("two", "three", "four", "five", "six", "seven", "eight", *map(str, range(9, 20)))),
    "nth": lambda rng: rng.choice(("second", "third", "fourth", "fifth", "sixth")),
    "big": lambda rng: str(rng.randint(20, 480)),
    "money": _money,
    "pct": lambda rng: rng.choice((f"{rng.randint(2, 40)}", f"{rng.randint(11, 99) / 10:.1f}")),
    "dollars": lambda rng: f"${rng.randint(3000, 7000) / 100:.2f}",
    "day": lambda rng: rng.choice(news.DAYS),
    "month": lambda rng: rng.choice(news.MONTHS),
    "year": lambda rng: str(rng.randint(1968, 2004)),
    "virus": lambda rng: rng.choice(news.STEMS) + rng.choice("abcdefgx") + "." + rng.choice("ABCDEFG"),
    "game": lambda rng: (
        f"{rng.choice(news.STEMS)}{rng.choice(news.STEM_ENDINGS)} {rng.choice(('II', 'III', '4', ''))}".strip()
    ),
}
