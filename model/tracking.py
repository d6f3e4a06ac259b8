"""A baseline as a run in MLflow: parameters, metrics, the dataset's hash, and the directory as artifacts.

MLflow is imported when it is asked for (extra `mlflow`). Knows nothing of what a baseline is but names and numbers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from model.errors import BertwatchError, InputError, SurroundingsError
from model.prediction import Estimate

ARTIFACTS = "baseline"
"""Folder of the run that holds the directory."""
_MOST_METRICS = 900
"""In one call; MLflow takes 1000."""
_LONGEST = 500
"""Characters of a parameter's value; older servers take no more."""
_DIGEST = 36
"""Characters that MLflow keeps of a dataset's digest."""
_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""So that MLflow's page opens on metrics, not on conversations."""
_SETTINGS = {
    # by default MLflow tries for minutes, and phones home
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # where --json stands alone
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where a run goes."""

    uri: str
    """Any tracking URI that MLflow takes."""
    experiment: str
    """By name; made where there is none."""
    run_id: str | None = None
    """A run that is there already; it is added to and left as it is."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is logged. Names and numbers, no text of a row."""

    name: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, Estimate]
    dataset: Mapping[str, object]
    """`name`, `sha256`, `rows`."""
    directory: Path


def check_installed() -> None:
    """Raise SurroundingsError where MLflow is not installed: before hours of work, not after them."""
    if find_spec("mlflow") is None:
        raise SurroundingsError("--mlflow-uri needs the extra mlflow: pip install 'bertwatch[mlflow]'.")


def log_run(tracking: Tracking, run: Run) -> str:
    """Log it, and give the run's id. Raises SurroundingsError or InputError, also for a dead server within a minute."""
    check_installed()
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with _spoken(tracking):
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=tracking.uri)
        run_id = _opened(client, tracking, run)
        try:
            _fill(client, run_id, run)
        except Exception:
            if tracking.run_id is None:
                client.set_terminated(run_id, "FAILED")
            raise
        if tracking.run_id is None:
            client.set_terminated(run_id)
        return run_id


def _opened(client: Any, tracking: Tracking, run: Run) -> str:
    """The id of the run that was named, or of a new one in the experiment."""
    if tracking.run_id is not None:
        return str(client.get_run(tracking.run_id).info.run_id)
    experiment = client.get_experiment_by_name(tracking.experiment)
    if experiment is None:
        experiment_id = client.create_experiment(tracking.experiment, tags=_KIND)
    elif experiment.lifecycle_stage != "active":
        raise InputError(
            f"The experiment {tracking.experiment!r} was deleted in MLflow; restore it or name another one."
        )
    else:
        experiment_id = experiment.experiment_id
    return str(client.create_run(experiment_id, run_name=run.name).info.run_id)


def _fill(client: Any, run_id: str, run: Run) -> None:
    import time

    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    digest = str(run.dataset["sha256"])
    facts = {**run.parameters, **{f"dataset_{name}": str(value) for name, value in run.dataset.items()}}
    parameters = [Param(name, value[:_LONGEST]) for name, value in facts.items()]
    now = int(time.time() * 1000)
    metrics = [Metric(name, value, now, 0) for name, value in metric_values(run.metrics)]
    client.log_batch(run_id, params=parameters, tags=[RunTag("bertwatch.dataset_sha256", digest)])
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MOST_METRICS])
    dataset = Dataset(
        name=str(run.dataset["name"]), digest=digest[:_DIGEST], source_type="local", source=str(run.dataset["name"])
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])])
    client.log_artifacts(run_id, str(run.directory), ARTIFACTS)


def metric_values(metrics: Mapping[str, Estimate]) -> Sequence[tuple[str, float]]:
    """Every figure under a name that MLflow takes, `recall.World`, and its interval with `_low` and `_high` behind."""
    named: dict[str, float] = {}
    for name, estimate in metrics.items():
        plain = re.sub(r"[^\w. -]", "_", name.replace("[", ".").removesuffix("]"), flags=re.ASCII)
        while plain in named:
            plain += "_"
        named |= {plain: estimate.value, f"{plain}_low": estimate.low, f"{plain}_high": estimate.high}
    return list(named.items())


@contextmanager
def _spoken(tracking: Tracking) -> Iterator[None]:
    """One sentence for whatever MLflow and the stores behind it raise; their messages run over pages."""
    try:
        yield
    except BertwatchError:
        raise
    except Exception as error:  # noqa: BLE001 - requests, boto, sqlalchemy and MLflow's own
        code = getattr(error, "error_code", "INTERNAL_ERROR")
        place, says = _without_secret(tracking.uri), _without_secret(_first_sentence(error))
        if code == "RESOURCE_DOES_NOT_EXIST" and tracking.run_id is not None:
            raise InputError(
                f"MLflow at {place} has no run {tracking.run_id}; leave --run-id out for a new one."
            ) from None
        if code != "INTERNAL_ERROR":
            raise SurroundingsError(f"MLflow at {place} did not take the run: {says}.") from None
        raise SurroundingsError(
            f"MLflow at {place} did not take the run ({type(error).__name__}); is it up, and may you write to it?"
        ) from None


def _first_sentence(error: Exception) -> str:
    return re.sub(r"^[A-Z_]+: ", "", str(error)).split(". ", 1)[0].split("\n", 1)[0][:200].rstrip(".")


def _without_secret(uri: str) -> str:
    return re.sub(r"//[^/@]*@", "//…@", uri)
