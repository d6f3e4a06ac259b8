"""Commands that make a baseline or let one in: from a model, from rows scored elsewhere, from the log. No figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import InputError
from service.commands._flags import DIRECTORY, OfManyValues, settings_flags, settings_from

if TYPE_CHECKING:
    from model.tracking import Tracking
    from service.release import Words


def _output(command: Callable[..., Any]) -> Callable[..., Any]:
    words = "Directory to make, or its s3:// URL; must not exist."
    return click.option("--output", required=True, metavar="DIRECTORY", help=words)(command)


def _release(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a release asks beyond the figures: the fields of `service.release.Words`, but for `behavior`."""
    cost = click.FloatRange(0)
    for option in (
        click.option(
            "--allow-missing-classes", is_flag=True, help="Go on although a class of the model has no row."
        ),
        click.option("--compare", default=None, metavar="BASELINE", help="Its path or URL: say what changed since."),
        click.option(
            "--require", multiple=True, metavar="GATE",
            help="accuracy>=0.84, 'recall[Sports].low>=0.8', 'behavior[NAME]<=0.1', behavior; may be repeated.",
        ),
        click.option("--cost-false-negative", default=1.0, show_default=True, type=cost, help="Of a missed positive."),
        click.option("--cost-false-positive", default=1.0, show_default=True, type=cost, help="Of a false positive."),
        click.option("--positive-class", default=None, metavar="NAME", help="Class that is cut; the second without."),
        click.option(
            "--cut-off", default=None, metavar="NUMBER|f1|cost",
            help="Score from which a model of two classes answers the positive one.  [default: 0.5]",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def _words(flags: dict[str, Any]) -> Words:
    """Takes the fields of `Words` out of a command's flags."""
    from dataclasses import fields

    from service.release import Words

    return Words(**{field.name: flags.pop(field.name) for field in fields(Words)})


def _mlflow(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--run-id", default=None, help="A run that is there already, to add to."),
        click.option("--experiment", default="bertwatch", show_default=True, help="MLflow experiment of a new run."),
        click.option(
            "--mlflow-uri", default=None, metavar="URI", help="Log to MLflow: any tracking URI that it takes."
        ),
    ):
        command = option(command)
    return command


def _tracking(uri: str | None, experiment: str, run_id: str | None) -> Tracking | None:
    if uri is None:
        if run_id is not None:
            raise InputError("--run-id needs --mlflow-uri, which says where the run is.")
        return None
    from model.tracking import Tracking

    return Tracking(uri, experiment, run_id)


@click.command(cls=OfManyValues)
@settings_flags("model", "labels", "engine")
@click.option("--dataset", required=True, help="Labelled rows that the model has never seen.")
@click.option("--rows", default=None, metavar="A-B", help="Rows A to B of the dataset (from 1, both included).")
@_output
@_release
@click.option(
    "--behavior", default=None, metavar="FILE",
    help="Behavior tests: a YAML file, news, or none; news by default for the four news classes.",
)  # fmt: skip
@_mlflow
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, alone on stdout.")
def baseline(
    *,
    dataset: str,
    rows: str | None,
    output: str,
    mlflow_uri: str | None,
    experiment: str,
    run_id: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Evaluate a model offline; the result is what live traffic is held to. Status 1 if a gate says no."""
    tracking = _tracking(mlflow_uri, experiment, run_id)
    words = _words(flags)
    from model.gates import enforce
    from service.workbench import baselines

    settings = settings_from(flags, needed=("model",))
    result, gates = baselines.baseline(settings, dataset, rows, output, words=words, tracking=tracking, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))
    enforce(gates)


@click.command("baseline from-log")
@settings_flags("database", "baseline")
@click.option("--since", required=True, metavar="TIME", help="Beginning of the stretch: ISO 8601, UTC without a zone.")
@click.option("--until", required=True, metavar="TIME", help="Its end.")
@click.option("--labels-required", default=300, show_default=True, type=click.IntRange(50))
@click.option("--output", required=True, type=DIRECTORY, help="Directory to make; must not exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, alone on stdout.")
def baseline_from_log(
    *, since: str, until: str, labels_required: int, output: Path, as_json: bool, **flags: Any
) -> None:
    """Take a baseline from a quiet stretch of the log: labelled predictions in which no episode was open.

    --baseline names the one that was in force; its model is meant, and its cut-off and hashes are kept.
    """
    from service.workbench import baselines

    result = baselines.baseline_from_log(
        settings_from(flags), since, until, output, labels_required=labels_required, quiet=as_json
    )
    if as_json:
        click.echo(json.dumps(result))


@click.command("baseline promote")
@settings_flags("database")
@click.argument("directory", metavar="BASELINE")
@click.option("--json", "as_json", is_flag=True, help="Print what was promoted as JSON, alone on stdout.")
def baseline_promote(directory: str, as_json: bool, **flags: Any) -> None:
    """Hold a model version to this baseline: services and monitors without --baseline take the newest promoted one.

    Those that run keep theirs until they are restarted.
    """
    from service.workbench import baselines

    result = baselines.baseline_promote(settings_from(flags), directory, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))


@click.command("baseline compare")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON, alone on stdout.")
def baseline_compare(old: str, new: str, as_json: bool) -> None:
    """What changed between two baselines: every figure with an interval, and whether their rows have drifted."""
    from service.workbench import baselines

    result = baselines.baseline_compare(settings_from({}), old, new, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))


@click.command(cls=OfManyValues)
@click.option("--predictions", required=True, metavar="FILE", help="CSV, JSONL or Parquet, a path or s3:// URL.")
@click.option("--label-column", required=True, metavar="C", help="Column of the true class.")
@click.option(
    "--score-columns", required=True, multiple=True, metavar="C…",
    help="One column a class; or a single one, the probability of the positive of two classes.",
)  # fmt: skip
@click.option("--labels", default=None, help="Class names in the order of the score columns; comma-separated.")
@click.option(
    "--feature-columns", multiple=True, metavar="C…", help="Numbers that the model saw, which live predictions bring."
)
@click.option("--segment-column", default=None, metavar="C", help="Column of a slice: a customer, a channel.")
@click.option("--text-column", default=None, metavar="C", help="Column of the texts; only numbers are kept of them.")
@click.option("--model-version", default=None, help="Your name of the version; a hash of classes and features without.")
@click.option("--name", default=None, help="What a person calls the model; the file's name without it.")
@_output
@_release
@_mlflow
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, alone on stdout.")
def evaluate(predictions: str, output: str, as_json: bool, **given: Any) -> None:
    """Evaluate any classifier from its labels and scores; the result is a baseline too. Status 1 if a gate says no.

    A single score speaks of the positive class of two: --positive-class names it where it is not 1, true or yes.
    """
    from monitors.scored_file import ScoredColumns

    words = _words(given | {"behavior": "none"})
    tracking = _tracking(given["mlflow_uri"], given["experiment"], given["run_id"])
    columns = ScoredColumns(
        label=given["label_column"],
        scores=given["score_columns"],
        features=given["feature_columns"],
        segment=given["segment_column"],
        text=given["text_column"],
        labels=tuple(name.strip() for name in given["labels"].split(",")) if given["labels"] else (),
        positive=given["positive_class"],
    )
    from model.gates import enforce
    from service.workbench import baselines

    result, gates = baselines.evaluate(
        predictions, columns, output,
        version=given["model_version"], name=given["name"], words=words, tracking=tracking, quiet=as_json,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(result))
    enforce(gates)
