"""Commands, thin: read arguments, call `wiring` or `workbench`, print. Nothing heavy is imported before a command runs.

Exit status: 0 done, 1 a gate said no, 2 input or surroundings wrong.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import BertwatchError, InputError
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from model.tracking import Tracking
    from service.release import Words

_DIRECTORY = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


class _Group(click.Group):
    """Turns the error family into one sentence and its exit status, for every command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command of two words (`baseline promote`) beside one that is its first word."""
        name = " ".join(args[:2])
        if name in self.commands:
            return name, self.commands[name], args[2:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BertwatchError as error:
            click.echo(f"bertwatch: {error}", err=True)
            ctx.exit(error.exit_status)
        except KeyboardInterrupt:
            ctx.exit(130)


def settings_flags(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Flags for the named settings (all, if none is named): same name, same meaning, default from `Settings`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names or tuple(Settings.model_fields)):
            field = Settings.model_fields[name]
            flag = "--" + name.replace("_", "-")
            shown = "" if field.default in (None, "") else f"  [default: {field.default}]"
            if field.annotation is bool:
                option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=f"{field.description}{shown}")
            else:
                option = click.option(flag, name, default=None, metavar="VALUE", help=f"{field.description}{shown}")
            command = option(command)
        return click.option(
            "--config", type=_FILE, default=None, help="TOML file of settings (also BERTWATCH_CONFIG)."
        )(command)

    return decorate


def _settings(flags: dict[str, Any], needed: tuple[str, ...] = ()) -> Settings:
    config = flags.pop("config", None)
    settings, _ = load_settings(flags, config=config)
    for name in needed:
        _need(settings, name)
    return settings


def _need(settings: Settings, name: str) -> None:
    if getattr(settings, name) is None:
        flag = "--" + name.replace("_", "-")
        raise InputError(f"{flag} is needed (or BERTWATCH_{name.upper()}, or {name!r} in a settings file).")


class _OfManyValues(click.Command):
    """Options that may be given several times take several values behind one flag too: `--score-columns A B C`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {flag for option in self.params if getattr(option, "multiple", False) for flag in option.opts}
        spread: list[str] = []
        current = ""
        for arg in args:
            if arg.startswith("--"):
                current = arg if arg in many else ""
            elif current and spread[-1] != current:
                spread.append(current)
            spread.append(arg)
        return super().parse_args(ctx, spread)


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


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="bertwatch")
def main() -> None:
    """Serve a BERT text classifier, keep every answer, and know whether it is still right."""


@main.command()
@click.option("--dataset", required=True, help="sample, a hub name (ag_news), a path or s3:// URL.")
@click.option("--base-model", required=True, help="tiny, a hub name (bert-base-uncased) or a local directory.")
@click.option("--output", required=True, type=_DIRECTORY, help="Directory to make; must not exist.")
@click.option("--train-rows", default=1200, show_default=True, type=click.IntRange(1))
@click.option("--test-rows", default=800, show_default=True, type=click.IntRange(0))
@click.option("--batch-size", default=8, show_default=True, type=click.IntRange(1))
@click.option("--epochs", default=3, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, alone on stdout.")
def train(as_json: bool, **arguments: Any) -> None:
    """Fine-tune a sequence classifier: the first rows train it, the next ones test it."""
    from service import workbench

    result = workbench.train(**arguments, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))


@main.command(cls=_OfManyValues)
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
    from service import workbench

    settings = _settings(flags, needed=("model",))
    result, gates = workbench.baseline(settings, dataset, rows, output, words=words, tracking=tracking, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))
    enforce(gates)


@main.command("baseline from-log")
@settings_flags("database", "baseline")
@click.option("--since", required=True, metavar="TIME", help="Beginning of the stretch: ISO 8601, UTC without a zone.")
@click.option("--until", required=True, metavar="TIME", help="Its end.")
@click.option("--labels-required", default=300, show_default=True, type=click.IntRange(50))
@click.option("--output", required=True, type=_DIRECTORY, help="Directory to make; must not exist.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, alone on stdout.")
def baseline_from_log(
    *, since: str, until: str, labels_required: int, output: Path, as_json: bool, **flags: Any
) -> None:
    """Take a baseline from a quiet stretch of the log: labelled predictions in which no episode was open.

    --baseline names the one that was in force; its model is meant, and its cut-off and hashes are kept.
    """
    from service import workbench

    result = workbench.baseline_from_log(
        _settings(flags), since, until, output, labels_required=labels_required, quiet=as_json
    )
    if as_json:
        click.echo(json.dumps(result))


@main.command("baseline promote")
@settings_flags("database")
@click.argument("directory", metavar="BASELINE")
@click.option("--json", "as_json", is_flag=True, help="Print what was promoted as JSON, alone on stdout.")
def baseline_promote(directory: str, as_json: bool, **flags: Any) -> None:
    """Hold a model version to this baseline: services and monitors without --baseline take the newest promoted one.

    Those that run keep theirs until they are restarted.
    """
    from service import workbench

    result = workbench.baseline_promote(_settings(flags), directory, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))


@main.command("baseline compare")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON, alone on stdout.")
def baseline_compare(old: str, new: str, as_json: bool) -> None:
    """What changed between two baselines: every figure with an interval, and whether their rows have drifted."""
    from service import workbench

    result = workbench.baseline_compare(_settings({}), old, new, quiet=as_json)
    if as_json:
        click.echo(json.dumps(result))


@main.command(cls=_OfManyValues)
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
    from service import workbench

    result, gates = workbench.evaluate(
        predictions, columns, output,
        version=given["model_version"], name=given["name"], words=words, tracking=tracking, quiet=as_json,
    )  # fmt: skip
    if as_json:
        click.echo(json.dumps(result))
    enforce(gates)


@main.command(cls=_OfManyValues)
@click.option("--captured", required=True, metavar="PLACE", help="Captured data: a .jsonl file or a directory of them.")
@click.option("--ground-truth", default=None, metavar="PLACE", help="Ground truth: a .jsonl file or a directory.")
@click.option("--labels", default=None, help="Class names in the order of the scores; comma-separated.")
@click.option("--input-columns", multiple=True, metavar="C…", help="Names of the captured numbers, in their order.")
@click.option("--output", default=None, type=_FILE, help="File to make: .csv, .jsonl or .parquet.")
@click.option("--url", default=None, help="A running service, into whose log they go.")
@click.option("--model-version", default=None, help="Which model said so; that of the service's baseline without it.")
@click.option("--key-file", default=None, type=_FILE, help="File whose first line is the service's bearer key.")
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
    from service import workbench

    if (output is None) == (url is None):
        raise InputError("Give --output for a file, or --url for the log of a running service.")
    names = tuple(name.strip() for name in labels.split(",")) if labels else ()
    columns = workbench.captured_columns(captured, ground_truth, names, _several(input_columns), quiet=as_json)
    if url is None:
        assert output is not None, "one of the two is given"
        done = workbench.write_captured(columns, output)
    else:
        done = workbench.record_captured(columns, url, model_version, key_file, quiet=as_json)
    if as_json:
        click.echo(json.dumps(done))
    else:
        click.echo(f"{output or url}: {done['rows']} predictions, {done['labelled']} with a label")


def _several(given: tuple[str, ...]) -> tuple[str, ...]:
    """Names one by one, or with commas between them."""
    return tuple(part.strip() for name in given for part in name.split(",") if part.strip())


@main.command()
@settings_flags("margin", "interval", "false_pages_per_year", "false_notices_per_year")
@click.option("--baseline", "directory", required=True, metavar="DIRECTORY", help="Its path or s3:// URL.")
@click.option(
    "--predictions", required=True, metavar="FILE", help="CSV, JSONL or Parquet with a score column per class."
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON, alone on stdout.")
def check(directory: str, predictions: str, as_json: bool, **flags: Any) -> None:
    """One round of checks on a file of predictions; status 1 if the verdict is a ticket or a page."""
    from service import workbench

    sys.exit(workbench.check(_settings(flags), directory, predictions, as_json=as_json))


@main.command()
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
    settings = _settings(flags, needed=("baseline",))
    from service import workbench

    workbench.calibrate(
        settings, predictions_per_day=predictions_per_day, label_share=label_share, seed=seed, as_json=as_json
    )


@main.command()
@settings_flags()
def serve(**flags: Any) -> None:
    """Serve the model, log every answer, and watch over it.

    Without --baseline, traffic is held to the newest one that was promoted for the model, if any. Without --model, the
    --baseline of `bertwatch evaluate` says which model elsewhere sends its predictions here.
    """
    settings = _settings(flags)
    if settings.baseline is None:
        _need(settings, "model")
    from service import wiring

    wiring.serve(settings)


@main.command()
@settings_flags()
@click.option("--once", is_flag=True, help="One round of checks, then end.")
@click.option("--parent-pipe", default=None, type=int, hidden=True, help="Stop when this pipe ends.")
def monitor(once: bool, parent_pipe: int | None, **flags: Any) -> None:
    """Compare live traffic with the baseline, on a schedule. Without --baseline: with the newest promoted one."""
    settings = _settings(flags)
    from service import wiring

    wiring.monitor(settings, once=once, parent_pipe=parent_pipe)


@main.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="A running service.")
@click.option("--dataset", required=True, help="sample, a hub name, a path or s3:// URL.")
@click.option("--rows", default=None, metavar="A-B", help="Rows A to B of the dataset (from 1, both included).")
@click.option("--count", default=None, type=click.IntRange(1), help="How many rows to send; all by default.")
@click.option("--rate", default=0.0, show_default=True, help="Requests a second; 0 is as fast as answers come.")
@click.option("--label-delay", default=None, type=float, help="Seconds from answer to label; no labels without it.")
@click.option(
    "--label-share", default=1.0, show_default=True, type=click.FloatRange(0, 1), help="Share of rows labelled."
)
@click.option("--scenario", default=None, help="A drift scenario; `--scenario list` names them.")
@click.option("--after", default=0, show_default=True, type=click.IntRange(0), help="Rows before the scenario begins.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--key-file", default=None, type=_FILE, help="File whose first line is the bearer key.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, alone on stdout.")
def replay(as_json: bool, **arguments: Any) -> None:
    """Send a dataset to a running service, with labels that arrive later."""
    from service import workbench

    result = workbench.replay(**arguments, quiet=as_json)
    if as_json and result is not None:
        click.echo(json.dumps(result))


@main.command()
@click.option(
    "--exit", "leave", is_flag=True, help="End when the alert has fired and resolved; status 1 if it has not."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--directory", default=None, type=_DIRECTORY, help="Keep model, baseline and log here.")
def demo(leave: bool, port: int, directory: Path | None) -> None:
    """The whole journey: train, baseline, serve, drift, alert, recovery."""
    from service import demo as journey

    sys.exit(journey.run(leave=leave, port=port, directory=directory))


@main.command("settings")
@settings_flags()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, alone on stdout.")
def show_settings(as_json: bool, **flags: Any) -> None:
    """Each setting with its value, where it came from, and what it means."""
    config = flags.pop("config", None)
    _, sources = load_settings(flags, config=config)
    rows = [(s.name, _shown(s.name, s.value), s.source, s.description) for s in sources]
    if as_json:
        keys = ("name", "value", "source", "description")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], default=str))
        return
    wide = max(len(row[0]) for row in rows)
    for name, value, source, description in rows:
        click.echo(f"{name:<{wide}}  {value}  ({source})\n{'':<{wide}}  {description}")


def _shown(name: str, value: Any) -> Any:
    """Secrets are named, not shown."""
    if name == "notify_urls" and value:
        return f"{len(str(value).split())} hidden"
    return value if value is None or isinstance(value, bool | int | float) else _without_password(str(value))


def _without_password(value: str) -> str:
    if "://" not in value or "@" not in value:
        return value
    scheme, rest = value.split("://", 1)
    user, place = rest.rsplit("@", 1)
    return f"{scheme}://{user.split(':', 1)[0]}:…@{place}"


@main.command()
@settings_flags("database", "accuracy_window")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 100_000), help="How many to ask for.")
@click.option(
    "--strategy",
    default="uniform",
    show_default=True,
    type=click.Choice(["uniform", "uncertain"]),
    help="All predictions alike, or half of them rather where the model is unsure.",
)
@click.option("--output", default=None, type=_FILE, help="File of JSON lines to make; standard output without it.")
def audit(count: int, strategy: str, output: Path | None, **flags: Any) -> None:
    """Pick predictions at random to be labelled, with recorded probabilities that accuracy weights by."""
    from service import wiring

    wiring.audit(_settings(flags), count=count, uncertain=strategy == "uncertain", output=output)


@main.group("model")
def model_group() -> None:
    """Model directories."""


@model_group.command("export")
@settings_flags("model", "engine")
@click.option(
    "--output",
    default=None,
    type=_DIRECTORY,
    help="Directory to write the file into; where the engine finds it without.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the file's path as JSON, alone on stdout.")
def model_export(output: Path | None, as_json: bool, **flags: Any) -> None:
    """Write the file that an ONNX engine reads; `serve` does it by itself at the first start."""
    from service import workbench

    file = workbench.export(_settings(flags, needed=("model",)), output)
    click.echo(json.dumps({"file": str(file)}) if as_json else file)


@main.group()
def db() -> None:
    """The log's database."""


@db.command()
@settings_flags("database")
def upgrade(**flags: Any) -> None:
    """Bring the schema up to date; `serve` and `monitor` do it by themselves."""
    from service import wiring

    wiring.upgrade(_settings(flags))


@db.command()
@settings_flags("database", "accuracy_window", "window", "window_reach")
@click.option("--older-than", required=True, metavar="AGE", help="Such as 90d, 12h or 4w.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers of rows as JSON, alone on stdout.")
def prune(older_than: str, as_json: bool, **flags: Any) -> None:
    """Take predictions of that age out of the log, with their labels and audits, and verdicts, reports and episodes."""
    settings = _settings(flags)
    import time

    from service import keeping, wiring

    gone = keeping.prune(settings.database, older_than, wiring.longest_window(settings), wiring.clock, pause=time.sleep)
    if as_json:
        click.echo(json.dumps(gone))
        return
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in gone.items() if count)
    click.echo(f"Taken out: {said or 'nothing; no row is so old'}.")


@db.command(cls=_OfManyValues)
@settings_flags("database")
@click.option("--prediction-id", "ids", multiple=True, metavar="ID…", help="Ids that /predict has answered.")
@click.option("--text-sha256", default=None, metavar="HEX", help="SHA-256 of a text in UTF-8; all that had it.")
@click.option("--reference", default=None, help="Your own key; all predictions that have it.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON, alone on stdout.")
def erase(ids: tuple[str, ...], text_sha256: str | None, reference: str | None, as_json: bool, **flags: Any) -> None:
    """Forget what predictions tell of a person: text, reference, segment, features, and reports that may show them.

    Class, scores, time and label stay, so that accuracy stays what it was.
    """
    settings = _settings(flags)
    from service import keeping

    done = keeping.erase(settings.database, ids, text_sha256, reference)
    if as_json:
        click.echo(json.dumps(done))
        return
    click.echo(
        f"Erased: {done['predictions']} predictions, and {done['reports']} reports; {done['missing']} not found."
    )
    if not done["swept"]:
        held = (
            "A reader holds the write-ahead log: it shows what was until the last program on this database has ended."
        )
        click.echo(held, err=True)


@db.command("export")
@settings_flags("database")
@click.option("--output", required=True, type=_FILE, help="File to make: .csv, .jsonl or .parquet; must not exist.")
@click.option("--model-version", default=None, help="Which one, where the log holds several.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, alone on stdout.")
def db_export(output: Path, model_version: str | None, as_json: bool, **flags: Any) -> None:
    """Write predictions with their newest labels to a file that check and evaluate read."""
    settings = _settings(flags)
    from service import keeping

    done = keeping.export(settings.database, output, model_version)
    click.echo(
        json.dumps(done) if as_json else f"{output}: {done['rows']} predictions of model {done['model_version']}"
    )


@main.group()
def alerts() -> None:
    """Notifications."""


@alerts.command("test")
@settings_flags("notify_urls", "notify_file", "public_url")
def alerts_test(**flags: Any) -> None:
    """Send a test notification to every receiver and say what came of it."""
    from service import wiring

    sys.exit(wiring.alerts_test(_settings(flags)))


if __name__ == "__main__":
    main()
