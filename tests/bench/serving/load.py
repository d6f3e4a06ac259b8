"""One load generator for all: wrk with `post.lua`. Knows nothing of who answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model.errors import SurroundingsError

SCRIPT = Path(__file__).with_name("post.lua")
LONGEST_ANSWER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Point:
    """What was seen at one concurrency. Milliseconds; of all answers, refusals too."""

    concurrency: int
    rate: float
    """Answers of status 200 a second."""
    refused: int
    """Answers of another status."""
    broken: int
    """Connections refused or reset, and requests without an answer in time."""
    p50: float
    p99: float


def find_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        raise SurroundingsError("wrk is not installed; run tests/system-packages wrk, or install it.")
    return found


def write_bodies(texts: Sequence[str], form: str, path: Path) -> Path:
    """One JSON body a line: `{"text": …}`, or `{"texts": […]}` where the contender takes lists only."""
    bodies = ({"text": text} if form == "text" else {"texts": [text]} for text in texts)
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies), encoding="utf-8")
    return path


def apply(url: str, route: str, bodies: Path, concurrency: int, seconds: int) -> Point:
    """Load for so many seconds over so many connections, each with one request at a time."""
    command = [
        find_wrk(), f"-t{min(concurrency, 2)}", f"-c{concurrency}", f"-d{seconds}s",
        f"--timeout={LONGEST_ANSWER_SECONDS}s", "-s", str(SCRIPT), url, "--", str(bodies), route,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 120)
    if done.returncode:
        raise SurroundingsError(f"wrk ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return parse(done.stdout, concurrency)


def parse(output: str, concurrency: int) -> Point:
    """The line of JSON among what wrk prints."""
    line = next((line for line in output.splitlines() if line.startswith("{")), None)
    if line is None:
        raise SurroundingsError("wrk printed no figures; is it version 4 with Lua?")
    seen = json.loads(line)
    return Point(
        concurrency=concurrency,
        rate=(seen["requests"] - seen["refused"]) / (seen["microseconds"] / 1e6),
        refused=seen["refused"],
        broken=seen["broken"] + seen["timeouts"],
        p50=seen["p50"] / 1000,
        p99=seen["p99"] / 1000,
    )
