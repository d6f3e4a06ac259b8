"""The colours of a plot: real ones for PNG, and names that a page's style sheet fills in, light or dark, for SVG."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as matplotlib takes them."""

    paper: str
    ink: str
    soft: str
    line: str
    right: str
    wrong: str
    series: tuple[str, ...]


LIGHT = Palette(
    paper="#ffffff",
    ink="#14202b",
    soft="#4f5f6f",
    line="#dbe1e7",
    right="#0b6e75",
    wrong="#b4480f",
    series=("#0b6e75", "#b4480f", "#4a4fb3", "#8a6d00", "#a3246e", "#3f7d20", "#5b6b7a", "#7a3b1d"),
)
DARK = Palette(
    paper="#10161c",
    ink="#e7ecf1",
    soft="#a3b0bd",
    line="#2a3540",
    right="#62c7c8",
    wrong="#f2a36b",
    series=("#62c7c8", "#f2a36b", "#a9adff", "#e0c04f", "#f48cc3", "#93d06b", "#b4c0cc", "#d79a78"),
)


def with_variables(svg: str) -> str:
    """An SVG drawn in `LIGHT`, with `var(--ink)` and the like in place of its colours."""
    named = {colour: name for name, colour in _named(LIGHT).items()}
    return re.sub("#[0-9a-f]{6}", lambda found: f"var(--{named[found[0]]})" if found[0] in named else found[0], svg)


def variables(palette: Palette) -> str:
    """Declarations of the variables, for a style sheet."""
    return " ".join(f"--{name}: {colour};" for name, colour in _named(palette).items())


def _named(palette: Palette) -> dict[str, str]:
    """The names that a page gives to the colours. Two names of one colour have one colour in every palette."""
    named = {f"series-{i}": colour for i, colour in enumerate(palette.series)}
    return named | {name: getattr(palette, name) for name in ("paper", "ink", "soft", "line", "right", "wrong")}
