"""`POST /predictions`, one row a request: rows a second, with and without shared transactions.

`python -m tests.bench.made_elsewhere [--quick] [--output FILE]`: about 5 minutes, 1 minute with `--quick`. The control
is the same service with a transaction a request, as it was before; both run in turns on fresh databases. wrk asks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.evaluate import CLASSES, SCORES, write_scores
from tests.conftest import take_port
from tests.e2e.load import check_log
from tests.processes import Service
from tests.servers.postgres import running_postgres

CONCURRENCY = (1, 8, 32)
BODY = json.dumps({"scores": dict(zip(CLASSES, (0.1, 0.2, 0.6, 0.1), strict=True)), "features": {"length": 160}})
SCRIPT = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{BODY}]]
"""
CONTROL = Path(__file__).with_name("each_by_itself.py")


def make_baseline(directory: Path) -> None:
    write_scores(directory / "scores.csv", 2000)
    command = [
        sys.executable, "-m", "service.cli", "evaluate", "--predictions", str(directory / "scores.csv"),
        "--label-column", "label", "--score-columns", *SCORES, "--labels", ",".join(CLASSES),
        "--feature-columns", "length", "--output", str(directory / "baseline"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def ask(url: str, script: Path, connections: int, seconds: int) -> tuple[float, int]:
    """Rows a second, and answers that were none."""
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", str(script), f"{url}/predictions"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    [rate] = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    bad = re.findall(r"Non-2xx or 3xx responses: (\d+)", said)
    return float(rate), int(bad[0]) if bad else 0


def measure(url: str, work: Path, seconds: int, *, control: bool) -> dict[int, float]:
    """Rows a second by the number of clients, on a new database."""
    script, log = work / "ask.lua", work / "serve.log"
    service = Service(take_port(), log, baseline=work / "baseline", database=url, monitor=False)
    if control:
        service.command = [sys.executable, str(CONTROL)]
    with service:
        ask(service.url, script, 8, 1)
        rates = {}
        for connections in CONCURRENCY:
            rates[connections], bad = ask(service.url, script, connections, seconds)
            if bad:
                sys.stderr.write(f"{bad} answers were no 200\n")
    check_log(url, set())
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="One short round.")
    parser.add_argument("--output", type=Path, default=None, help="File of JSON to write.")
    given = parser.parse_args()
    rounds, seconds = (1, 3) if given.quick else (3, 6)
    found: dict[tuple[str, bool], list[dict[int, float]]] = {}
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running_postgres(durable=True))
        make_baseline(work)
        (work / "ask.lua").write_text(SCRIPT)
        for number in range(rounds):
            for name, control in (("SQLite", True), ("SQLite", False), ("PostgreSQL", True), ("PostgreSQL", False)):
                url = f"sqlite:///{work}/{number}{control}.db"
                if name == "PostgreSQL":
                    url = server.new_database(f"bench{number}{str(control).lower()}")
                rates = measure(url, work, seconds, control=control)
                found.setdefault((name, control), []).append(rates)
                sys.stderr.write(f"round {number + 1} of {rounds}, {name}, control {control}: {rates}\n")
    report(found, given.output)


def report(found: dict[tuple[str, bool], list[dict[int, float]]], output: Path | None) -> None:
    """Medians over rounds, as a table and as JSON."""
    rows = []
    for name in ("SQLite", "PostgreSQL"):
        for connections in CONCURRENCY:
            shared, alone = (
                statistics.median(rates[connections] for rates in found[name, control]) for control in (False, True)
            )
            rows.append({"database": name, "clients": connections, "shared": shared, "alone": alone})
    sys.stdout.write("| database | clients | rows/s, shared commits | rows/s, a commit each (control) | ratio |\n")
    sys.stdout.write("|---|---|---|---|---|\n")
    for row in rows:
        ratio = row["shared"] / row["alone"]
        line = f"| {row['database']} | {row['clients']} | {row['shared']:.0f} | {row['alone']:.0f} | {ratio:.1f} |"
        sys.stdout.write(line + "\n")
    if output is not None:
        temporary = output.with_name(output.name + ".part")
        temporary.write_text(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=1))
        temporary.replace(output)


if __name__ == "__main__":
    main()
