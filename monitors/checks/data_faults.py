"""Is something upstream broken? Empty, repeated, truncated, unreadable, foreign texts, a wrong field, a stuck model.

Each fault is a share of rows, compared exactly with the baseline's, and counted only where it is large enough to
matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitors.baseline import Baseline
from monitors.checks._columns import spaced
from monitors.checks._drift import FEWEST_BASE, FEWEST_WINDOW, judge_p, too_little
from monitors.checks._words import number, percent
from monitors.protocols import Evidence
from monitors.statistics.fisher import more_often
from monitors.verdict import Aspect, Finding
from monitors.window import Window

LENGTHS = ("characters", "words")
FIELD = 0.5
"""Share of texts of an unheard-of length that makes it look like another field."""
SCRIPT = 0.3
"""Share of characters beyond ASCII from which a text is of another script."""
NEVER = 2.0
"""A share that cannot be reached."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: how many rows of each side show it."""

    name: str
    sentence: str
    hits: int
    count: int
    base_hits: int
    base_count: int
    floor: float
    """By how much the share must exceed the baseline's to be a fault at all."""
    gross: float
    """Share from which on the change is gross."""
    ways: int = 1
    """In how many ways it could have shown itself."""

    @property
    def excess(self) -> float:
        return self.hits / max(self.count, 1) - self.base_hits / max(self.base_count, 1)

    @property
    def p_value(self) -> float:
        if self.count < FEWEST_WINDOW or self.base_count < FEWEST_BASE or self.excess < self.floor:
            return 1.0
        p = float(more_often(self.hits, self.count, self.base_hits, self.base_count))
        return min(1.0, p * self.ways)


class DataFaults:
    name = "data_faults"
    title = "Data faults"
    aspect = Aspect.DATA

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """The faults' smallest p-value times their number (Bonferroni). Copies of one text are not independent rows,
        so the floors, not the p-values, keep repeated messages from being a fault too soon."""
        window, reference = evidence.window, baseline.reference
        rows = len(window)
        if rows < FEWEST_WINDOW or len(reference) < FEWEST_BASE:
            return too_little(self.name, self.aspect, f"{rows} predictions are too few to see a data fault.", rows)
        faults = list(_faults(window, reference))
        p_values = [min(1.0, fault.p_value * len(faults)) for fault in faults]
        p_value = min(p_values)
        state, score, threshold = judge_p(p_value, alpha)
        found = [fault for fault, p in zip(faults, p_values, strict=True) if p < alpha]
        found.sort(key=lambda fault: -fault.excess)
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=state,
            summary=" ".join(_spoken(found)) or f"No data fault in {rows} predictions.",
            score=score,
            threshold=threshold,
            p_value=p_value,
            count=rows,
            gross=any(fault.hits >= fault.gross * fault.count for fault in found),
            details={
                fault.name: {
                    "share": fault.hits / fault.count,
                    "baseline_share": fault.base_hits / fault.base_count,
                    "fault": fault in found,
                }
                for fault in faults
                if fault.count and fault.base_count
            },
        )


def _spoken(found: list[Fault]) -> list[str]:
    """The two largest faults in words; characters and words of the same texts say one thing."""
    lengths = [fault for fault in found if fault.name.startswith("length")]
    return [fault.sentence for fault in found if fault not in lengths[1:]][:2]


def _faults(window: Window, reference: Window) -> Iterator[Fault]:
    for name in LENGTHS:
        if name in window.model.features:
            yield _empty(name, window, reference)
            break
    yield _share(
        "truncated", window.truncated, reference.truncated, "{now} of the texts are cut off, baseline {then}.", 0.1
    )
    if "unknown_share" in window.model.features:
        yield _unknown(window, reference)
    if {"non_ascii_share", "tokens_per_word"} <= set(window.model.features):
        yield _language(window, reference)
    yield from _copies(window, reference)
    yield _same_scores(window, reference)
    for name in LENGTHS:
        if name in window.model.features:
            yield _length(name, window, reference)


def _share(
    name: str,
    marked: NDArray[np.bool_],
    base: NDArray[np.bool_],
    sentence: str,
    floor: float,
    *,
    gross: float = NEVER,
    ways: int = 1,
) -> Fault:
    hits, base_hits = int(marked.sum()), int(base.sum())
    now, then = (percent(part / max(whole, 1)) for part, whole in ((hits, len(marked)), (base_hits, len(base))))
    said = sentence.format(now=now, then=then)
    return Fault(name, said, hits, len(marked), base_hits, len(base), floor, gross, ways)


def _column(window: Window, name: str) -> NDArray[np.float64]:
    """The finite values of one text number."""
    values = window.features[:, window.model.features.index(name)]
    return np.asarray(values[np.isfinite(values)], np.float64)


def _empty(name: str, window: Window, reference: Window) -> Fault:
    sentence = "{now} of the texts are empty, baseline {then}."
    return _share("empty", _column(window, name) <= 0, _column(reference, name) <= 0, sentence, 0.02, gross=0.5)


def _unknown(window: Window, reference: Window) -> Fault:
    base = _column(reference, "unknown_share")
    limit = max(0.2, float(np.quantile(base, 0.995))) if len(base) else 1.0
    sentence = "{now} of the texts are full of tokens that the vocabulary lacks, baseline {then}."
    return _share("unknown", _column(window, "unknown_share") > limit, base > limit, sentence, 0.05, gross=0.5)


def _language(window: Window, reference: Window) -> Fault:
    """Texts with letters beyond ASCII that the vocabulary cuts into pieces, both more than the baseline's; or mostly of
    such letters. Typing errors and jargon are cut into pieces too, and stay within ASCII."""
    base_letters, base_pieces = (_column(reference, name) for name in ("non_ascii_share", "tokens_per_word"))
    letters = float(np.quantile(base_letters, 0.995)) if len(base_letters) else 1.0
    pieces = float(np.quantile(base_pieces, 0.995)) if len(base_pieces) else np.inf

    def foreign(side: Window) -> NDArray[np.bool_]:
        share, cut = (
            side.features[:, side.model.features.index(name)] for name in ("non_ascii_share", "tokens_per_word")
        )
        known = np.isfinite(share)
        return np.asarray(((share > letters) & ((cut > pieces) | (share > max(SCRIPT, letters))))[known])

    sentence = "{now} of the texts read like another language, baseline {then}."
    return _share("language", foreign(window), foreign(reference), sentence, 0.05, gross=0.5)


def _copies(window: Window, reference: Window) -> Iterator[Fault]:
    """Texts that came before in the same stretch, and the commonest of them. Both sides are cut to the same number of
    rows, since longer stretches repeat more."""
    live, base = (side.text_hash[side.text_hash != 0] for side in (window, reference))
    size = min(len(live), len(base))
    live, base = live[spaced(len(live), size)], base[spaced(len(base), size)]
    if size == 0:
        return
    sentence = "{now} of the texts are copies of others, baseline {then}."
    yield _share("copies", _repeated(live), _repeated(base), sentence, 0.15)
    (texts, counts), (_, base_counts) = (np.unique(side, return_counts=True) for side in (live, base))
    most = np.arange(size) < counts.max()
    base_most = np.arange(size) < base_counts.max()
    sentence = "One and the same text makes up {now} of the traffic; the commonest one of the baseline {then}."
    yield _share("flood", most, base_most, sentence, 0.1, gross=0.2, ways=len(texts))


def _repeated(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(n,): all but the first of each text."""
    again = np.ones(len(hashes), np.bool_)
    again[np.unique(hashes, return_index=True)[1]] = False
    return again


def _same_scores(window: Window, reference: Window) -> Fault:
    """Rows with the commonest scores: a model or an upstream that is stuck."""
    now, then = (np.arange(len(side)) < _commonest(side.scores) for side in (window, reference))
    sentence = "{now} of the answers have the very same scores; at most {then} of the baseline's."
    return _share("stuck", now, then, sentence, 0.3, gross=0.5, ways=len(window))


def _commonest(scores: NDArray[np.float64]) -> int:
    finite = scores[np.isfinite(scores).all(axis=1)]
    if len(finite) == 0:
        return 0
    return int(np.unique(finite, axis=0, return_counts=True)[1].max())


def _length(name: str, window: Window, reference: Window) -> Fault:
    live, base = _column(window, name), _column(reference, name)
    low, high = np.quantile(base, [0.005, 0.995]) if len(base) else (-np.inf, np.inf)
    now = number(float(np.median(live))) if len(live) else "0"
    then = number(float(np.median(base))) if len(base) else "0"
    strange, usual = (live < low) | (live > high), (base < low) | (base > high)
    short = bool(len(live)) and float(np.median(live)) < low
    like = ", as of another field" if short else ""
    sentence = f"{{now}} of the texts are of a length never seen{like}: median {now} {name}, baseline {then}."
    return _share(f"length in {name}", strange, usual, sentence, FIELD, gross=FIELD if short else NEVER)


CHECK = DataFaults()
