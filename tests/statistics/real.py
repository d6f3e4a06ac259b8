"""Streams and intervals on a real model's predictions: `python -m tests.statistics.real [--model DIR --dataset CSV]`.

Uses the pools of `make bench-drift` (AG News: made in ten minutes where they are missing; the built-in sample with a
tiny model without --model). Two minutes with pools, `--quick` half a minute; `--json FILE` writes the figures too.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from monitors.checks import accuracy
from monitors.checks.stream_drift import _normal, strangeness
from monitors.protocols import Evidence
from monitors.statistics.binomial import wilson_interval
from monitors.statistics.conformal import advance
from monitors.statistics.sampling import chances, compound, draw_systematic, scale_for, unsure
from monitors.window import Window
from tests.bench.drift.pools import World
from tests.bench.drift.reading import open_world

STREAMS = ("wrong_field_100", "wrong_field_25", "language_20", "language_5", "topics_20", "spam_10", "covert_20")
LABELS = 100
MOST = 1200
STEP = 16


def delay(world: World, scenario: str, seed: int, before: int) -> int:
    """Predictions from the change to the alarm of the stream, on a baseline of 800 rows; `MOST` where there is none."""
    rng = np.random.default_rng(seed)
    held = world.baseline(800, rng)
    normal = _normal(held.reference)
    assert normal is not None
    purse = normal.begun
    if before:
        quiet = strangeness(normal.views, world.window("quiet", before, rng, held))
        purse = replace(advance(normal.bins, purse, quiet, seed), peak=0.0)
    scores = strangeness(normal.views, world.window(scenario, MOST, rng, held))
    at = 0
    while at < len(scores):
        after = advance(normal.bins, purse, scores[at : at + STEP], seed)
        if after.peak > 20:
            break
        purse, at = after, at + STEP
    while at < len(scores) and purse.peak <= 20:
        purse, at = advance(normal.bins, purse, scores[at : at + 1], seed), at + 1
    return at


def widths(world: World, draws: int, *, audit: bool) -> dict[str, float]:
    """Mean width of the accuracy shown at 100 labels, over that of the classical intervals of as many plain labels."""
    shown, exact, wilson, held, guessed = 0.0, 0.0, 0.0, 0, 0
    truth = float(world.quiet.correct.mean())
    for seed in range(draws):
        rng = np.random.default_rng([9, seed])
        baseline = world.baseline(800, rng)
        rows = world.window("quiet", len(world.quiet) - 800, rng, baseline)
        count = len(rows)
        plain = rng.permutation(count)[:LABELS]
        if audit:
            doubt = unsure(rows.scores.max(axis=1))
            rounds = [np.full(count, LABELS / 2 / count)]
            drawn = draw_systematic(rounds[0], rng)
            rounds.append(chances(doubt, scale_for(doubt[~drawn], LABELS / 2)))
            drawn |= draw_systematic(rounds[1], rng)
            labelled = replace(rows.take(drawn), asked=compound(rounds, count)[drawn])
        else:
            labelled = rows.take(plain)
        finding = accuracy.CHECK.run(baseline, _evidence(rows, labelled), 0.01)
        assert finding.estimate is not None
        right = int(rows.correct[plain].sum())
        classical = accuracy.exact_interval(right, LABELS), wilson_interval(right, LABELS)
        shown += finding.estimate.high - finding.estimate.low
        exact += classical[0].high - classical[0].low
        wilson += classical[1].high - classical[1].low
        held += finding.estimate.low <= truth <= finding.estimate.high
        guessed += finding.details["classical"] is not None
    return {
        "narrower_than_exact": 1 - shown / exact,
        "narrower_than_wilson": 1 - shown / wilson,
        "coverage": held / draws,
        "with_guesses": guessed / draws,
    }


def _evidence(rows: Window, labelled: Window) -> Evidence:
    now = int(rows.time.max()) + 1
    return Evidence(now=now, window=rows, labelled=labelled, served=len(rows), margin=0.02, sample=rows)


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dataset", help="AG News as CSV; with --model")
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    world_name = "ag_news" if given.model else "sample"
    world = open_world(world_name, given.model, given.dataset or "sample", given.work, threads=1, say=_say)
    trials, draws = (9, 60) if given.quick else (41, 400)
    found: dict[str, Any] = {"world": world_name, "delays": {}, "intervals": {}}
    lines = ["| scenario | predictions to alarm, fresh baseline | after 500 quiet ones |", "|---|---|---|"]
    for scenario in STREAMS:
        _say(scenario)
        medians = [
            float(np.median([delay(world, scenario, seed, quiet) for seed in range(trials)])) for quiet in (0, 500)
        ]
        found["delays"][scenario] = medians
        lines.append(f"| {scenario} | {medians[0]:.0f} | {medians[1]:.0f} |")
    lines += ["", "| 100 labels drawn | narrower than exact | than Wilson's | coverage |", "|---|---|---|---|"]
    for audit, drawn in ((False, "evenly"), (True, "by an audit in doubt")):
        _say(drawn)
        figures = found["intervals"][drawn] = widths(world, draws, audit=audit)
        narrower = [100 * figures[f"narrower_than_{name}"] for name in ("exact", "wilson")]
        lines.append(f"| {drawn} | {narrower[0]:.0f} % | {narrower[1]:.0f} % | {100 * figures['coverage']:.1f} % |")
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
