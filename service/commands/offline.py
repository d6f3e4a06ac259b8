"""Commands that do one thing with files and end: train, check, calibrate, a model's export, what SageMaker captured."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from model.errors import InputError
from service.commands._flags import DIRECTORY, FILE, OfManyValues, settings_flags, settings_from


@click.command()
@click.option("--dataset", required=True, help="sample, a hub name (ag_news), a path or s3:// URL.")
@click.option("--base-model", required=True, help="tiny, a hub name (bert-base-uncased) or a local directory.")
@click.option("--output", required=True, type=DIRECTORY, help="Directory to make; must not exist.")
@click.option("--train-rows", default=1200, show_default=True, type=click.IntRange(1))
@click.option("--test-rows", default=800, show_default=True, type=click.IntRange(0))
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(1))
@click.option("--epochs", default=3, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, alone on stdout.")
def train(as_json: bool, **arguments: Any) -> None:
    """Fine-tune a sequence classifier: the first rows train it, the next ones test it."""
    from service.workbench import models

    result = models.train(**arguments, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))


@click.command()
@settings_flags("margin", "interval", "false_pages_per_year", "false_notices_per_year")
@click.option("--baseline", "directory", required=True, metavar="DIRECTORY", help="Its path or s3:// URL.")
@click.option(
    "--predictions", required=True, metavar="FILE", help="CSV, JSONL or Parquet with a score column per class."
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON, alone on stdout.")
def check(directory: str, predictions: str, as_json: bool, **flags: Any) -> None:
    """One round of checks on a file of predictions; status 1 if the verdict is a ticket or a page."""
    from service.workbench import judging

    sys.exit(judging.check(settings_from(flags), directory, predictions, as_json=as_json))


@click.command()
@settings_flags(
    "baseline", "margin", "interval", "window", "minimum_rows", "window_reach",
    "false_pages_per_year", "false_notices_per_year",
)  # fmt: skip
@click.option("--predictions-per-day", default=10_000.0, show_default=True, type=click.FloatRange(1))
@click.option(
    "--label-share", default=0.1, show_default=True, type=click.FloatRange(0, 1), help="Share that gets a label."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, alone on stdout.")
def calibrate(predictions_per_day: float, label_share: float, seed: int, as_json: bool, **flags: Any) -> None:
    """What to expect: false alarms a year, and how many predictions and labels it takes to see a loss of accuracy."""
    settings = settings_from(flags, needed=("baseline",))
    from service.workbench import judging

    judging.calibrate(
        settings, predictions_per_day=predictions_per_day, label_share=label_share, seed=seed, as_json=as_json
    )


@click.group("model")
def model_group() -> None:
    """Model directories."""


@model_group.command("export")
@settings_flags("model", "engine")
@click.option(
    "--output",
    default=None,
    type=DIRECTORY,
    help="Directory to write the file into; where the engine finds it without.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the file's path as JSON, alone on stdout.")
def model_export(output: Path | None, as_json: bool, **flags: Any) -> None:
    """Write the file that an ONNX engine reads; `serve` does it by itself at the first start."""
    from service.workbench import models

    file = models.export(settings_from(flags, needed=("model",)), output)
    click.echo(json.dumps({"file": str(file)}) if as_json else file)


@click.command(cls=OfManyValues)
@click.option("--captured", required=True, metavar="PLACE", help="Captured data: a .jsonl file or a directory of them.")
@click.option("--ground-truth", default=None, metavar="PLACE", help="Ground truth: a .jsonl file or a directory.")
@click.option("--labels", default=None, help="Class names in the order of the scores; comma-separated.")
@click.option("--input-columns", multiple=True, metavar="C…", help="Names of the captured numbers, in their order.")
@click.option("--output", default=None, type=FILE, help="File to make: .csv, .jsonl or .parquet.")
@click.option("--url", default=None, help="A running service, into whose log they go.")
@click.option("--model-version", default=None, help="Which model said so; that of the service's baseline without it.")
@click.option("--key-file", default=None, type=FILE, help="File whose first line is the service's bearer key.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, alone on stdout.")
def sagemaker(
    *,
    captured: str,
    ground_truth: str | None,
    labels: str | None,
    input_columns: tuple[str, ...],
    output: Path | None,
    url: str | None,
    model_version: str | None,
    key_file: Path | None,
    as_json: bool,
) -> None:
    """SageMaker's captured data and ground truth: as a file for evaluate, check or baseline, or into a service's log.

    Into a log they go with their times and labels, in the order of the files; what breaks off says how far it was.
    """
    from service.workbench import captured as capture

    if (output is None) == (url is None):
        raise InputError("Give --output for a file, or --url for the log of a running service.")
    names = tuple(name.strip() for name in labels.split(",")) if labels else ()
    columns = capture.captured_columns(captured, ground_truth, names, _several(input_columns), quiet=as_json)
    if url is None:
        assert output is not None, "one of the two is given"
        done = capture.write_captured(columns, output)
    else:
        done = capture.record_captured(columns, url, model_version, key_file, quiet=as_json)
    if as_json:
        click.echo(json.dumps(done))
    else:
        click.echo(f"{output or url}: {done['rows']} predictions, {done['labelled']} with a label")


def _several(given: tuple[str, ...]) -> tuple[str, ...]:
    """Names one by one, or with commas between them."""
    return tuple(part.strip() for name in given for part in name.split(",") if part.strip())
