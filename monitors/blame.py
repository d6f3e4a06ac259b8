"""Who or what carries a change: words, segments, examples. Knows windows, a baseline and texts that were handed to it.

What it says of words is a user's text in a way: it belongs in the stored verdict and on a page, never in a
notification, a log line or a metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.features import words as words_of
from monitors.baseline import Baseline
from monitors.checks._columns import Table, embedding, output_numbers, pair, spaced, text_numbers
from monitors.protocols import Evidence
from monitors.statistics.binomial import exact_interval
from monitors.statistics.correctness import fit_correctness
from monitors.statistics.holm import holm
from monitors.statistics.ks import ks_distance
from monitors.statistics.log_odds import log_odds_z
from monitors.window import Window

MOST_TEXTS = 2000
MOST_CHARACTERS = 10_000
"""Of each text: one of fifty thousand says no more of its words."""
FEWEST_TEXTS = 20
FEWEST_DOCUMENTS = 5
"""Texts that a word must stand in, baseline and window together: a word of one person's text alone is never named."""
MOST_WORDS = 10
ALPHA = 0.05
"""Chance that any word at all is named where none has changed."""
FEWEST_ROWS = 30
MOST_SEGMENTS = 5
LOOKED_AT = 200
"""Segments by size that are looked at; a segment for every caller would be no segment."""
MOST_EXAMPLES = 5


def rows_to_read(window: Window) -> list[UUID]:
    """Ids of at most 2,000 rows, spread evenly over the window, whose texts `blame` would like to have."""
    return [_id(row) for row in window.ids[spaced(len(window), MOST_TEXTS)]]


def blame(baseline: Baseline, evidence: Evidence, texts: Iterable[str]) -> Mapping[str, Any]:
    """`words`, `segments` and `examples` for the details of a verdict that is not ok. JSON-able and small.

    - `words`: `over` and `under`, each at most ten of `{word, z, window, baseline}`, the strongest first; the last two
      are shares of texts. None where no texts are stored, or the baseline has none.
    - `segments`: at most five of `{segment, rows, share, accuracy, low, high, labels, baseline_accuracy, effect,
      column}`, the worst first: those whose labels are below the baseline, then those that changed most. `effect` is
      the largest Kolmogorov-Smirnov distance of any number from the baseline's, `column` its name. Accuracy is over
      the accuracy window, None without labels; a segment that shows nothing beyond chance is not named.
    - `examples`: at most five ids of predictions: wrong and confident ones, and ones that carry the change.
    """
    return {
        "words": changed_words(baseline, texts),
        "segments": worst_segments(baseline, evidence),
        "examples": [str(each) for each in examples(baseline, evidence)],
    }


def changed_words(baseline: Baseline, texts: Iterable[str]) -> dict[str, list[dict[str, Any]]] | None:
    """Words over- and under-represented against the baseline, Holm-corrected over all words that were compared."""
    found: Counter[str] = Counter()
    documents = 0
    for text in texts:
        found.update(words_of(text[:MOST_CHARACTERS]))
        documents += 1
    if documents < FEWEST_TEXTS or baseline.documents < FEWEST_TEXTS:
        return None
    names = sorted(
        word for word in found.keys() | baseline.words if found[word] + baseline.words.get(word, 0) >= FEWEST_DOCUMENTS
    )
    counts = np.array([found[word] for word in names], np.int64)
    before = np.array([baseline.words.get(word, 0) for word in names], np.int64)
    z = log_odds_z(counts, documents, before, baseline.documents)
    named = holm(2 * stats.norm.sf(np.abs(z))) <= ALPHA if len(z) else np.zeros(0, np.bool_)

    def those(chosen: NDArray[np.intp]) -> list[dict[str, Any]]:
        return [
            {
                "word": names[at],
                "z": round(float(z[at]), 2),
                "window": float(counts[at] / documents),
                "baseline": float(before[at] / baseline.documents),
            }
            for at in chosen.tolist()
            if named[at]
        ][:MOST_WORDS]

    order = np.argsort(-np.abs(z), kind="stable")
    return {"over": those(order[z[order] > 0]), "under": those(order[z[order] < 0])}


def worst_segments(baseline: Baseline, evidence: Evidence) -> list[dict[str, Any]]:
    window, labelled = evidence.window, evidence.labelled.take(evidence.labelled.known)
    sizes = Counter(segment for segment in window.segment.tolist() if segment is not None)
    told: list[tuple[tuple[float, float], dict[str, Any]]] = []
    for segment, rows in sizes.most_common(LOOKED_AT):
        if rows < FEWEST_ROWS:
            break
        mine = labelled.take(np.asarray(labelled.segment == segment, np.bool_))
        figure = exact_interval(int(mine.correct.sum()), len(mine))
        known = baseline.segments.get(segment, {}).get("accuracy", baseline.accuracy).value
        effect, sure, column = _effect(baseline.reference, window, segment)
        loss = known - figure.value if figure.count and figure.high < known else 0.0
        if not loss and sure <= 0:
            continue
        entry = {
            "segment": segment,
            "rows": rows,
            "share": rows / len(window),
            "accuracy": figure.value if figure.count else None,
            "low": figure.low if figure.count else None,
            "high": figure.high if figure.count else None,
            "labels": figure.count,
            "baseline_accuracy": known,
            "effect": effect,
            "column": column,
        }
        told.append(((loss, sure), entry))
    told.sort(key=lambda each: each[0], reverse=True)
    return [entry for _, entry in told[:MOST_SEGMENTS]]


def _effect(reference: Window, window: Window, segment: str) -> tuple[float, float, str | None]:
    """The largest distance of a segment's numbers, what chance leaves of it, and the number's name.

    Against the baseline's rows of the same segment where there are enough, else against all of them. Chance is
    2 exp(−2c²), the two-sample bound of Wei and Dudley 2012, split over all columns and segments.
    """
    same = np.asarray(reference.segment == segment, np.bool_)
    base = reference.take(same) if same.sum() >= FEWEST_ROWS else reference
    live = window.take(np.asarray(window.segment == segment, np.bool_))
    sides = pair(base, live, _numbers)
    if not sides.names or not len(sides.base) or not len(sides.window):
        return 0.0, 0.0, None
    distances = [ks_distance(sides.window[:, at], sides.base[:, at]) for at in range(len(sides.names))]
    top = int(np.argmax(distances))
    bound = np.sqrt(np.log(2 * len(distances) * LOOKED_AT / ALPHA) / 2)
    by_chance = bound * np.sqrt(1 / len(sides.base) + 1 / len(sides.window))
    return distances[top], distances[top] - float(by_chance), sides.names[top]


def examples(baseline: Baseline, evidence: Evidence) -> list[UUID]:
    """Where labels say that accuracy is below the baseline, three wrong and confident ones; otherwise one; then those
    that carry the change. No two with the same text."""
    labelled = evidence.labelled.take(evidence.labelled.known)
    wrong = labelled.take(~labelled.correct)
    confidence = wrong.scores[np.arange(len(wrong)), wrong.predicted]
    wrong = wrong.take(np.argsort(-np.nan_to_num(confidence), kind="stable"))
    below = exact_interval(len(labelled) - len(wrong), len(labelled)).high < baseline.accuracy.value
    carriers = evidence.window.take(_carriers(baseline.reference, evidence.window))
    first = _different(wrong)
    chosen = [*first[: 3 if below else 1], *_different(carriers), *first]
    return list(dict.fromkeys(chosen))[:MOST_EXAMPLES]


def _carriers(reference: Window, window: Window) -> NDArray[np.intp]:
    """Rows of the window, those first that are most surely the window's and not the baseline's.

    By a regression that tells the two apart (a classifier two-sample test, Lopez-Paz and Oquab 2017, read row by row).
    """
    sides = pair(reference, window, _everything)
    if not sides.names or len(sides.base) < FEWEST_ROWS or len(sides.window) < FEWEST_ROWS:
        return np.zeros(0, np.intp)
    is_live = np.repeat([False, True], [len(sides.base), len(sides.window)])
    tell = fit_correctness(np.concatenate([sides.base, sides.window]), is_live)
    return sides.window_rows[np.argsort(-tell(sides.window), kind="stable")]


def _different(rows: Window) -> list[UUID]:
    """The first five rows whose texts differ; 0 is a text that left no trace."""
    seen: set[int] = set()
    chosen: list[UUID] = []
    for row, text in zip(rows.ids, rows.text_hash.tolist(), strict=True):
        if text and text in seen:
            continue
        seen.add(text)
        chosen.append(_id(row))
        if len(chosen) == MOST_EXAMPLES:
            break
    return chosen


def _numbers(window: Window) -> Table:
    return _beside(text_numbers(window), output_numbers(window))


def _everything(window: Window) -> Table:
    return _beside(text_numbers(window), output_numbers(window), embedding(window))


def _beside(*tables: Table) -> Table:
    names: Sequence[str] = [name for table in tables for name in table.names]
    return Table(tuple(names), np.column_stack([table.values for table in tables]))


def _id(row: NDArray[np.uint8]) -> UUID:
    return UUID(bytes=row.tobytes())
