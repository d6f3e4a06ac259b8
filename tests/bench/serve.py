"""Serving frameworks with the same model, texts and load, beside ours; ours logs every answer, the peers log nothing.

    python -m tests.bench.serve [--model DIR | --shape 12x768] [--dataset FILE --rows A-B] [--seconds 10] [--quick]
                                [--only NAME,…] [--concurrency 1,8,32,128] [--output FILE]

Takes about 17 minutes as it stands (and 5 more the first time, for the peers' environments under `.bench/`), about 2
with `--quick`. Progress goes to stderr; the Markdown table to stdout; everything measured, as JSON, to `--output`.
Machines are noisy: only figures of the same run compare. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.errors import InputError, SurroundingsError
from service.opening import available_cores
from tests.bench.serving.contenders import ROOT, Contender, contenders, interpreter, with_controls
from tests.bench.serving.load import Point, apply, find_wrk, write_bodies
from tests.bench.serving.running import MemoryWatch, started
from tests.bench.serving.table import Raw, Result, bounds, markdown

TEXTS = 2000
WARM_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long (seconds)."""

    model: Path
    concurrencies: Sequence[int]
    seconds: int
    warm: int
    raw_seconds: float
    cores: int


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="bertwatch-bench-") as scratch:
        try:
            find_wrk()
            texts = _texts(arguments.dataset, arguments.rows)
            model = _model(arguments.model, arguments.shape, Path(scratch))
            _export(model)
            plan = Plan(
                model, [int(each) for each in arguments.concurrency.split(",")], arguments.seconds, arguments.warm,
                arguments.raw_seconds, arguments.workers,
            )  # fmt: skip
            entered = _chosen(with_controls(contenders(plan.cores)), arguments.only)
            results, raw = measure(plan, entered, texts, Path(scratch), arguments.cache)
        except (InputError, SurroundingsError) as error:
            sys.exit(f"bench-serve: {error}")
    facts = {"command": f"python -m tests.bench.serve {' '.join(sys.argv[1:])}".strip(), **surroundings(plan)}
    _write(arguments.output, facts, results, raw)
    sys.stdout.write(f"{_heading(facts)}\n\n{markdown(results, raw, plan.concurrencies)}")


def measure(
    plan: Plan, entered: Sequence[Contender], texts: Sequence[str], scratch: Path, cache: Path
) -> tuple[list[Result], dict[str, Raw]]:
    """The raw engines first, then one contender after another, each alone on the machine."""
    bodies = {form: write_bodies(texts, form, scratch / f"{form}.jsonl") for form in ("text", "texts")}
    pythons = {contender.name: interpreter(contender, cache, _say) for contender in entered}
    raw = {}
    for engine in dict.fromkeys(each.engine for each in entered if each.role == "ours" and each.engine):
        raw[engine] = _raw(plan, engine, bodies["text"])
        _say(f"raw {engine}: {raw[engine].rate:.0f} texts/s, forward pass {raw[engine].forward:.1f} ms")
    results = []
    for number, contender in enumerate(entered, 1):
        _say(f"{number} of {len(entered)}: {contender.name}")
        try:
            results.append(_one(plan, contender, pythons[contender.name], bodies[contender.form]))
        except SurroundingsError as error:
            _say(f"    FAILED: {error}")
            results.append(Result(contender.name, contender.role, contender.engine, 0.0, {}, {}))
    return results, raw


def _one(plan: Plan, contender: Contender, python: Path, bodies: Path) -> Result:
    body = bodies.read_bytes().splitlines()[0]
    points: dict[int, Point] = {}
    memory: dict[int, float] = {}
    with started(contender, python, plan.model, body) as running:
        apply(running.url, contender.route, bodies, WARM_CONCURRENCY, plan.warm)
        for concurrency in plan.concurrencies:
            running.drain()
            with MemoryWatch(running) as watch:
                points[concurrency] = apply(running.url, contender.route, bodies, concurrency, plan.seconds)
            memory[concurrency] = watch.peak
            seen = points[concurrency]
            _say(
                f"    c={concurrency}: {seen.rate:.0f}/s, p50 {seen.p50:.1f} ms, p99 {seen.p99:.1f} ms, "
                f"not ok {seen.refused + seen.broken}, {watch.peak:.0f} MiB"
            )
        return Result(contender.name, contender.role, contender.engine, running.ready, memory, points)


def _raw(plan: Plan, engine: str, texts: Path) -> Raw:
    command = [
        sys.executable, "-m", "tests.bench.serving.raw", "--model", str(plan.model), "--engine", engine,
        "--texts", str(texts), "--seconds", str(plan.raw_seconds), "--workers", str(plan.cores),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=ROOT)
    if done.returncode:
        raise SurroundingsError(f"the raw engine {engine} ended with {done.returncode}: {done.stderr[-500:]}")
    return Raw(**json.loads(done.stdout.splitlines()[-1]))


def _texts(dataset: str, rows: str | None) -> list[str]:
    from model.datasets import load_dataset
    from model.sample import generate

    if dataset == "sample":
        return [story.text for story in generate("live", TEXTS, seed=20)]
    return load_dataset(dataset, split="live", rows=rows).texts[:TEXTS]


def _model(model: str | None, shape: str | None, scratch: Path) -> Path:
    from tests.bench.engine import random_model, tiny_model

    if model is not None:
        return Path(model).resolve()
    _say(f"making a model: {shape or 'tiny'}")
    return random_model(shape, scratch / shape) if shape else tiny_model(scratch / "tiny")


def _export(model: Path) -> None:
    """Make the engines' files, as a first start would: what is timed is every later start."""
    for engine in ("onnx", "onnx-int8"):
        command = [sys.executable, "-m", "service.cli", "model", "export", "--model", str(model), "--engine", engine]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            raise SurroundingsError(f"the file of {engine} cannot be made: {done.stderr.strip()[-500:]}")


def _chosen(entered: list[Contender], only: str | None) -> list[Contender]:
    if only is None:
        return entered
    wanted = only.split(",")
    chosen = [contender for contender in entered if any(part in contender.name for part in wanted)]
    if not chosen:
        raise InputError(f"nobody is called so; choose from {', '.join(dict.fromkeys(c.name for c in entered))}.")
    return chosen


def surroundings(plan: Plan) -> dict[str, Any]:
    git = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False, cwd=ROOT)
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    return {
        "commit": commit.stdout.strip(), "cpu": cpu, "cores": plan.cores, "python": platform.python_version(),
        "load_before": os.getloadavg()[0], "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "seconds_per_point": plan.seconds, "model": plan.model.name,
    }  # fmt: skip


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _heading(facts: dict[str, Any]) -> str:
    return (
        f"`{facts['command']}` at {facts['commit']}, {facts['when']}; {facts['cores']} cores of {facts['cpu']}, "
        f"{facts['seconds_per_point']} s a point."
    )


def _write(output: Path, facts: dict[str, Any], results: Sequence[Result], raw: dict[str, Raw]) -> None:
    reached = [{**asdict(bound), "reached": bound.reached} for bound in bounds(results, raw)]
    everything = {
        "facts": facts, "results": [asdict(each) for each in results],
        "raw": {name: asdict(one) for name, one in raw.items()}, "bounds": reached,
    }  # fmt: skip
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial")
    partial.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(output)
    _say(f"written: {output}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--model", help="a model directory; the tiny one, trained for this, without it")
    chosen.add_argument("--shape", help="layers x hidden size with random weights, for example 12x768")
    parser.add_argument("--dataset", default="sample", help="texts: sample, or a file that bertwatch reads")
    parser.add_argument("--rows", help="rows of that file, for example 2001-5000")
    parser.add_argument("--concurrency", default="1,8,32,128")
    parser.add_argument("--seconds", type=int, default=10, help="at each point")
    parser.add_argument("--warm", type=int, default=3, help="seconds of load before the first point")
    parser.add_argument("--raw-seconds", type=float, default=15.0, help="for each raw engine")
    parser.add_argument("--workers", type=int, default=available_cores(), help="the N of N×1")
    parser.add_argument("--only", help="comma-separated parts of names")
    parser.add_argument("--cache", type=Path, default=ROOT / ".bench", help="where the peers' environments stand")
    parser.add_argument("--output", type=Path, default=ROOT / ".bench" / "serve.json")
    parser.add_argument("--quick", action="store_true", help="two seconds a point, c=1 and c=32 only")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.warm, arguments.raw_seconds, arguments.concurrency = 2, 1, 3.0, "1,32"
    return arguments


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
