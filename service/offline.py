"""From a classifier and labelled rows to a baseline directory with its report, whole or not at all.

Knows nothing of how the model was opened, of datasets' forms, or of the running service.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.artifact import Artifact
from model.behavior import run_pack
from model.classifier import Classifier
from model.dataset_stream import TextStream
from model.errors import InputError
from model.evaluation import Evaluation, evaluate
from model.evaluation.behavior import BehaviorReport
from model.prediction import CutOff, Predictions
from model.report import Beside, Remark, Subject, write_report
from model.strain import strained
from monitors.baseline import Baseline, Strained, fit_baseline, refuse_training_rows, whole_directory, write_baseline
from service.agreement import refuse_disagreement
from service.release import Answers, Questions

_SHOWN_OF_A_HASH = 16
_MOST_REPEATED = 0.5
"""Share of rows that repeat an earlier one from which a dataset is refused."""
_MOST_STRAINED = 1000
"""Rows whose text the model reads under strain as well: more hardly help the estimate without labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A baseline, and what came of the questions of its release."""

    baseline: Baseline
    answers: Answers


def make_baseline(
    classifier: Classifier,
    artifact: Artifact,
    dataset: TextStream,
    output: Path,
    progress: Callable[[int], None] | None = None,
    *,
    asked: Questions | None = None,
    exact: Classifier | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Made:
    """Classify every row, evaluate, fit the baseline, and write it with its report as directory `output`.

    `exact` is the same model with an exact engine, where the classifier's own is not: a share of rows that the two
    answer alike is kept in the baseline, and GateFailed raised where it is below 99 %.

    `progress` is told how many texts are newly done: the rows, those of the behavior tests, and `strained_rows` that
    are made harder to read, from which accuracy without labels is learnt. Raises InputError in
    one sentence: `output` exists, what `true_classes` and `Questions.refuse` refuse, rows that the model was trained
    on, rows of which more than half repeat earlier ones (fewer are a remark); nothing is left behind then. A gate that
    says no raises nothing here: the baseline is made.
    """
    asked = asked or Questions()
    labels = classifier.info.labels
    truth = true_classes(dataset, labels, allow_missing=asked.allow_missing_classes)
    asked.refuse(labels)
    with whole_directory(output) as unfinished:
        refuse_training_rows(dataset.hashes, artifact.training)
        repeated = refuse_repeated_rows(dataset.hashes, dataset.name)
        predictions, *exactly = _classified((classifier,) if exact is None else (classifier, exact), dataset, progress)
        cut_off = asked.cut_off.chosen(truth, predictions.scores.astype(np.float64), labels)
        said = _said(predictions, cut_off)
        evaluation = evaluate(truth, predictions.scores, labels, predicted=said, segments=dataset.segments)
        agreement = None
        if exactly:
            agreement = refuse_disagreement(evaluation.predicted, _said(exactly[0], cut_off), classifier.engine)
        baseline = fit_baseline(
            model=classifier.info,
            engine=classifier.engine,
            precision=classifier.precision,
            predictions=predictions,
            truth=truth,
            texts=dataset.texts(),
            dataset={"name": dataset.name, "sha256": dataset.sha256, "rows": len(dataset)},
            created=now().isoformat(timespec="seconds"),
            rows=dataset.rows,
            segments=dataset.segments,
            hashes=asdict(artifact.hashes),
            evaluation=evaluation,
            cut_off=cut_off,
            behavior=_behavior(asked, classifier, cut_off, progress),
            agreement=agreement,
            strained=_under_strain(classifier, dataset, cut_off, progress),
        )
        answers = asked.answered(baseline)
        write_baseline(baseline, unfinished)
        training = "not known to the model" if artifact.training is None else "none among them"
        more = {"Training rows": training} | ({"Repeated rows": str(repeated)} if repeated else {})
        remarks = repeated_rows(dataset.hashes, truth) if repeated else ()
        write_baseline_report(evaluation, baseline, unfinished, more, answers=answers, remarks=remarks)
    return Made(baseline, answers)


def _classified(
    classifiers: Sequence[Classifier], dataset: TextStream, progress: Callable[[int], None] | None
) -> list[Predictions]:
    """What each classifier says of all rows; the texts are read once, part by part."""
    found: list[list[Predictions]] = [[] for _ in classifiers]
    for texts in dataset.parts():
        for by, parts in zip(classifiers, found, strict=True):
            parts.append(by.classify_many(texts, progress=progress, threads=_threads()))
    return [Predictions.joined(parts) for parts in found]


def _threads() -> int:
    """One a core: an engine computes on the core of the thread that calls it."""
    return os.cpu_count() or 1


def _said(predictions: Predictions, cut_off: CutOff | None) -> NDArray[np.int64]:
    """The answers that will be served, (n,)."""
    return predictions.labels if cut_off is None else cut_off.classes(predictions.scores)


def _behavior(
    asked: Questions, classifier: Classifier, cut_off: CutOff | None, progress: Callable[[int], None] | None
) -> BehaviorReport | None:
    def answered(texts: Sequence[str]) -> Predictions:
        found = classifier.classify_many(texts, progress=progress, threads=_threads())
        return found if cut_off is None else cut_off.applied(found)

    return None if asked.behavior is None else run_pack(asked.behavior, classifier.info.labels, answered)


def strained_rows(rows: int) -> NDArray[np.intp]:
    """Which of so many rows are read under strain as well: all of a few, of more some that are evenly spaced."""
    return np.linspace(0, rows - 1, min(rows, _MOST_STRAINED)).round().astype(np.intp)


def _under_strain(
    classifier: Classifier, dataset: TextStream, cut_off: CutOff | None, progress: Callable[[int], None] | None
) -> Strained:
    of = strained_rows(len(dataset))
    chosen = np.zeros(len(dataset), np.bool_)
    chosen[of] = True
    texts = strained(list(compress(dataset.texts(), chosen)))
    found = classifier.classify_many(texts, progress=progress, threads=_threads())
    return Strained(found if cut_off is None else cut_off.applied(found), of)


def true_classes(dataset: TextStream, labels: tuple[str, ...], *, allow_missing: bool = False) -> NDArray[np.int64]:
    """(n,): index of each row's label. Raises InputError for no row, for labels that the model does not have, for rows
    of one class only, and for a class of the model without a row unless that is allowed.
    """
    if not len(dataset):
        raise InputError(f"{dataset.name} has no row; a baseline needs labelled rows, and 800 make a good one.")
    index = {label: i for i, label in enumerate(labels)}
    truth = np.array([index.get(label, -1) for label in dataset.labels], np.int64)
    unknown = int((truth < 0).sum())
    if unknown:
        have = "has" if unknown == 1 else "have"
        raise InputError(
            f"{unknown} of the {len(dataset)} rows of {dataset.name} {have} a label that the model does not have; "
            f"its labels are {', '.join(labels)} (--labels renames them, in this order)."
        )
    counts = np.bincount(truth, minlength=len(labels))
    if (counts > 0).sum() == 1:
        raise InputError(
            f"Every row of {dataset.name} is of the class {labels[int(counts.argmax())]}, which says nothing about "
            "telling classes apart; take rows of at least two classes (is the file sorted, and --rows a part of it?)."
        )
    missing = [label for label, count in zip(labels, counts, strict=True) if not count]
    if missing and not allow_missing:
        shown = ", ".join(missing[:10]) + (" and others" if len(missing) > 10 else "")
        raise InputError(
            f"{dataset.name} has no row of {shown}, so nothing would be known of how right the model is there; "
            "add such rows, or give --allow-missing-classes."
        )
    return truth


def refuse_repeated_rows(hashes: NDArray[np.uint64], name: str) -> int:
    """How many rows repeat an earlier text; InputError where they are more than half of all."""
    repeated = len(hashes) - len(np.unique(hashes))
    if repeated > _MOST_REPEATED * len(hashes):
        raise InputError(
            f"{repeated} of the {len(hashes)} rows of {name} repeat an earlier row, so the intervals would be far too "
            "narrow; remove the repetitions."
        )
    return repeated


def repeated_rows(hashes: NDArray[np.uint64], truth: NDArray[np.int64]) -> tuple[Remark, ...]:
    """What a reader should know of rows that repeat earlier ones."""
    _, place = np.unique(hashes, return_inverse=True)
    pairs = np.unique(np.column_stack([place, truth]), axis=0)
    contradicting = int((np.bincount(pairs[:, 0]) > 1).sum())
    repeated = len(hashes) - int(place.max() + 1)
    body = (
        f"{repeated} of {len(hashes)} rows repeat the text of an earlier one, so the intervals are a little too narrow."
    )
    if contradicting:
        body += f" {contradicting} of these texts stand there with different labels: one of the labels is wrong."
    return (Remark("warning" if contradicting or repeated > 0.05 * len(hashes) else "plain", "Repeated rows", body),)


def write_baseline_report(
    evaluation: Evaluation,
    baseline: Baseline,
    directory: Path,
    more: Mapping[str, str] | None = None,
    *,
    answers: Answers | None = None,
    remarks: tuple[Remark, ...] = (),
) -> None:
    """`report.html` and `plots/*.png` into a directory that exists. `more` stands beside the baseline's own facts."""
    answers = answers or Answers()
    window, features, cut = baseline.reference, baseline.model.features, baseline.cut_off
    rows = f"{window.start} to {window.end - 1}" if window.end - window.start == len(window) else f"{len(window)}"
    facts = {
        "Model version": f"{baseline.model.version}, {baseline.engine} {baseline.precision}",
        "Dataset": f"{baseline.dataset['name']}, rows {rows}",
        "SHA-256 of the data": str(baseline.dataset["sha256"])[:_SHOWN_OF_A_HASH],
        "Baseline": baseline.id,
        "Made": f"{datetime.fromisoformat(baseline.created):%Y-%m-%d %H:%M} UTC",
        **({} if cut is None else {"Cut-off": f"“{baseline.model.labels[cut.positive]}” from {cut.value:g} on"}),
        **(more or {}),
    }
    subject = Subject(
        title=baseline.model.name or baseline.model.version,
        facts=facts,
        rows=window.time,
        length=window.features[:, features.index("tokens")] if "tokens" in features else None,
        length_unit="tokens",
        truncated=float(window.truncated.mean()),
    )
    beside = Beside(
        cut_off=baseline.cut_off,
        behavior=baseline.behavior,
        gates=answers.gates,
        comparison=answers.comparison,
        remarks=remarks,
    )
    write_report(evaluation, subject, directory, beside)
