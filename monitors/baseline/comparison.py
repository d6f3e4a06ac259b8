"""Two baselines beside each other, and a baseline beside the model that is served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from model.errors import InputError
from model.prediction import Estimate, ModelInfo
from monitors.baseline.contract import Baseline

if TYPE_CHECKING:
    from model.evaluation.paired import BehaviorChange, Comparison, Pair  # scipy comes with it

_EXACT = "fp32"


def check_fits(baseline: Baseline, model: ModelInfo, engine: str, precision: str) -> None:
    """Raise InputError when the baseline was made with another model, or with an engine that says something else.

    Engines in fp32 are one another's equals: they differ by rounding (3e-6 in a score, no label of 800 rows), so a
    baseline made by one holds for all, and a machine without the faster one may serve. In every other precision the
    engine must be the same.
    """
    if baseline.model.version != model.version:
        raise InputError(
            f"The baseline belongs to model {_called(baseline.model)}, and this is model {_called(model)}; "
            "make a baseline of this one with `bertwatch baseline`."
        )
    if baseline.precision == precision == _EXACT:
        return
    if (baseline.engine, baseline.precision) != (engine, precision):
        raise InputError(
            f"The baseline was made with engine {baseline.engine} ({baseline.precision}), and this is engine {engine} "
            f"({precision}), whose scores differ; choose the same one with --engine, or make a baseline with this one."
        )


def _called(model: ModelInfo) -> str:
    return f"{model.name} ({model.version})" if model.name else model.version


def compare(old: Baseline, new: Baseline) -> Comparison:
    """Every figure that both have, new less old, with an interval of 95 %, and the rows that flipped.

    Rows are the same where text and true class are (`_shared` says what holds for rows without texts). Where at least
    half of each baseline's rows are shared, the two are compared on the shared rows, as pairs; otherwise as if they saw
    different rows, which is wider. Raises InputError when the classes differ.
    """
    from model.evaluation.paired import Comparison, flips, mcnemar, paired, unpaired

    if set(old.model.labels) != set(new.model.labels):
        raise InputError("The two baselines have different classes and cannot be compared.")
    first, second = _shared(old, new)
    pair = _pair(old, new, first, second) if 2 * len(first) >= max(len(old.reference), len(new.reference)) else None
    if pair is None:
        changes = unpaired(old.metrics, new.metrics)
    elif len(pair) == len(old.reference) == len(new.reference):
        changes = paired(pair, old.metrics, new.metrics)
    else:
        changes = paired(pair, *_evaluated(pair))
    return Comparison(
        old_id=old.id,
        old_model=old.model,
        rows=0 if pair is None else len(pair),
        old_rows=len(old.reference),
        new_rows=len(new.reference),
        changes=changes,
        behavior=_behavior(old, new),
        flips=() if pair is None else flips(pair),
        p_value=None if pair is None else mcnemar(pair.gained, pair.lost),
    )


def _shared(old: Baseline, new: Baseline) -> tuple[list[int], list[int]]:
    """Positions of the rows that both have: the same text and class, the nth repetition beside the nth.

    Where no text is known, as many rows with the same true classes in the same order are the same rows.
    """
    if not old.reference.text_hash.any() and not new.reference.text_hash.any():
        alike = [key[1] for key in _keys(old)] == [key[1] for key in _keys(new)]
        positions = list(range(len(new.reference))) if alike else []
        return positions, positions
    places: dict[tuple[int, str, int], int] = {}
    for position, key in enumerate(_keys(old)):
        places[key] = position
    pairs = [(places[key], position) for position, key in enumerate(_keys(new)) if key[0] and key in places]
    return [before for before, _ in pairs], [after for _, after in pairs]


def _keys(baseline: Baseline) -> list[tuple[int, str, int]]:
    seen: Counter[tuple[int, str]] = Counter()
    keys = []
    window, labels = baseline.reference, baseline.model.labels
    for text, truth in zip(window.text_hash.tolist(), window.truth.tolist(), strict=True):
        key = (text, labels[truth])
        keys.append((*key, seen[key]))
        seen[key] += 1
    return keys


def _pair(old: Baseline, new: Baseline, first: list[int], second: list[int]) -> Pair | None:
    if not first:
        return None
    from model.evaluation.paired import Pair

    labels = new.model.labels
    order = [old.model.labels.index(label) for label in labels]
    renamed = np.argsort(order)  # old class number → new class number
    before, after = old.reference.take(np.array(first)), new.reference.take(np.array(second))
    return Pair(
        labels=labels,
        truth=after.truth,
        old_predicted=renamed[before.predicted],
        new_predicted=after.predicted,
        old_scores=before.scores[:, order],
        new_scores=after.scores,
        rows=after.time,
    )


def _evaluated(pair: Pair) -> tuple[Mapping[str, Estimate], Mapping[str, Estimate]]:
    from model.evaluation import evaluate

    old = evaluate(pair.truth, pair.old_scores, pair.labels, predicted=pair.old_predicted)
    new = evaluate(pair.truth, pair.new_scores, pair.labels, predicted=pair.new_predicted)
    return old.metrics, new.metrics


def _behavior(old: Baseline, new: Baseline) -> tuple[BehaviorChange, ...]:
    if old.behavior is None or new.behavior is None:
        return ()
    from model.evaluation.paired import BehaviorChange, behavior_change

    before = {test.name: test for test in old.behavior.tests}
    changes = []
    for test in new.behavior.tests:
        earlier = before.get(test.name)
        if earlier is not None:
            same = earlier.digest == test.digest
            newly = tuple(sorted(set(test.failed) - set(earlier.failed))) if same else None
            changes.append(BehaviorChange(test.name, behavior_change(earlier, test), newly))
    return tuple(changes)
