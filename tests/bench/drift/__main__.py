"""Does the monitor tell the truth, and how does it compare with its peers?

    python -m tests.bench.drift [--model DIR --dataset CSV] [--quick] [--minutes 42] [--processes 3]

`make bench-drift ARGUMENTS='...'` is the same. Without a model the world is the built-in sample with a tiny model,
trained for it; with one (and AG News as CSV, whose first 1,200 rows it was trained on) both worlds are run. Peers run
in environments of their own below `.bench`. What is done is kept there: a run that is cut short goes on where it was,
and the tables are made of what there is. Changing a file of `monitors` or of this benchmark begins anew, but for the
peers.

Expected on 3 quiet cores: the quick form 2 minutes (once 5 more for environments, model and texts); the full one 45
minutes, and with AG News once 10 more for a six-layer model to read every scenario's texts. `--minutes` says when to
begin nothing more. Nothing else should run beside it: the round that is timed is timed first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from tests.bench.drift import ours
from tests.bench.drift.figures import HARMFUL, MISSED, REACHED, Target
from tests.bench.drift.jobs import Effort, Job, Place, collected, hush, plan, rounds, run
from tests.bench.drift.peers.sheets import PEERS, install
from tests.bench.drift.pools import World
from tests.bench.drift.scenarios import ALL
from tests.bench.drift.tables import Found, all_sheets, as_json, targets_table

ROOM = Path(__file__).parent
QUICK = Effort(
    quiet={800: 60}, windows=2, verdicts=2, quiet_verdicts=20, months=0, begun=1,
    peer_quiet=60, peer_windows=5, day=3, sizes=(200, 500), chunk=30, together=40,
)  # fmt: skip
FULL = {
    "ag_news": Effort(
        quiet={800: 4000, 2400: 1000}, windows=40, verdicts=50, quiet_verdicts=400, months=20, begun=6,
        peer_quiet=600, peer_windows=30,
    ),
    "sample": Effort(
        quiet={800: 1000}, windows=20, verdicts=30, quiet_verdicts=200, months=3, begun=3,
        peer_quiet=300, peer_windows=20,
    ),
}  # fmt: skip
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SPEED_ROWS, SPEED_BOUND = 2000, 0.5


def say(words: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stderr.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dataset", help="AG News as CSV; with --model")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, default=42.0, help="when to begin nothing more")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--work", type=Path, default=Path(".bench"))
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", choices=("sample", "ag_news"))
    given = parser.parse_args()
    if (given.model is None) != (given.dataset is None):
        parser.error("--model and --dataset go together")
    return given


def main() -> None:
    """Everything in its turn. Threads of numpy are limited before it is imported, so the process starts itself anew."""
    if os.environ.get(ONE_THREAD[0]) != "1":
        os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
        os.execv(sys.executable, [sys.executable, "-m", "tests.bench.drift", *sys.argv[1:]])
    given = arguments()
    hush()
    given.work.mkdir(exist_ok=True)
    troubles: list[str] = []
    peers = []
    for key in () if given.no_peers else PEERS:
        trouble = install(key, given.work, say)
        troubles += [trouble] if trouble else []
        peers += [] if trouble else [key]
    places = [Place("sample", None, "sample", str(given.work))]
    if given.model is not None:
        places.insert(0, Place("ag_news", str(given.model), given.dataset, str(given.work)))
    places = [place for place in places if given.only in (None, place.name)]
    worlds = {place.name: place.open(say, threads=given.processes) for place in places}
    folder = given.work / f"run-{'quick' if given.quick else 'full'}"
    mine = folder / f"code-{code_hash()}"
    mine.mkdir(parents=True, exist_ok=True)
    peer_folder = mine / "peers"
    if not peer_folder.exists():  # what peers said does not depend on our code
        shared = folder / f"peers-{code_hash(theirs=True)}"
        shared.mkdir(exist_ok=True)
        peer_folder.symlink_to(Path("..") / shared.name, target_is_directory=True)
    speed = timed(worlds[places[0].name], mine / "speed.json", rounds=3 if given.quick else 15)
    losses = {name: {one.name: world.loss(one.name) for one in ALL} for name, world in worlds.items()}
    efforts = {name: QUICK if given.quick else FULL[name] for name in worlds}
    jobs: list[Job] = []
    for name, lost in losses.items():
        jobs += plan(name, efforts[name], peers, [one for one, loss in lost.items() if loss >= HARMFUL])
    for name in worlds:
        jobs += rounds(name, efforts[name])
    end = time.monotonic() + 60 * given.minutes
    run(jobs, places, mine, given.work, processes=given.processes, enough=lambda: time.monotonic() > end, say=say)
    report(given, jobs, losses, mine, speed=speed, troubles=troubles)


def timed(world: World, file: Path, rounds: int) -> list[float]:
    """Seconds of rounds on 2,000 rows, taken before anything else runs; kept with the load of that moment."""
    if not file.exists():
        say("timing a round of all checks")
        seconds = ours.round_seconds(world, SPEED_ROWS, rounds, [7])
        file.write_text(json.dumps({"seconds": seconds, "load": os.getloadavg()[0], "world": world.name}))
    return list(json.loads(file.read_text())["seconds"])


def code_hash(*, theirs: bool = False) -> str:
    """Of everything that figures depend on: ours, or `theirs`."""
    digest = hashlib.sha256()
    drawn = [ROOM / name for name in ("scenarios.py", "pools.py", "reading.py", "jobs.py")]
    ours_too = [*Path("monitors").rglob("*.py"), ROOM / "ours.py", ROOM / "tape.py"]
    for file in sorted([*drawn, *((ROOM / "peers").glob("*.py") if theirs else ours_too)]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def report(
    given: argparse.Namespace,
    jobs: list[Job],
    losses: dict[str, dict[str, float]],
    folder: Path,
    *,
    speed: list[float],
    troubles: list[str],
) -> None:
    """Markdown on stdout, the same and all numbers beside the pieces."""
    pieces = collected(jobs, folder)
    there = sum(map(len, pieces.values()))
    median = float(np.median(speed))
    shown = f"{median:.2f} (largest {max(speed):.2f})"
    timing = Target(
        f"a round of all checks on {SPEED_ROWS} rows, seconds on one thread", f"≤ {SPEED_BOUND}", shown,
        REACHED if median <= SPEED_BOUND else MISSED,
    )  # fmt: skip
    words, everything = [], {}
    for name, lost in losses.items():
        found = Found(name, given.half, lost, pieces)
        sheets = all_sheets(found)
        words += [sheet.markdown() for sheet in sheets]
        words.insert(0, f"Targets, {name}:\n\n" + targets_table(sheets, [timing] if not everything else []))
        everything[name] = as_json(sheets)
    head = f"{'Quick' if given.quick else 'Full'} form, half `{given.half}`, {there} of {len(jobs)} pieces.\n"
    text = "\n".join([head, *words, *troubles])
    (folder / f"table-{given.half}.md").write_text(text)
    content = {"half": given.half, "pieces": there, "of": len(jobs), "speed_seconds": speed, "losses": losses}
    whole = json.dumps(content | {"sheets": everything, "troubles": troubles}, indent=1)
    (folder / f"figures-{given.half}.json").write_text(whole)
    sys.stdout.write(text + "\n")
    say(f"kept in {folder}")


if __name__ == "__main__":
    main()
