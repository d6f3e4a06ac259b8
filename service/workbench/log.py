"""`bertwatch audit` and `bertwatch db upgrade`, on the prediction log."""

from __future__ import annotations

from pathlib import Path

import click

from service.opening import SECOND, clock, open_log
from service.settings import Settings


def audit(settings: Settings, *, count: int, uncertain: bool, output: Path | None) -> None:
    """`bertwatch audit`."""
    import json

    import numpy as np

    from service.audit import questions, served_version, write_lines
    from service.store.audits import Audits
    from service.store.nouns import Strategy
    from service.store.predictions import PredictionLog

    with open_log(settings) as database:
        log = PredictionLog(database)
        audits = Audits(database, np.random.default_rng(), int(settings.accuracy_window * SECOND))
        strategy = Strategy.UNCERTAIN if uncertain else Strategy.UNIFORM
        entries = questions(log, audits, served_version(log), clock(), count=count, strategy=strategy)
    if output is None:
        for entry in entries:
            click.echo(json.dumps(entry))
        return
    write_lines(entries, output)
    click.echo(f"{output}: {len(entries)} predictions to label; send each true label to POST /feedback.")


def upgrade(settings: Settings) -> None:
    """`bertwatch db upgrade`."""
    with open_log(settings):
        click.echo("The schema is up to date.")
