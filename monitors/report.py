"""The Evidently HTML report of a window against the baseline, with our verdict at its head.

Evidently runs in a worker process with a time limit and is never imported here. It gets sampled numbers and
escaped names, never a text.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from model.errors import BertwatchError, InputError, SurroundingsError
from monitors.baseline import Baseline
from monitors.protocols import Clock, Journal, Log, Reports
from monitors.report_head import head
from monitors.verdict import Aspect, State, Verdict
from monitors.window import Window

logger = structlog.get_logger(__name__)

DRIFT = (Aspect.INPUT, Aspect.OUTPUT, Aspect.CLASS_MIX)
FEWEST_ROWS = 2
MOST_CLASSES = 10
"""Of more classes, only the confidence is shown and no column a class."""
MOST_SEGMENTS = 10
LONGEST_NAME = 40

_PLAIN = str.maketrans({"<": "‹", ">": "›", "&": "＆", '"': "”", "'": "’", "`": "’", "\\": "＼", "{": "(", "}": ")"})


@dataclass(frozen=True, slots=True)
class Level:
    """Our thresholds, as Evidently's tests get them."""

    changed: bool
    """Whether our verdict says that inputs, outputs or the class mix have changed."""
    threshold: float
    """−log10 p from which a column counts as carrying the change: the alarm level of our checks, shared by columns."""


def make_report(
    baseline: Baseline,
    window: Window,
    verdict: Verdict,
    *,
    rows: int = 2000,
    time_limit: float = 120.0,
    stop: threading.Event | None = None,
) -> str:
    """The report as one HTML page of about 4 MB, on at most `rows` rows of each side.

    Serve it under `Content-Security-Policy: sandbox allow-scripts`. Raises InputError where there is nothing to
    compare, SurroundingsError if the worker breaks, takes longer than `time_limit` seconds, or `stop` is set.
    """
    for name, side in (("window", window), ("baseline", baseline.reference)):
        if len(side) < FEWEST_ROWS:
            raise InputError(
                f"The {name} holds fewer than {FEWEST_ROWS} predictions, so there is nothing to report on."
            )
    draw = np.random.default_rng(verdict.time)
    sides = {"current": _sampled(window, rows, draw), "reference": _sampled(baseline.reference, rows, draw)}
    numbers = {name: _numbers(side) for name, side in sides.items()}
    categories = dict(zip(sides, _categories(*sides.values()), strict=True))
    shown = [name for name in numbers["current"] if all(np.isfinite(side[name]).any() for side in numbers.values())]
    if not shown:
        raise InputError("No score and no text number of the window is finite, so there is nothing to report on.")
    named = list(categories["current"])
    level = level_of(verdict, len(shown) + len(named))
    plan = {"numbers": shown, "categories": named, "changed": level.changed, "threshold": level.threshold}
    with tempfile.TemporaryDirectory(prefix="bertwatch-report-") as name:
        directory = Path(name)
        (directory / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        for which in sides:
            arrays = {f"n{index}": numbers[which][column] for index, column in enumerate(shown)}
            words = {f"c{index}": categories[which][column] for index, column in enumerate(named)}
            np.savez(directory / f"{which}.npz", allow_pickle=False, **arrays, **words)
        html = run_worker(directory, time_limit, stop or threading.Event())
    sampled = (min(rows, len(window)), min(rows, len(baseline.reference)))
    return html.replace("<body>", "<body>" + head(baseline, verdict, level.threshold, sampled), 1)


def make_waiting_reports(
    *,
    log: Log,
    journal: Journal,
    reports: Reports,
    baseline: Baseline,
    clock: Clock,
    rows: int = 2000,
    time_limit: float = 120.0,
    stop: threading.Event | None = None,
) -> int:
    """Make the reports that were asked for, on the window and the verdict of the last round; how many were made.

    One that cannot be made is saved with a sentence instead. Before the first round, and once `stop` is set,
    they wait. Raises what reports, journal and log raise.
    """
    made, stop = 0, stop or threading.Event()
    version = baseline.model.version
    for report in reports.waiting(version):
        verdict = journal.memory(version).verdict
        if verdict is None or stop.is_set():
            break
        window = log.window(version, verdict.start, verdict.end)
        html, error = None, None
        try:
            html = make_report(baseline, window, verdict, rows=rows, time_limit=time_limit, stop=stop)
        except BertwatchError as problem:
            if stop.is_set():
                break
            error = str(problem)
        reports.save(report, clock(), html, error)
        logger.info("report_made" if html else "report_failed", report=report, reason=error)
        made += html is not None
    return made


def level_of(verdict: Verdict, columns: int) -> Level:
    """A column is marked only where our checks found a change (the gate), and then at the false-alarm
    probability of those checks divided by the number of columns (Bonferroni). So the two never contradict."""
    drift = [finding for finding in verdict.findings if finding.aspect in DRIFT]
    alphas = [
        10.0**-finding.threshold for finding in drift if finding.threshold is not None and finding.p_value is not None
    ]
    alpha = min(sum(alphas), 0.05) if alphas else 0.001
    return Level(
        changed=any(finding.state is State.ALARM for finding in drift),
        threshold=round(-math.log10(alpha / columns), 4),
    )


def plain(name: str) -> str:
    """A name that no place of a page can take for markup or script: in HTML, in a script, in a plot's label."""
    seen = "".join(character if character.isprintable() else " " for character in name.translate(_PLAIN))
    return " ".join(seen.split())[:LONGEST_NAME] or "?"


def _sampled(window: Window, rows: int, draw: np.random.Generator) -> Window:
    if len(window) <= rows:
        return window
    return window.take(np.sort(draw.choice(len(window), rows, replace=False)))


def _numbers(window: Window) -> dict[str, NDArray[np.float64]]:
    labels, scores = _distinct(window.model.labels), np.where(np.isfinite(window.scores), window.scores, np.nan)
    safe = np.where(scores > 0, scores, 1.0)
    columns = {"confidence": scores.max(axis=1), "entropy": -(scores * np.log(safe)).sum(axis=1)}
    if len(labels) <= MOST_CLASSES:
        columns |= {f"score of {label}": scores[:, index] for index, label in enumerate(labels)}
    features = _distinct(window.model.features)
    columns |= {f"text: {feature}": window.features[:, index] for index, feature in enumerate(features)}
    return {name: np.where(np.isfinite(column), column, np.nan) for name, column in columns.items()}


def _categories(*windows: Window) -> list[dict[str, NDArray[np.str_]]]:
    """The same columns for each window; a segment only where all have some, the rare ones as others."""
    sides: list[dict[str, NDArray[np.str_]]] = [
        {
            "predicted class": np.array(_distinct(window.model.labels))[window.predicted],
            "truncated": np.where(window.truncated, "yes", "no"),
        }
        for window in windows
    ]
    if all(any(segment is not None for segment in window.segment) for window in windows):
        named = [
            np.array(["none" if segment is None else plain(segment) for segment in window.segment])
            for window in windows
        ]
        names, counts = np.unique(np.concatenate(named), return_counts=True)
        frequent = names[np.argsort(-counts, kind="stable")][:MOST_SEGMENTS]
        for side, segments in zip(sides, named, strict=True):
            side["segment"] = np.where(np.isin(segments, frequent), segments, "others")
    return sides


def _distinct(names: Sequence[str]) -> list[str]:
    """Plain names, numbered where escaping or shortening has made two of them the same."""
    seen = [plain(name) for name in names]
    return [f"{name} ({index + 1})" if seen.count(name) > 1 else name for index, name in enumerate(seen)]


def run_worker(directory: Path, time_limit: float, stop: threading.Event) -> str:
    """The page that `monitors.report_worker` makes of a directory. Raises SurroundingsError if there is none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BERTWATCH_")}
    environment |= {"DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "monitors.report_worker", str(directory)]
    mute = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=mute, stdout=mute, stderr=mute, env=environment)
    deadline = time.monotonic() + time_limit
    try:
        while process.poll() is None and time.monotonic() < deadline and not stop.wait(0.05):
            pass
    finally:
        late = process.poll() is None
        if late:
            process.kill()
        process.wait()
    if stop.is_set():
        raise SurroundingsError("The report was not finished, because the monitor was stopped.")
    if late:
        raise SurroundingsError(f"The report took longer than {time_limit:g} seconds and was given up.")
    page = directory / "report.html"
    if process.returncode != 0 or not page.exists():
        error = directory / "error.txt"
        why = error.read_text(encoding="utf-8") if error.exists() else f"exit status {process.returncode}"
        raise SurroundingsError(f"The report could not be made: the worker ended with {why}.")
    return page.read_text(encoding="utf-8")
