"""A round of checks over an hour of a million logged predictions: `python -m tests.bench.hour [--rows N] [--quick]`.

Builds an SQLite log with texts and a baseline of 800 (seeded), then measures, each in a process of its own:

- a round of the monitor at the shipped schedule: five minutes after the one before, so that the streams have a twelfth
  of the hour to read, and the window, all checks, verdict and commit are as they always are;
- as control, pandas reading the same numbers (class, scores, text numbers) of a plain table of columns.

Seconds are those of the round alone; memory is the largest resident set of the whole process (VmHWM).
About four minutes for a million rows, half a minute with `--quick` (100,000). Writes JSON with `--output FILE`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monitors.window import Window
from tests.statistics.simulation import LABELS, MODEL, baseline_of, draw

HOUR, MINUTE = 3_600_000_000, 60_000_000
BEGIN = 1_790_000_000_000_000
AT_A_TIME = 50_000
LABEL_SHARE = 0.01
TEXT = "A sentence of about the length of a piece of news, which stands in the wide table and is read by nobody. " * 2
PLAIN = ("predicted", *(f"score_{i}" for i in range(len(LABELS))), *MODEL.features)


def build(directory: Path) -> None:
    """`baseline`, and `log.db` and `plain.db` without a row."""
    from dataclasses import replace

    from monitors.baseline import save_baseline
    from monitors.baseline.contract import identity
    from monitors.window_file import numbered_ids
    from service.store.database import open_database
    from service.store.predictions import PredictionLog

    rows_of = draw(np.random.default_rng(1), 800)
    kept = {name: getattr(rows_of, name).astype(np.float32).astype(float) for name in ("features", "projection")}
    numbers = np.arange(1, 801)
    held = baseline_of(
        replace(rows_of, **kept, time=numbers, label_time=numbers, ids=numbered_ids(numbers), start=1, end=801)
    )
    save_baseline(replace(held, id=identity(held)), directory / "baseline")
    with open_database(f"sqlite:///{directory}/log.db") as database:
        PredictionLog(database).register(MODEL, BEGIN)
    with sqlite3.connect(directory / "plain.db") as plain:
        plain.execute(f"CREATE TABLE predictions (time INTEGER PRIMARY KEY, {', '.join(PLAIN)}, text)")


def fill(directory: Path, rows: int, minutes: range) -> None:
    """The hour's rows of these minutes into both."""
    log, plain = sqlite3.connect(directory / "log.db"), sqlite3.connect(directory / "plain.db")
    first, last = (rows * minute // 60 for minute in (minutes.start, minutes.stop))
    for done, part in parts(rows):
        chosen = (np.arange(done, done + len(part)) >= first) & (np.arange(done, done + len(part)) < last)
        if chosen.any():
            _insert(log, plain, part.take(chosen), done + int(chosen.argmax()))
            sys.stderr.write(f"\rbuilding: {min(done + len(part), last):,} of {rows:,} rows")
    sys.stderr.write("\n")
    for connection in (log, plain):
        connection.commit()
        connection.close()


def parts(rows: int) -> Iterator[tuple[int, Window]]:
    """The hour, seeded, in order of time; each part with the number of rows before it."""
    from dataclasses import replace

    rng = np.random.default_rng(2)
    times = BEGIN + np.arange(rows) * (HOUR // rows)
    for first in range(0, rows, AT_A_TIME):
        some = times[first : first + AT_A_TIME]
        yield first, replace(draw(rng, len(some)), time=some)


def _insert(log: sqlite3.Connection, plain: sqlite3.Connection, part: Window, done: int) -> None:
    from service.store.packing import layout

    count = len(part)
    seqs, labels = np.arange(done + 1, done + count + 1), MODEL.labels
    packed = np.zeros(count, layout(MODEL))
    for name, column in (
        ("seq", seqs), ("time", part.time), ("id", part.ids), ("text_hash", part.text_hash), ("label", part.predicted),
        ("truncated", part.truncated), ("scores", part.scores), ("features", part.features),
        ("projection", part.projection),
    ):  # fmt: skip
        packed[name] = column
    ids = [row.tobytes() for row in part.ids]
    times, said = part.time.tolist(), part.predicted.tolist()
    sure = part.scores.max(axis=1).tolist()
    log.executemany(
        "INSERT INTO predictions VALUES (?, ?, ?, ?, NULL, 'torch', 'fp32', NULL, NULL, ?, ?, 0, ?)",
        zip(seqs.tolist(), ids, times, [MODEL.version] * count, [labels[at] for at in said], sure, [TEXT] * count,
            strict=True),
    )  # fmt: skip
    log.executemany(
        "INSERT INTO prediction_numbers VALUES (1, ?, ?, ?, NULL, ?)",
        zip(times, seqs.tolist(), seqs.tolist(), [row.tobytes() for row in packed], strict=True),
    )
    chosen = np.flatnonzero(np.random.default_rng(done).random(count) < LABEL_SHARE)
    log.executemany(
        "INSERT INTO labels VALUES (NULL, ?, ?, ?, 1, ?, ?, ?, 'feedback', NULL, 1, 1)",
        [
            (int(seqs[at]), ids[at], times[at], labels[part.truth[at]], int(part.truth[at]), times[at] + MINUTE)
            for at in chosen
        ],
    )
    table = np.column_stack([part.time, part.predicted, part.scores, part.features]).tolist()
    marks = ", ".join("?" * (2 + len(PLAIN)))
    plain.executemany(f"INSERT INTO predictions VALUES ({marks})", [(int(row[0]), *row[1:], TEXT) for row in table])


# ── what is measured, in a process of its own ────────────────────────────────────────────────────


def one_round(directory: Path, minutes: int) -> dict[str, Any]:
    """The round at so many minutes of the hour."""
    from monitors.baseline import load_baseline
    from service.settings import Settings
    from service.store.database import open_database
    from service.store.predictions import PredictionLog
    from service.store.reports import Reports
    from service.store.verdicts import Verdicts
    from service.wiring import open_runner

    settings = Settings(database=f"sqlite:///{directory}/log.db")
    held = load_baseline(directory / "baseline")
    with open_database(settings.database) as database:
        runner = open_runner(
            settings, held, (), now=lambda: BEGIN + minutes * MINUTE, log=PredictionLog(database),
            journal=Verdicts(database), reports=Reports(database, 20),
        )  # fmt: skip
        began, used = time.perf_counter(), time.process_time()
        outcome = runner.run(f"at-{minutes}")
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    assert outcome is not None, "nobody else takes slots of this log"
    return {
        "seconds": seconds,
        "processor_seconds": processor,
        "peak_mb": peak_mb(),
        "predictions": outcome.verdict.count,
        "verdict": outcome.verdict.kind.value,
        "looked_at": {finding.check: finding.count for finding in outcome.verdict.findings},
    }


def plain_read(directory: Path) -> dict[str, Any]:
    import pandas as pd

    columns = ", ".join(("time", *PLAIN))
    with sqlite3.connect(directory / "plain.db") as connection:
        began, used = time.perf_counter(), time.process_time()
        frame = pd.read_sql(f"SELECT {columns} FROM predictions", connection)
        seconds, processor = time.perf_counter() - began, time.process_time() - used
    return {"seconds": seconds, "processor_seconds": processor, "peak_mb": peak_mb(), "predictions": len(frame)}


def peak_mb() -> float:
    """VmHWM belongs to the program alone; getrusage would count what its parent was before."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


@dataclass(frozen=True)
class Measured:
    name: str
    task: str
    rounds: list[dict[str, Any]]

    def best(self) -> dict[str, Any]:
        return min(self.rounds, key=lambda each: float(each["seconds"]))


def measure(directory: Path, task: str) -> dict[str, Any]:
    """In a fresh process of one thread."""
    command = [sys.executable, "-m", "tests.bench.hour", "--task", task, "--directory", str(directory)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | threads, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(rows: int, found: list[Measured]) -> str:
    control = found[-1].best()["seconds"]
    lines = [
        f"{rows:,} predictions in the hour, best of {len(found[0].rounds)}, one thread",
        "",
        "| what | seconds | of the control | processor seconds | peak MB |",
        "|---|---|---|---|---|",
    ]
    for each in found:
        one = each.best()
        peak = max(float(round_["peak_mb"]) for round_ in each.rounds)
        times = f"{one['seconds']:.2f} | {one['seconds'] / control:.2f} | {one['processor_seconds']:.2f}"
        lines.append(f"| {each.name} | {times} | {peak:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="100,000 rows, one round")
    parser.add_argument("--output", type=Path, default=None)
    parser.add_argument("--task", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task is not None:
        name, _, minutes = given.task.partition(":")
        done = plain_read(given.directory) if name == "plain" else one_round(given.directory, int(minutes))
        sys.stdout.write(json.dumps(done) + "\n")
        return
    rows, rounds = (100_000, 1) if given.quick else (given.rows, given.rounds)
    with tempfile.TemporaryDirectory() as held:
        directory = given.directory or Path(held)
        build(directory)
        found = run(directory, rows, rounds)
    text = table(rows, found)
    sys.stdout.write(text + "\n")
    if given.output is not None:
        facts = {"rows": rows, "load": os.getloadavg()[0], "measured": {one.name: one.rounds for one in found}}
        given.output.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def run(directory: Path, rows: int, rounds: int) -> list[Measured]:
    """A round before, so that the streams stand five minutes back; then, every time anew, the one that counts."""
    log, before = directory / "log.db", directory / "before.db"
    fill(directory, rows, range(55))
    sys.stderr.write("the round five minutes before, whose streams begin at the beginning\n")
    first = measure(directory, "round:55")
    fill(directory, rows, range(55, 60))
    shutil.copy(log, before)
    found: dict[str, list[dict[str, Any]]] = {"round:60": [], "plain": []}
    for at in range(rounds):
        sys.stderr.write(f"measuring {at + 1} of {rounds}\n")
        shutil.copy(before, log)
        for task, seen in found.items():
            seen.append(measure(directory, task))
    return [
        Measured("a round, five minutes after the one before", "round:60", found["round:60"]),
        Measured("a first round: the streams read eleven twelfths of the hour", "round:55", [first]),
        Measured("control: pandas reads the same numbers from plain columns", "plain", found["plain"]),
    ]


if __name__ == "__main__":
    main()
