"""Whether memory grows with the texts: `python -m tests.bench.stream [--quick] [--model DIR] [--json FILE]`.

`bertwatch baseline` with the tiny model on few and on ten times as many rows of long texts, each a process of its own
from start to end; and as control a process that holds the same file's texts in a list and does nothing else. About
four minutes on an idle machine, of which the tiny model's training is half a minute; `--quick` takes one minute.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

from model.sample import generate
from tests.bench.evaluate import measured

SEED = 5
STORIES = 45
"""In a text: about 10,000 characters."""
CONTROL = "import sys; from model.datasets import load_dataset; load_dataset(sys.argv[1])"


def write_texts(path: Path, rows: int) -> int:
    """Labelled texts, no two alike, each of many stories. Gives the megabytes of the file."""
    rng = random.Random(SEED)
    pool = list(islice(generate("test", None, seed=SEED), 2000))
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            told = rng.choices(pool, k=STORIES)
            text = " ".join([told[0].text, f"Number {row}.", *(story.text for story in told[1:])])
            file.write(json.dumps({"text": text, "label": told[0].label}) + "\n")
    return round(path.stat().st_size / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 and 5,000 rows instead of 2,000 and 20,000")
    parser.add_argument("--model", type=Path, default=None, help="instead of a tiny one that is trained first")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    given = parser.parse_args()
    few = 500 if given.quick else 2000
    ours = (sys.executable, "-m", "service.cli")
    found = []
    with tempfile.TemporaryDirectory() as held:
        directory = Path(held)
        model = given.model or directory / "tiny"
        if given.model is None:
            train = (*ours, "train", "--dataset", "sample", "--base-model", "tiny", "--output", str(model))
            subprocess.run(train, check=True, stdout=subprocess.DEVNULL)
        for rows in (few, 10 * few):
            texts = directory / f"{rows}.jsonl"
            size = write_texts(texts, rows)
            sys.stderr.write(f"{rows} rows of {size} MB\n")
            seconds, peak = measured(
                *ours, "baseline", "--model", model, "--dataset", texts, "--behavior", "none",
                "--output", directory / f"baseline-{rows}",
            )  # fmt: skip
            _, control = measured(sys.executable, "-c", CONTROL, texts)
            found.append({"rows": rows, "file_mb": size, "seconds": seconds, "peak_mb": peak, "control_mb": control})
    less, more = found
    sys.stdout.write("| rows | file MB | seconds | peak MB | peak MB of a list of the texts |\n|---|---|---|---|---|\n")
    for each in found:
        sys.stdout.write("| {rows:,} | {file_mb} | {seconds:.1f} | {peak_mb:.0f} | {control_mb:.0f} |\n".format(**each))
    ratio, control = more["peak_mb"] / less["peak_mb"], more["control_mb"] / less["control_mb"]
    sys.stdout.write(f"\nten times the texts: {ratio:.2f} times the memory (control: {control:.2f} times)\n")
    if given.json is not None:
        given.json.write_text(json.dumps({"sizes": found, "ratio": ratio, "control_ratio": control}, indent=2) + "\n")


if __name__ == "__main__":
    main()
