"""`bertwatch replay`: rows of a dataset as traffic for a service, with their labels later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from model.errors import SurroundingsError
from service.keyring import read_lines
from service.terminal import progress_bar, say


def replay(
    *,
    url: str,
    dataset: str,
    rows: str | None,
    count: int | None,
    rate: float,
    label_delay: float | None,
    label_share: float,
    scenario: str | None,
    after: int,
    seed: int,
    key_file: Path | None,
    quiet: bool,
) -> dict[str, Any] | None:
    """`bertwatch replay`; None where it only lists the scenarios."""
    from model.scenarios import SCENARIOS

    if scenario == "list":
        for each in SCENARIOS.values():
            click.echo(f"{each.name:<16} {each.description}")
        return None
    import asyncio
    from dataclasses import asdict, replace

    from model.datasets import load_dataset
    from service.replay import Pace, ReplaySummary, drifted, rows_of
    from service.replay import replay as send

    texts = load_dataset(dataset, split="live", rows=rows, count=count, seed=seed)
    if scenario is not None:
        texts = drifted(texts, scenario, after, seed)
    pace = Pace(rate=rate, label_delay=label_delay, label_share=label_share, seed=seed)
    key = read_lines(key_file, "key file")[0] if key_file is not None else None
    done = 0
    with progress_bar("Replaying", len(texts), quiet=quiet) as advance:

        def progress(summary: ReplaySummary) -> None:
            nonlocal done
            finished = summary.answered + summary.failed
            advance(finished - done)
            done = finished

        summary = asyncio.run(send(rows_of(texts), url, pace, key=key, progress=progress))
    say(
        f"{summary.answered} of {summary.sent} answered in {summary.seconds:.1f} s, {summary.correct} as labelled; "
        f"{summary.labelled} labels taken; {summary.refused} tries refused, {summary.failed} rows failed",
        quiet,
    )
    if summary.failed:
        raise SurroundingsError(f"{summary.failed} of {summary.sent} rows got no prediction; see the service's log.")
    return asdict(replace(summary, seconds=round(summary.seconds, 3)))
