"""Effect sizes in words. Knows the names of text numbers and how people speak of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COUNTED = {"characters": "characters", "words": "words", "tokens": "tokens"}
SHARES = {
    "unknown_share": "tokens that the vocabulary lacks",
    "upper_share": "upper-case letters",
    "digit_share": "digits",
    "punctuation_share": "punctuation",
    "markup_share": "markup characters",
    "non_ascii_share": "characters beyond ASCII",
    "repeated_share": "repeated words",
}


def describe_change(name: str, window: NDArray[np.float64], base: NDArray[np.float64]) -> str:
    """How one column changed, as a clause: "texts are 42 % shorter: median 18 words, baseline 31"."""
    now, then = float(np.median(window)), float(np.median(base))
    if name in COUNTED and then > 0 and now != then:
        direction = "shorter" if now < then else "longer"
        size = f"{abs(now / then - 1):.0%}".replace("%", " %") if now < 3 * then else f"{now / then:.1f} times"
        return f"texts are {size} {direction}: median {number(now)} {COUNTED[name]}, baseline {number(then)}"
    if name in SHARES:
        return f"{SHARES[name]} make up {percent(window.mean())} of a text, baseline {percent(base.mean())}"
    said = name.replace("_", " ")
    middle, before = float(window.mean()), float(base.mean())
    spread = float(base.std())
    if abs(middle - before) >= 0.1 * spread or float(window.std()) == 0:
        return f"mean {said} is {number(middle)}, baseline {number(before)}"
    low, high = np.quantile(base, [0.05, 0.95])
    outside = float(((window < low) | (window > high)).mean())
    usual = float(((base < low) | (base > high)).mean())
    return f"{said} is unusually high or low in {percent(outside)} of texts, baseline {percent(usual)}"


def number(value: float) -> str:
    """Three digits at most, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share in per cent, one decimal below ten."""
    value = 100 * float(share)
    return f"{value:.1f} %" if 0 < abs(value) < 9.95 else f"{value:.0f} %"
