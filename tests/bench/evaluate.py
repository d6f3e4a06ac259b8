"""How long an evaluation takes, and how much memory: `python -m tests.bench.evaluate [--quick] [--json FILE]`.

Each line is a process of its own, from start to end, as a user starts it: `bertwatch evaluate` on 100,000 rows of
scores of four classes (30 s and 1 GB are what it may take), as control scikit-learn's plain figures (no interval, no
plot, no report) on the same file in the same run, and `bertwatch baseline` on the sample's 800 test rows with the tiny
model (20 s), trained first. About two minutes on an idle machine; `--quick` takes one round of 10,000 rows, one minute.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

CLASSES = ("World", "Sports", "Business", "Sci/Tech")
SCORES = tuple(f"score_{name}" for name in CLASSES)
CONTROL = f"""
import sys
import pandas as pd
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, log_loss, roc_auc_score
rows = pd.read_csv(sys.argv[1])
scores = rows[list({SCORES!r})].to_numpy()
scores = scores / scores.sum(axis=1, keepdims=True)
names = {CLASSES!r}
order = sorted(range(4), key=names.__getitem__)
truth, said = rows.label.to_numpy(), [names[at] for at in scores.argmax(1)]
accuracy_score(truth, said)
classification_report(truth, said)
confusion_matrix(truth, said)
log_loss(truth, scores[:, order])
roc_auc_score(truth, scores[:, order], multi_class="ovr")
"""


def write_scores(path: Path, rows: int) -> None:
    """Calibrated scores: the true class is drawn from them."""
    rng = np.random.default_rng(0)
    raised = np.exp(1.5 * rng.normal(size=(rows, len(CLASSES))))
    scores = raised / raised.sum(axis=1, keepdims=True)
    truth = (rng.random(rows)[:, None] > scores.cumsum(axis=1)[:, :-1]).sum(axis=1)
    frame = pd.DataFrame(scores, columns=list(SCORES))
    frame["label"] = np.array(CLASSES)[truth]
    frame["segment"] = rng.choice(["web", "mail", "app"], rows)
    frame["length"] = rng.gamma(4.0, 40.0, rows).round()
    frame.to_csv(path, index=False)


def measured(*command: str | Path) -> tuple[float, float]:
    """Seconds, and the largest resident memory of the process with its children in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, env={**os.environ, "HF_HUB_OFFLINE": "1"}
    )
    peak = 0.0
    watched = psutil.Process(process.pid)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            try:
                family = [watched, *watched.children(recursive=True)]
                peak = max(peak, sum(member.memory_info().rss for member in family) / 1e6)
            except psutil.Error:
                continue

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    if status:
        raise SystemExit(f"{command[0]} ended with status {status}")
    return seconds, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--model", type=Path, default=None, help="instead of a tiny one that is trained first")
    parser.add_argument("--quick", action="store_true", help="10,000 rows, one round")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    given = parser.parse_args()
    rows, rounds = given.rows or (10_000 if given.quick else 100_000), given.rounds or (1 if given.quick else 3)
    ours = (sys.executable, "-m", "service.cli")
    with tempfile.TemporaryDirectory() as held:
        directory = Path(held)
        model = given.model or directory / "tiny"
        if given.model is None:
            sys.stderr.write("training the tiny model\n")
            measured(*ours, "train", "--dataset", "sample", "--base-model", "tiny", "--output", model, "--json")
        write_scores(directory / "scores.csv", rows)
        contenders: dict[str, tuple[str | Path, ...]] = {
            "scikit-learn, plain figures": (sys.executable, "-c", CONTROL, directory / "scores.csv"),
            "bertwatch evaluate": (
                *ours, "evaluate", "--predictions", directory / "scores.csv", "--label-column", "label",
                "--score-columns", *SCORES, "--feature-columns", "length", "--segment-column", "segment", "--output",
            ),
            "bertwatch baseline, 800 texts": (*ours, "baseline", "--model", model, "--dataset", "sample", "--output"),
        }  # fmt: skip
        found = {}
        sys.stdout.write(f"{rows:,} rows of scores, best of {rounds}, load {os.getloadavg()[0]:.1f}\n\n")
        sys.stdout.write("| what | seconds | peak MB |\n|---|---|---|\n")
        for name, command in contenders.items():
            taken = []
            for each in range(rounds):
                output = () if name.startswith("scikit") else (directory / f"{name.split(',')[0].split()[1]}-{each}",)
                taken.append(measured(*command, *output))
            found[name] = {"seconds": min(r[0] for r in taken), "peak_mb": max(r[1] for r in taken)}
            sys.stdout.write("| {} | {seconds:.1f} | {peak_mb:.0f} |\n".format(name, **found[name]))
            sys.stdout.flush()
    if given.json is not None:
        given.json.write_text(json.dumps({"rows": rows, "rounds": rounds, "found": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
