"""Commands that run on: the service and its monitor; and what is played to them, a replay or the whole demo."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from service.commands._flags import DIRECTORY, FILE, need, settings_flags, settings_from


@click.command()
@settings_flags()
def serve(**flags: Any) -> None:
    """Serve the model, log every answer, and watch over it.

    Without --baseline, traffic is held to the newest one that was promoted for the model, if any. Without --model, the
    --baseline of `bertwatch evaluate` says which model elsewhere sends its predictions here.
    """
    settings = settings_from(flags)
    if settings.baseline is None:
        need(settings, "model")
    from service.wiring import serve as run

    run(settings)


@click.command()
@settings_flags()
@click.option("--once", is_flag=True, help="One round of checks, then end.")
@click.option("--parent-pipe", default=None, type=int, hidden=True, help="Stop when this pipe ends.")
def monitor(once: bool, parent_pipe: int | None, **flags: Any) -> None:
    """Compare live traffic with the baseline, on a schedule. Without --baseline: with the newest promoted one."""
    settings = settings_from(flags)
    from service.wiring import monitor as watch

    watch(settings, once=once, parent_pipe=parent_pipe)


@click.command()
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
@click.option("--key-file", default=None, type=FILE, help="File whose first line is the bearer key.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, alone on stdout.")
def replay(as_json: bool, **arguments: Any) -> None:
    """Send a dataset to a running service, with labels that arrive later."""
    from service.workbench.traffic import replay as send

    result = send(**arguments, quiet=as_json)
    if as_json and result is not None:
        click.echo(json.dumps(result))


@click.command()
@click.option(
    "--exit", "leave", is_flag=True, help="End when the alert has fired and resolved; status 1 if it has not."
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--directory", default=None, type=DIRECTORY, help="Keep model, baseline and log here.")
def demo(leave: bool, port: int, directory: Path | None) -> None:
    """The whole journey: train, baseline, serve, drift, alert, recovery."""
    from service import demo as journey

    sys.exit(journey.run(leave=leave, port=port, directory=directory))
