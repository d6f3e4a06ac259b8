"""Commands on the log: its schema, what leaves it, what is forgotten, and which rows to have labelled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from service.commands._flags import FILE, OfManyValues, settings_flags, settings_from


@click.command()
@settings_flags("database", "accuracy_window")
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 100_000), help="How many to ask for.")
@click.option(
    "--strategy",
    default="uniform",
    show_default=True,
    type=click.Choice(["uniform", "uncertain"]),
    help="All predictions alike, or half of them rather where the model is unsure.",
)
@click.option("--output", default=None, type=FILE, help="File of JSON lines to make; standard output without it.")
def audit(count: int, strategy: str, output: Path | None, **flags: Any) -> None:
    """Pick predictions at random to be labelled, with recorded probabilities that accuracy weights by."""
    from service.workbench import log

    log.audit(settings_from(flags), count=count, uncertain=strategy == "uncertain", output=output)


@click.group()
def db() -> None:
    """The log's database."""


@db.command()
@settings_flags("database")
def upgrade(**flags: Any) -> None:
    """Bring the schema up to date; `serve` and `monitor` do it by themselves."""
    from service.workbench import log

    log.upgrade(settings_from(flags))


@db.command()
@settings_flags("database", "accuracy_window", "window", "window_reach")
@click.option("--older-than", required=True, metavar="AGE", help="Such as 90d, 12h or 4w.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers of rows as JSON, alone on stdout.")
def prune(older_than: str, as_json: bool, **flags: Any) -> None:
    """Take predictions of that age out of the log, with their labels and audits, and verdicts, reports and episodes."""
    settings = settings_from(flags)
    import time

    from service import keeping
    from service.opening import clock
    from service.wiring import longest_window

    gone = keeping.prune(settings.database, older_than, longest_window(settings), clock, pause=time.sleep)
    if as_json:
        click.echo(json.dumps(gone))
        return
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in gone.items() if count)
    click.echo(f"Taken out: {said or 'nothing; no row is so old'}.")


@db.command(cls=OfManyValues)
@settings_flags("database")
@click.option("--prediction-id", "ids", multiple=True, metavar="ID…", help="Ids that /predict has answered.")
@click.option("--text-sha256", default=None, metavar="HEX", help="SHA-256 of a text in UTF-8; all that had it.")
@click.option("--reference", default=None, help="Your own key; all predictions that have it.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON, alone on stdout.")
def erase(ids: tuple[str, ...], text_sha256: str | None, reference: str | None, as_json: bool, **flags: Any) -> None:
    """Forget what predictions tell of a person: text, reference, segment, features, and reports that may show them.

    Class, scores, time and label stay, so that accuracy stays what it was.
    """
    settings = settings_from(flags)
    from service import keeping

    done = keeping.erase(settings.database, ids, text_sha256, reference)
    if as_json:
        click.echo(json.dumps(done))
        return
    click.echo(
        f"Erased: {done['predictions']} predictions, and {done['reports']} reports; {done['missing']} not found."
    )
    if not done["swept"]:
        held = "Somebody still reads the database as it was: the disk may hold what was erased until they have ended."
        click.echo(held, err=True)


@db.command("export")
@settings_flags("database")
@click.option("--output", required=True, type=FILE, help="File to make: .csv, .jsonl or .parquet; must not exist.")
@click.option("--model-version", default=None, help="Which one, where the log holds several.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, alone on stdout.")
def db_export(output: Path, model_version: str | None, as_json: bool, **flags: Any) -> None:
    """Write predictions with their newest labels to a file that check and evaluate read."""
    settings = settings_from(flags)
    from service import keeping

    done = keeping.export(settings.database, output, model_version)
    click.echo(
        json.dumps(done) if as_json else f"{output}: {done['rows']} predictions of model {done['model_version']}"
    )
