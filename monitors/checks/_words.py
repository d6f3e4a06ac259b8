"""Effect sizes in words. Knows the names of text numbers and how people speak of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitors.statistics.ks import ks_distance

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
    if name in COUNTED and then > 0 and abs(now / then - 1) >= 0.03:
        direction = "shorter" if now < then else "longer"
        size = f"{100 * abs(now / then - 1):.0f} %" if now < 3 * then else f"{now / then:.1f} times"
        return f"texts are {size} {direction}: median {number(now)} {COUNTED[name]}, baseline {number(then)}"
    middle, before = float(window.mean()), float(base.mean())
    if abs(middle - before) >= 0.1 * float(base.std()):
        if name in SHARES:
            return f"the share of {SHARES[name]} is {percent(middle)}, baseline {percent(before)}"
        return f"mean {_plain(name)} is {number(middle)}, baseline {number(before)}"
    low, high = np.quantile(base, [0.05, 0.95])
    outside = float(((window < low) | (window > high)).mean())
    usual = float(((base < low) | (base > high)).mean())
    if outside >= 1.3 * usual:
        return f"{_plain(name)} is unusually high or low in {percent(outside)} of rows, baseline {percent(usual)}"
    return f"{_plain(name)} is spread differently (largest gap {percent(ks_distance(window, base))})"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def number(value: float) -> str:
    """Three digits at most, without an exponent."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share in per cent, one decimal below ten."""
    value = 100 * float(share)
    return f"{value:.1f} %" if 0 < abs(value) < 9.95 else f"{value:.0f} %"
