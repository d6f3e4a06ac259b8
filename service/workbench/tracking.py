"""A baseline that is written already, logged to MLflow: whatever becomes of this, it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import InputError, SurroundingsError
from service.terminal import progress_bar, say

if TYPE_CHECKING:
    from model.tracking import Tracking
    from monitors.baseline import Baseline


def check_tracking(tracking: Tracking | None) -> None:
    if tracking is not None:
        from model.tracking import check_installed

        check_installed()


def track(tracking: Tracking | None, made: Baseline, directory: Path, output: str, *, quiet: bool) -> str | None:
    """Log a baseline that is written already: whatever becomes of this, it is kept. The id of the run."""
    if tracking is None:
        return None
    from model.tracking import Run, log_run

    model = made.model
    parameters = {
        "model": model.name, "model_version": model.version, "classes": ", ".join(model.labels),
        "features": ", ".join(model.features), "engine": f"{made.engine} {made.precision}",
        "baseline": made.id, "output": output,
    }  # fmt: skip
    run = Run(f"{model.name} {made.id}", parameters, made.metrics, made.dataset, directory)
    try:
        with progress_bar("Logging to MLflow", None, quiet=quiet):
            run_id = log_run(tracking, run)
    except (InputError, SurroundingsError) as error:
        raise type(error)(f"{error} The baseline {output} is kept.") from None
    say(f"MLflow: run {run_id}", quiet)
    return run_id
