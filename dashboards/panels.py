"""The nouns of a dashboard: Panel, Section, Board, and the thresholds and mappings that panels share.

Knows nothing of Grafana's JSON, nor of PromQL: a panel names its queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

GOOD, WARN, BAD, PLAIN = "green", "orange", "red", "blue"
GRID = 24
"""Columns of Grafana's grid."""

Step = tuple[float | None, str]
"""From this value on, this colour; None is the first."""
NEUTRAL: tuple[Step, ...] = ((None, PLAIN),)
"""For numbers of which no value is bad by itself."""


def above(warn: float, bad: float | None = None) -> tuple[Step, ...]:
    """Good below `warn`."""
    return ((None, GOOD), (warn, WARN if bad is not None else BAD), *(() if bad is None else ((bad, BAD),)))


def below(bad: float, warn: float | None = None) -> tuple[Step, ...]:
    """Bad below `bad`, good from `warn` on."""
    return ((None, BAD), (bad, WARN if warn is not None else GOOD), *(() if warn is None else ((warn, GOOD),)))


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `id` is its own for ever: links and annotations name it."""

    id: int
    title: str
    unit: str
    kind: Literal["number", "name", "lines", "stack", "heat", "states"]
    description: str
    empty: str
    """What it shows where there is no data yet."""
    queries: tuple[str, ...]
    steps: tuple[Step, ...] = NEUTRAL
    width: int = 12
    height: int = 8
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    words: tuple[tuple[int, str, str], ...] = ()
    """Value, text, colour: for states."""
    band: bool = False
    """Whether its series `low` and `high` are the edges of a filled band."""
    report: bool = False
    """Whether it leads to the list of drift reports."""


number = partial(Panel, kind="number", width=6, height=3)
name = partial(Panel, unit="none", kind="name", width=6, height=3)
lines = partial(Panel, kind="lines")
stack = partial(Panel, kind="stack")
heat = partial(Panel, kind="heat")
states = partial(Panel, unit="none", kind="states")


@dataclass(frozen=True, slots=True)
class Section:
    """A row with a question as its title; its panels flow from left to right, in full lines."""

    id: int
    title: str
    panels: tuple[Panel, ...]
    each_version: bool = False
    """Whether it is shown once for each chosen model version, so that lines of versions never mix."""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    variables: tuple[str, ...]
    sections: tuple[Section, ...]
    since: str = "now-24h"

    @property
    def file(self) -> str:
        return f"{self.uid.removeprefix('bertwatch-')}.json"
