"""bertwatch in the benchmark: its own wiring, runner, checks and budget, on logs in memory.

Every function is one job: a world, a seed and sizes in, plain rows (JSON) out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from monitors.baseline import Baseline
from monitors.in_memory import MemoryJournal, MemoryReports
from monitors.protocols import Check, Evidence, Outcome
from monitors.runner import Runner
from monitors.verdict import Severity, Verdict
from monitors.window import Window
from service.settings import Settings
from service.wiring import checks as chosen
from service.wiring import open_runner
from tests.bench.drift.pools import World
from tests.bench.drift.scenarios import QUIET
from tests.bench.drift.tape import HOUR, Tape, hours

AN_HOUR = Settings(interval=3600.0, window=3600.0, minimum_rows=2)
"""The shipped settings at one round an hour; a window is what came in its hour."""
ROWS = 500
LABELS = 0.2
"""Share of predictions that get a label, where a job says that there are labels."""
BEFORE = 6
"""Quiet hours before a scenario begins."""
MONTH = 720
Row = dict[str, Any]


def comparisons() -> list[Check]:
    """The checks that may alarm by chance: those that the budget counts."""
    return [check for check in chosen(AN_HOUR).checks if getattr(check, "budgeted", True)]


def p_values(world: World, scenario: str, *, size: int, base_rows: int, draws: int, seed: list[int]) -> list[Row]:
    """One window a draw, each beside a baseline of its own: p-value of every check that may alarm by chance."""
    checks = comparisons()
    rows = []
    for draw in range(draws):
        rng = np.random.default_rng([*seed, draw])
        held = world.baseline(base_rows, rng)
        evidence = _evidence(unlabelled(world.window(scenario, size, rng, held), draw))
        found = {check.name: check.run(held, evidence, 1e-3).p_value for check in checks}
        rows.append({"p": {name: 1.0 if p is None else p for name, p in found.items()}})
    return rows


def unlabelled(window: Window, number: int = 0) -> Window:
    """Before any label has arrived. `number` makes the seed that checks take from a window another one."""
    count = len(window)
    return replace(window, start=number, truth=np.full(count, -1), label_time=np.zeros(count, np.int64))


def _evidence(window: Window) -> Evidence:
    return Evidence(now=HOUR, window=window, labelled=window.take(slice(0)), served=len(window), margin=0.02)


def verdicts(world: World, scenario: str, draws: int, seed: list[int]) -> list[Row]:
    """One round on one window of 500, without labels and with a fifth of them, at the shipped budget."""
    rows = []
    compared = {check.name for check in comparisons()}
    for draw in range(draws):
        rng = np.random.default_rng([*seed, draw])
        held = world.baseline(800, rng)
        window = world.window(scenario, ROWS, rng, held)
        tape = hours([window], LABELS, 0, rng)
        blind = _first_round(held, replace(tape, truth=np.full(ROWS, -1), label_time=np.zeros(ROWS, np.int64)))
        told = _first_round(held, tape)
        estimate = blind.estimated_accuracy
        rows.append(
            {
                "accuracy": float(window.correct.mean()),
                "estimate": None if estimate is None else estimate.value,
                "low": None if estimate is None else estimate.low,
                "high": None if estimate is None else estimate.high,
                "trusted": bool(blind.estimate_trusted),
                "kind": told.kind.value,
                "severity": told.severity.value,
                "kind_blind": blind.kind.value,
                "severity_blind": blind.severity.value,
                "p": {
                    found.check: 1.0 if found.p_value is None else found.p_value
                    for found in blind.findings
                    if found.check in compared
                },
                "details": _estimate_details(blind),
            }
        )
    return rows


def _estimate_details(verdict: Verdict) -> Any:
    return next((dict(found.details) for found in verdict.findings if found.check == "estimated_accuracy"), {})


def _first_round(held: Baseline, rows: Window) -> Verdict:
    tape = Tape(rows)
    tape.now = HOUR
    outcome = _runner(held, tape).run("1")
    assert outcome is not None
    return outcome.verdict


def _runner(held: Baseline, tape: Tape) -> Runner:
    stores: dict[str, Any] = {"log": tape, "journal": MemoryJournal(), "reports": MemoryReports()}
    return open_runner(AN_HOUR, held, (), tape.clock, **stores)


def month(world: World, seed: list[int], progress: Callable[[], None]) -> Row:
    """720 hourly rounds of 500 without drift, a fifth labelled after an hour: what was told, and when."""
    rng = np.random.default_rng(seed)
    held = world.baseline(800, rng)
    told = _watched(held, [world.window(QUIET, ROWS, rng, held) for _ in range(MONTH)], rng, progress)
    return {"episodes": [(round_, outcome.verdict.kind.value, severity) for round_, severity, outcome in told]}


def _watched(
    held: Baseline,
    windows: list[Window],
    rng: np.random.Generator,
    progress: Callable[[], None],
    *,
    first: bool = False,
) -> list[tuple[int, str, Outcome]]:
    """Round (from 1), severity and outcome of every episode's opening and of every escalation."""
    tape = Tape(hours(windows, LABELS, HOUR, rng))
    runner = _runner(held, tape)
    told: list[tuple[int, str, Outcome]] = []
    open_id, loudest = None, Severity.NONE
    for at in range(1, len(windows) + 1):
        tape.now = at * HOUR
        outcome = runner.run(str(at))
        assert outcome is not None
        episode = outcome.episode
        progress()
        if episode is None or episode.resolved is not None:
            continue
        if episode.id != open_id or episode.severity.rank > loudest.rank:
            told.append((at, episode.severity.value, outcome))
            open_id, loudest = episode.id, episode.severity
            if first and at > BEFORE:
                break
    return told


def begun(world: World, scenario: str, most_hours: int, seed: list[int]) -> Row:
    """Quiet hours, then the scenario: how many of its hours passed until an episode was open.

    An episode that was open before counts as false, and the scenario as seen once it escalates.
    """
    rng = np.random.default_rng(seed)
    held = world.baseline(800, rng)
    names = [QUIET] * BEFORE + [scenario] * most_hours
    told = _watched(held, [world.window(name, ROWS, rng, held) for name in names], rng, lambda: None, first=True)
    seen = [(at - BEFORE, outcome.verdict.kind.value, severity) for at, severity, outcome in told if at > BEFORE]
    hour, kind, severity = seen[0] if seen else (None, None, None)
    return {"hours": hour, "kind": kind, "severity": severity, "false": sum(at <= BEFORE for at, _, _ in told)}


def round_seconds(world: World, rows: int, rounds: int, seed: list[int]) -> list[float]:
    """Seconds of a whole round on a window of `rows`, one after another; the first one is not counted."""
    seconds = []
    for at in range(rounds + 1):
        rng = np.random.default_rng([*seed, at])
        held = world.baseline(800, rng)
        tape = Tape(hours([world.window(QUIET, rows, rng, held)], LABELS, 0, rng))
        tape.now = HOUR
        runner = _runner(held, tape)
        began = time.perf_counter()
        runner.run("1")
        seconds.append(time.perf_counter() - began)
    return seconds[1:]
