"""`bertwatch check`, one round on a file, and `bertwatch calibrate`, what to expect of rounds to come."""

from __future__ import annotations

from pathlib import Path

import click

from service.logs import log_to_stderr
from service.opening import baseline_at_hand
from service.settings import Settings
from service.terminal import progress_bar
from service.wiring import checks, open_runner


def check(settings: Settings, directory: str, predictions: str, *, as_json: bool) -> int:
    """`bertwatch check`: one round on a file; exit status 1 for a ticket or a page."""
    import json
    from dataclasses import replace

    from model.remote import local_directory, local_file
    from monitors.baseline import load_baseline
    from monitors.in_memory import MemoryJournal, MemoryLog, MemoryReports
    from monitors.prediction_file import read_predictions
    from monitors.verdict import Severity
    from service.store.verdict_json import encode_verdict
    from service.terminal import verdict_lines

    log_to_stderr("warning")  # the verdict is all that stands on stdout
    with local_directory(directory) as baseline_at, local_file(predictions) as file:
        held = load_baseline(baseline_at)
        window = read_predictions(file, held.model, held.cut_off)
    log = MemoryLog(held.model)
    log.add(window)
    # The whole file is the window, whenever its rows were made.
    end = int(window.time.max()) + 1
    whole = settings.model_copy(update={"window": 1e9, "accuracy_window": 1e9, "silence": 0.0})
    runner = open_runner(
        whole, held, (), now=lambda: end, log=log, journal=MemoryJournal(), reports=MemoryReports()
    )  # fmt: skip
    outcome = runner.run(predictions)
    assert outcome is not None, "nobody else takes slots of this journal"
    verdict = replace(outcome.verdict, start=int(window.time.min()))
    if as_json:
        click.echo(json.dumps(encode_verdict(verdict)))
    else:
        click.echo("\n".join(verdict_lines(verdict)))
    return 1 if verdict.severity.rank >= Severity.TICKET.rank else 0


def calibrate(settings: Settings, *, predictions_per_day: float, label_share: float, seed: int, as_json: bool) -> None:
    """`bertwatch calibrate`."""
    import json

    import numpy as np

    from monitors.baseline import load_baseline
    from monitors.calibration import COMPARISONS, Effort, Traffic, Trial
    from monitors.calibration import calibrate as simulate
    from service.expectation import expectation_json, expectation_lines

    assert settings.baseline is not None, "the command line asks for it"
    with baseline_at_hand(settings) as at_hand:
        held = load_baseline(Path(str(at_hand.baseline)))
    chosen, effort = checks(settings), Effort()
    traffic = Traffic(
        predictions_per_day, label_share, settings.window, settings.minimum_rows, settings.window_reach
    )  # fmt: skip
    with progress_bar("Simulating", effort.steps, quiet=as_json) as advance:
        trial = Trial(
            baseline=held,
            checks=[check for check in chosen.checks if check.aspect in COMPARISONS],
            alphas=chosen.alphas,
            effort=effort,
            rng=np.random.default_rng(seed),
            progress=advance,
            streams=[stream for stream in chosen.streams if stream.reads == "predictions"],
        )
        found = simulate(
            trial, traffic,
            margin=settings.margin, harm="harm", false_notices_per_year=settings.false_notices_per_year,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(expectation_json(found, traffic)))
    else:
        click.echo("\n".join(expectation_lines(found, traffic, settings.margin)))
