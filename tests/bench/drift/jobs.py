"""What is computed, in pieces of half a minute: each is one JSON file, and one that is there is not made again."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from tests.bench.drift import ours
from tests.bench.drift.peers.sheets import PEERS, ask
from tests.bench.drift.pools import World
from tests.bench.drift.reading import open_world
from tests.bench.drift.scenarios import ALL, LABELS_ONLY, QUIET

SIZES = (50, 200, 500, 1000)
WINDOWS_A_BASELINE = 5
"""Of a peer: some take long to get to know a baseline."""


@dataclass(frozen=True)
class Place:
    """Where a world comes from; enough for another process to open it."""

    name: str
    model: str | None
    dataset: str
    work: str

    def open(self, say: Callable[[str], None], *, threads: int = 1) -> World:
        model = Path(self.model) if self.model else None
        return open_world(self.name, model, self.dataset, Path(self.work), threads=threads, say=say)


@dataclass(frozen=True)
class Effort:
    """How much of everything. `quiet` is by baseline size."""

    quiet: dict[int, int]
    windows: int
    """A scenario and size."""
    verdicts: int
    """Windows of 500 a scenario, judged with and without labels."""
    quiet_verdicts: int
    months: int
    begun: int
    """Runs of a day a harmful scenario."""
    peer_quiet: int
    peer_windows: int
    day: int = 24
    sizes: tuple[int, ...] = SIZES
    chunk: int = 250
    together: int = 12
    """Scenarios that a peer is asked about at once."""


@dataclass(frozen=True)
class Job:
    """One piece. `key` names its file; a key says everything that its content depends on but the code."""

    key: str
    what: str
    world: str
    arguments: dict[str, Any] = field(default_factory=dict)


def plan(world: str, effort: Effort, peers: list[str], harmful: list[str]) -> Iterator[Job]:
    """What comes first in one world: every scenario, and the peers."""
    names = [scenario.name for scenario in ALL]
    seen = [name for name in names if name not in LABELS_ONLY]
    yield from _verdicts(world, [*names, QUIET], effort)
    for name in harmful:
        arguments = {"scenario": name, "runs": effort.begun, "day": effort.day}
        yield Job(f"{world}/begun/{name}-{effort.begun}", "begun", world, arguments)
    for peer in peers:
        yield from _of_peer(world, peer, seen, effort)
    for size in effort.sizes:
        for name in seen:
            if size != ours.ROWS:
                yield _windows(world, name, size=size, base=800, draws=effort.windows, chunk=0)


def rounds(world: str, effort: Effort) -> Iterator[Job]:
    """What takes longest: quiet windows and months, in turns, so that a run that is cut short has some of each."""
    several = [list(_quiet(world, base, size, effort)) for base in effort.quiet for size in effort.sizes]
    months = [Job(f"{world}/month/{at}", "month", world, {"at": at}) for at in range(effort.months)]
    several.append(months)
    for turn in range(max(map(len, several))):
        yield from (jobs[turn] for jobs in several if turn < len(jobs))


def _verdicts(world: str, names: list[str], effort: Effort) -> Iterator[Job]:
    for name in names:
        draws = effort.quiet_verdicts if name == QUIET else effort.verdicts
        for at, count in _chunks(draws, 50):
            arguments = {"scenario": name, "draws": count, "chunk": at}
            yield Job(f"{world}/verdicts/{name}-{at}-{count}", "verdicts", world, arguments)


def _quiet(world: str, base: int, size: int, effort: Effort) -> Iterator[Job]:
    for at, count in _chunks(effort.quiet[base], effort.chunk):
        yield _windows(world, QUIET, size=size, base=base, draws=count, chunk=at)


def _windows(world: str, name: str, *, size: int, base: int, draws: int, chunk: int) -> Job:
    arguments = {"scenario": name, "size": size, "base": base, "draws": draws, "chunk": chunk}
    return Job(f"{world}/windows/{name}-{base}-{size}-{chunk}-{draws}", "windows", world, arguments)


def _of_peer(world: str, peer: str, names: list[str], effort: Effort) -> Iterator[Job]:
    for size in effort.sizes:
        if size < PEERS[peer].fewest:
            continue
        for at, count in _chunks(effort.peer_quiet, 100):
            arguments = {"peer": peer, "scenarios": [QUIET], "size": size, "draws": count, "chunk": at}
            yield Job(f"{world}/peer/{peer}-{QUIET}-{size}-{at}-{count}", "peer", world, arguments)
        for at in range(0, len(names), effort.together):
            some = names[at : at + effort.together]
            arguments = {"peer": peer, "scenarios": some, "size": size, "draws": effort.peer_windows, "chunk": 0}
            key = f"{world}/peer/{peer}-{some[0]}-{len(some)}-{size}-{effort.peer_windows}"
            yield Job(key, "peer", world, arguments)


def _chunks(total: int, most: int) -> Iterator[tuple[int, int]]:
    for at, begin in enumerate(range(0, total, most)):
        yield at, min(most, total - begin)


def number(*words: object) -> int:
    """A seed from words: the same everywhere and always."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, words)).encode()).digest()[:4], "big")


def do(job: Job, world: World, work: Path) -> Any:
    """The content of the job's file."""
    asked = job.arguments
    match job.what:
        case "windows":
            seed = [number("windows", asked["scenario"], asked["size"], asked["base"]), asked["chunk"]]
            sizes = {"size": asked["size"], "base_rows": asked["base"]}
            return ours.p_values(world, asked["scenario"], **sizes, draws=asked["draws"], seed=seed)
        case "verdicts":
            seed = [number("verdicts", asked["scenario"]), asked["chunk"]]
            return ours.verdicts(world, asked["scenario"], asked["draws"], seed)
        case "month":
            return ours.month(world, [number("month"), asked["at"]], lambda: None)
        case "begun":
            seeds = ([number("begun", asked["scenario"]), run] for run in range(asked["runs"]))
            return [ours.begun(world, asked["scenario"], asked["day"], seed) for seed in seeds]
        case "peer":
            return _asked(world, asked, work)
    raise ValueError(job.what)


def _asked(world: World, asked: dict[str, Any], work: Path) -> dict[str, Any]:
    """By scenario what a peer says of windows beside baselines of 800, five windows a baseline."""
    groups, owners, truth = [], [], []
    for name in asked["scenarios"]:
        for begin in range(0, asked["draws"], WINDOWS_A_BASELINE):
            rng = np.random.default_rng([number("peer", name, asked["size"]), asked["chunk"], begin])
            held = world.baseline(800, rng)
            count = min(WINDOWS_A_BASELINE, asked["draws"] - begin)
            windows = [world.window(name, asked["size"], rng, held) for _ in range(count)]
            groups.append((held.reference, windows))
            owners += [name] * count
            truth += [float(window.correct.mean()) for window in windows]
    answer = ask(asked["peer"], work, groups)
    return {"scenarios": owners, "size": asked["size"], "accuracy": truth, **answer}


# ── running them ─────────────────────────────────────────────────────────────────────────────────

_WORLDS: dict[str, World] = {}
_WORK = Path()


def hush() -> None:
    """No line a round."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _begin(places: list[Place], work: str) -> None:
    global _WORK  # noqa: PLW0603 - what a worker process is given once
    hush()
    _WORLDS.update({place.name: place.open(lambda _: None) for place in places})
    _WORK = Path(work)


def _do(job: Job, file: str) -> str:
    content = do(job, _WORLDS[job.world], _WORK)
    target = Path(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".part")
    unfinished.write_text(json.dumps(content))
    unfinished.rename(target)
    return job.key


def run(
    jobs: list[Job],
    places: list[Place],
    folder: Path,
    work: Path,
    *,
    processes: int,
    enough: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Every job whose file is missing, some at a time. No new one begins once `enough`; one that fails is told of."""
    missing = [job for job in jobs if not _file(folder, job).exists()]
    say(f"{len(missing)} of {len(jobs)} pieces to do, on {processes} processes")
    waiting = iter(missing)
    with ProcessPoolExecutor(processes, initializer=_begin, initargs=(places, str(work))) as pool:
        running: dict[Future[str], Job] = {}

        def refill() -> None:
            while len(running) <= processes and not enough():
                job = next(waiting, None)
                if job is None:
                    return
                running[pool.submit(_do, job, str(_file(folder, job)))] = job

        refill()
        done = 0
        while running:
            finished = next(as_completed(running))
            job = running.pop(finished)
            done += 1
            error = finished.exception()
            say(f"{done}/{len(missing)} {job.key}" + ("" if error is None else f" FAILED: {error}"[:600]))
            refill()


def collected(jobs: list[Job], folder: Path) -> dict[str, list[tuple[Job, Any]]]:
    """What is there, by kind."""
    found: dict[str, list[tuple[Job, Any]]] = {}
    for job in jobs:
        file = _file(folder, job)
        if file.exists():
            found.setdefault(job.what, []).append((job, json.loads(file.read_text())))
    return found


def _file(folder: Path, job: Job) -> Path:
    return folder / ("peers" if job.what == "peer" else "ours") / f"{job.key}.json"
