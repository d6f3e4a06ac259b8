"""Fits a baseline to rows that the model has never seen. Knows nothing of files, or of how the rows were classified."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.features import words as words_of
from model.prediction import CutOff, ModelInfo, Predictions, text_fingerprint
from monitors.baseline.contract import Baseline, identity
from monitors.window import Window
from monitors.window_file import numbered_ids

if TYPE_CHECKING:
    from model.evaluation import Evaluation
    from model.evaluation.behavior import BehaviorReport


@dataclass(frozen=True, slots=True, eq=False)
class Strained:
    """What the model said of copies of some rows that were made harder to read."""

    predictions: Predictions
    """With the classes that are answered."""
    of: NDArray[np.intp]
    """Which of the rows each is a copy of, from 0."""


_MOST_WORDS = 200_000
"""Words whose documents are counted at a time; a million rows of news have about as many in two texts."""


def fit_baseline(
    *,
    model: ModelInfo,
    engine: str,
    precision: str,
    predictions: Predictions,
    truth: NDArray[np.int64],
    texts: Iterable[str] | None,
    dataset: Mapping[str, object],
    created: str,
    rows: NDArray[np.int64] | None = None,
    segments: Sequence[str | None] | None = None,
    hashes: Mapping[str, str] | None = None,
    evaluation: Evaluation | None = None,
    cut_off: CutOff | None = None,
    behavior: BehaviorReport | None = None,
    agreement: float | None = None,
    strained: Strained | None = None,
) -> Baseline:
    """What normal looks like, from n predictions, their true classes (n,) and their texts, which are read once.

    `texts` None is a classifier of something else: no row has a fingerprint or a word then.

    `rows` are their numbers in the dataset (1 to n without it), by which a person finds them again; `evaluation` is
    what `evaluate` says of these rows, where it is at hand already. `cut_off` is how the predicted classes came about.
    Raises InputError.
    """
    from model.evaluation import evaluate  # scipy, which a program that only loads a baseline does without
    from model.evaluation.cutoff import Costs, cut_off_table

    if evaluation is None:
        said = None if cut_off is None else cut_off.classes(predictions.scores)
        evaluation = evaluate(truth, predictions.scores, model.labels, predicted=said, segments=segments)
    costs = None if cut_off is None else Costs(cut_off.cost_false_positive, cut_off.cost_false_negative)
    fingerprints, documents = _read((), len(truth)) if texts is None else _read(texts, 0)
    if not len(fingerprints) == len(predictions) == len(truth):
        raise ValueError(f"{len(fingerprints)} texts, {len(predictions)} predictions, {len(truth)} true classes")
    numbers = np.arange(1, len(truth) + 1) if rows is None else np.asarray(rows, np.int64)
    baseline = Baseline(
        id="",
        model=model,
        engine=engine,
        precision=precision,
        created=created,
        dataset=dict(dataset),
        metrics=evaluation.metrics,
        temperature=evaluation.temperature.value,
        confusion=evaluation.confusion,
        reference=_reference(
            model, evaluation, predictions, numbers=numbers, fingerprints=fingerprints, segments=segments
        ),
        words={word: count for word, count in sorted(documents.items()) if count >= 2},
        documents=0 if texts is None else len(fingerprints),
        undefined=evaluation.undefined,
        hashes=dict(hashes or {}),
        cut_off=cut_off,
        cut_off_table=cut_off_table(evaluation.truth, evaluation.scores, model.labels, costs),
        segments=evaluation.segment_figures,
        behavior=behavior,
        agreement=agreement,
        strained=None if strained is None else _strained(model, strained, truth, numbers),
    )
    return replace(baseline, id=identity(baseline))


def _reference(
    model: ModelInfo,
    evaluation: Evaluation,
    predictions: Predictions,
    *,
    numbers: NDArray[np.int64],
    fingerprints: NDArray[np.uint64],
    segments: Sequence[str | None] | None,
) -> Window:
    """The rows as live ones are read."""
    window = _window(
        model,
        predictions,
        predicted=evaluation.predicted,
        truth=evaluation.truth,
        numbers=numbers,
        fingerprints=fingerprints,
    )
    segment = np.full(len(numbers), None, object)
    segment[:] = None if segments is None else list(segments)
    return replace(window, segment=segment)


def _strained(model: ModelInfo, strained: Strained, truth: NDArray[np.int64], numbers: NDArray[np.int64]) -> Window:
    said, of = strained.predictions, strained.of
    nothing = np.zeros(len(of), np.uint64)  # a copy may be one word, which its fingerprint would give away
    return _window(model, said, predicted=said.labels, truth=truth[of], numbers=numbers[of], fingerprints=nothing)


def _window(
    model: ModelInfo,
    predictions: Predictions,
    *,
    predicted: NDArray[np.int64],
    truth: NDArray[np.int64],
    numbers: NDArray[np.int64],
    fingerprints: NDArray[np.uint64],
) -> Window:
    """Row numbers stand for ids and times."""
    return Window(
        model=model,
        start=int(numbers.min()),
        end=int(numbers.max()) + 1,
        ids=numbered_ids(numbers),
        time=numbers,
        predicted=predicted,
        scores=predictions.scores.astype(np.float64),
        features=predictions.features.astype(np.float64),
        projection=predictions.projections.astype(np.float64),
        text_hash=fingerprints,
        truncated=predictions.truncated,
        segment=np.full(len(numbers), None, object),
        truth=truth,
        label_time=numbers,
        asked=np.full(len(numbers), np.nan),
    )


def _read(texts: Iterable[str], without: int) -> tuple[NDArray[np.uint64], Counter[str]]:
    """Fingerprints of the texts, after as many zeros as there are rows `without` one, and their document counts."""
    fingerprints, documents = array("Q", [0] * without), Counter[str]()
    for text in texts:
        fingerprints.append(text_fingerprint(text))
        documents.update(words_of(text))
        if len(documents) > _MOST_WORDS:
            documents = _frequent(documents, _MOST_WORDS // 2)
    return np.array(fingerprints, np.uint64), documents


def _frequent(documents: Counter[str], most: int) -> Counter[str]:
    """At most `most` words: those of the smallest counts are let go, all of one count together.

    Lossy counting (Manku & Motwani 2002): a word that comes again is counted from one, so that rare words stand a
    little low, and memory does not grow with the texts.
    """
    at_least = 1
    while len(documents) > most:
        at_least += 1
        documents = Counter({word: count for word, count in documents.items() if count >= at_least})
    return documents


def refuse_training_rows(text_hashes: NDArray[np.uint64], training: NDArray[np.uint64] | None) -> None:
    """Raise InputError when a row is one that the model was trained on; `training` None is not known."""
    if training is None or not len(training):
        return
    seen = int(np.isin(text_hashes, training).sum())
    if seen:
        are = "is one" if seen == 1 else "are ones"
        raise InputError(
            f"{seen} of the {len(text_hashes)} rows {are} that the model was trained on, so the baseline would be "
            "too good; take rows that it has never seen, for example with --rows."
        )
