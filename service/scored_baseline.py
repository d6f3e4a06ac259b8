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
from monitors.baseline import Baseline, fit_baseline, whole_directory, write_baseline
from monitors.scored_file import ScoredRows
from service.made_elsewhere import ELSEWHERE, UNKNOWN
from service.offline import write_baseline_report


def make_scored_baseline(
    rows: ScoredRows,
    model: ModelInfo,
    output: Path,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Baseline:
    """Evaluate, fit the baseline, and write it with its report as directory `output`. Raises InputError."""
    with whole_directory(output) as unfinished:
        evaluation = evaluate(rows.truth, rows.scores, rows.labels, segments=rows.segments)
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
            texts=rows.texts,
            dataset={"name": rows.name, "sha256": rows.sha256, "rows": len(rows)},
            created=now().isoformat(timespec="seconds"),
            segments=rows.segments,
            evaluation=evaluation,
        )
        write_baseline(baseline, unfinished)
        features = ", ".join(model.features) or "none; only scores can be watched"
        write_baseline_report(evaluation, baseline, unfinished, {"Features": features})
    return baseline
