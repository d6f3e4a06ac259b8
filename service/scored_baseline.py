"""From labelled scores of any classifier to a baseline directory with its report, whole or not at all.

Knows nothing of files of scores, or of where the classifier runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from model.evaluation import evaluate
from model.prediction import PROJECTION_SIZE, ModelInfo, Predictions
from monitors.baseline import fit_baseline, whole_directory, write_baseline
from monitors.scored_file import ScoredRows
from service.made_elsewhere import ELSEWHERE, UNKNOWN
from service.offline import Made, refuse_repeated_rows, repeated_rows, write_baseline_report
from service.release import Questions

STEPS = 3
"""Figures, baseline, report."""


def make_scored_baseline(
    rows: ScoredRows,
    model: ModelInfo,
    output: Path,
    progress: Callable[[int], None] = lambda steps: None,
    *,
    asked: Questions | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Made:
    """Evaluate, fit the baseline, and write it with its report as directory `output`. Raises InputError.

    A gate that says no raises nothing here: the baseline is made. `progress` is told of each of `STEPS` steps.
    """
    asked = asked or Questions()
    asked.refuse(rows.labels)
    with whole_directory(output) as unfinished:
        repeated = 0 if rows.hashes is None else refuse_repeated_rows(rows.hashes, rows.name)
        cut_off = asked.cut_off.chosen(rows.truth, rows.scores, rows.labels)
        said = None if cut_off is None else cut_off.classes(rows.scores)
        evaluation = evaluate(rows.truth, rows.scores, rows.labels, predicted=said, segments=rows.segments)
        progress(1)
        baseline = fit_baseline(
            model=model,
            engine=ELSEWHERE,
            precision=UNKNOWN,
            predictions=Predictions(
                labels=evaluation.predicted,
                scores=rows.scores.astype(np.float32),  # as the log keeps the live ones
                features=rows.numbers,
                projections=np.full((len(rows), PROJECTION_SIZE), np.nan, np.float32),
                truncated=np.zeros(len(rows), np.bool_),
            ),
            truth=rows.truth,
            texts=None if rows.texts is None else rows.texts(),
            dataset={"name": rows.name, "sha256": rows.sha256, "rows": len(rows)},
            created=now().isoformat(timespec="seconds"),
            segments=rows.segments,
            evaluation=evaluation,
            cut_off=cut_off,
        )
        answers = asked.answered(baseline)
        write_baseline(baseline, unfinished)
        progress(1)
        more = {"Features": ", ".join(model.features) or "none; only scores can be watched"}
        remarks = repeated_rows(rows.hashes, rows.truth) if rows.hashes is not None and repeated else ()
        write_baseline_report(evaluation, baseline, unfinished, more, answers=answers, remarks=remarks)
        progress(1)
    return Made(baseline, answers)
