"""What a person sees of long work: progress bars and short tables on standard error. Knows nothing of the work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from model.prediction import Estimate
from monitors.verdict import Verdict


@contextmanager
def progress_bar(what: str, total: int | None, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Yields a function that is told how much is newly done; `total` None is not known."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=sys.stderr), disable=quiet) as bars:
        task = bars.add_task(what, total=total)
        yield lambda done: bars.update(task, advance=done)


def percent(estimate: Estimate) -> str:
    """`85.9 % (83.3–88.2 %)`."""
    return f"{estimate.value:.1%} ({estimate.low:.1%}–{estimate.high:.1%})"


def figures(metrics: Mapping[str, Estimate]) -> Iterator[str]:
    """One line a figure: name, value, 95 % interval."""
    wide = max(map(len, metrics), default=0)
    for name, estimate in metrics.items():
        yield f"  {name:<{wide}}  {estimate.value:8.4f}  ({estimate.low:.4f} to {estimate.high:.4f})"


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """A verdict as a person reads it in a terminal: what, why, and what each check saw."""
    yield f"{verdict.kind.value} ({verdict.severity.value}): {verdict.count} predictions"
    for reason in verdict.reasons:
        yield f"  · {reason}"
    if verdict.accuracy is not None:
        yield f"accuracy from {verdict.accuracy.count} labels: {percent(verdict.accuracy)}"
    wide = max((len(finding.check) for finding in verdict.findings), default=0)
    for finding in verdict.findings:
        score = "" if finding.score is None else f"{finding.score:.2f} of {finding.threshold or 0:.2f}"
        yield f"  {finding.check:<{wide}}  {finding.state.value:<12}  {score:>14}  {finding.summary}"


def say(text: str, quiet: bool) -> None:
    """To stdout, unless a machine reads there."""
    if not quiet:
        click.echo(text)
