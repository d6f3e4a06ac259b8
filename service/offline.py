"""From a classifier and labelled rows to a baseline directory with its report, whole or not at all.

Knows nothing of how the model was opened, of datasets' forms, or of the running service.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.artifact import Artifact
from model.classifier import Classifier
from model.datasets import LabelledTexts, fingerprints
from model.errors import InputError
from model.evaluation import Evaluation, evaluate
from model.report import Subject, write_report
from monitors.baseline import Baseline, fit_baseline, refuse_training_rows, whole_directory, write_baseline

_SHOWN_OF_A_HASH = 16


def make_baseline(
    classifier: Classifier,
    artifact: Artifact,
    dataset: LabelledTexts,
    output: Path,
    progress: Callable[[int], None] | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Baseline:
    """Classify every row, evaluate, fit the baseline, and write it with its report as directory `output`.

    `progress` is told how many rows are newly done. Raises InputError in one sentence: `output` exists, no row, a label
    that the model does not have, rows that it was trained on; nothing is left behind then.
    """
    truth = true_classes(dataset, classifier.info.labels)
    with whole_directory(output) as unfinished:
        hashes = fingerprints(dataset.texts)
        refuse_training_rows(hashes, artifact.training)
        # one thread a core: an engine computes on the core of the thread that calls it
        predictions = classifier.classify_many(dataset.texts, progress=progress, threads=os.cpu_count() or 1)
        evaluation = evaluate(truth, predictions.scores, classifier.info.labels, segments=dataset.segments)
        baseline = fit_baseline(
            model=classifier.info,
            engine=classifier.engine,
            precision=classifier.precision,
            predictions=predictions,
            truth=truth,
            texts=dataset.texts,
            dataset={"name": dataset.name, "sha256": dataset.sha256, "rows": len(dataset)},
            created=now().isoformat(timespec="seconds"),
            rows=dataset.rows,
            segments=dataset.segments,
            hashes={
                "weights": artifact.hashes.weights,
                "tokenizer": artifact.hashes.tokenizer,
                "labels": artifact.hashes.labels,
            },
            evaluation=evaluation,
        )
        write_baseline(baseline, unfinished)
        training = "not known to the model" if artifact.training is None else "none among them"
        repeated = len(hashes) - len(np.unique(hashes))
        more = {"Training rows": training} | ({"Repeated rows": str(repeated)} if repeated else {})
        write_baseline_report(evaluation, baseline, unfinished, more)
    return baseline


def true_classes(dataset: LabelledTexts, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """(n,): index of each row's label. Raises InputError for no row and for labels that the model does not have."""
    if not len(dataset):
        raise InputError(f"{dataset.name} has no row; a baseline needs labelled rows, and 800 make a good one.")
    index = {label: i for i, label in enumerate(labels)}
    truth = np.array([index.get(label, -1) for label in dataset.labels], np.int64)
    unknown = int((truth < 0).sum())
    if unknown:
        raise InputError(
            f"{unknown} of the {len(dataset)} rows of {dataset.name} have a label that the model does not have; "
            f"its labels are {', '.join(labels)} (--labels renames them, in this order)."
        )
    return truth


def write_baseline_report(
    evaluation: Evaluation, baseline: Baseline, directory: Path, more: Mapping[str, str] | None = None
) -> None:
    """`report.html` and `plots/*.png` into a directory that exists. `more` stands beside the baseline's own facts."""
    window, features = baseline.reference, baseline.model.features
    rows = f"{window.start} to {window.end - 1}" if window.end - window.start == len(window) else f"{len(window)}"
    facts = {
        "Model version": f"{baseline.model.version}, {baseline.engine} {baseline.precision}",
        "Dataset": f"{baseline.dataset['name']}, rows {rows}",
        "SHA-256 of the data": str(baseline.dataset["sha256"])[:_SHOWN_OF_A_HASH],
        "Baseline": baseline.id,
        "Made": f"{datetime.fromisoformat(baseline.created):%Y-%m-%d %H:%M} UTC",
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
    write_report(evaluation, subject, directory)
