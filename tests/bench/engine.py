"""How many texts a second each engine classifies with all cores busy and no HTTP; and how long one text alone takes.

    python -m tests.bench.engine [--model DIR | --shape 12x768] [--threads N] [--seconds S] [--rounds R] [--quick]

Tokenizing is included: texts in, predictions out. Every contender runs in every round, in another order each time, and
each figure is the median over the rounds; the control is torch as one worker of N threads. Machines are noisy: only
figures of the same run compare, and ratios below 1.25 are ties.

Takes 3 minutes and never much more than twice that: rounds for which no time is left are not run, and the table says
how many were. With `--quick` about 40 seconds. Progress goes to stderr, the table to stdout, figures as JSON to
`--output`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch

from model.artifact import MANIFEST_FILE, Artifact, open_artifact
from model.classifier import Classifier
from model.engines import Engine
from model.engines.onnx_engine import OnnxEngine
from model.engines.onnx_int8_engine import Int8Engine
from model.engines.torch_engine import TorchEngine
from model.sample import LABELS, generate
from service.opening import available_cores

SEED = 20
TEXTS = 800


@dataclass(frozen=True)
class Contender:
    """An engine with so many workers of so many threads."""

    name: str
    classifier: Classifier
    workers: int
    threads: int

    def enter(self) -> None:
        """In the worker's own thread, before it is timed."""
        self.classifier.classify(["The first text takes longer than the others."])
        if isinstance(self.classifier._engine, TorchEngine):
            torch.set_num_threads(self.threads)  # after the engine has set its own, once, for this thread


@dataclass(frozen=True)
class Column:
    """One kind of figure: what it is, in how many rounds it was taken, and each contender's median."""

    title: str
    rounds: int
    figures: dict[str, float]


def throughput(contender: Contender, batches: Sequence[list[str]], seconds: float) -> float:
    """Texts a second while every worker takes one batch after another."""
    ready = threading.Barrier(contender.workers + 1)
    stop = threading.Event()
    position = count()
    done = [0] * contender.workers

    def work(worker: int) -> None:
        contender.enter()
        ready.wait()
        while not stop.is_set():
            batch = batches[next(position) % len(batches)]
            contender.classifier.classify(batch)
            done[worker] += len(batch)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(contender.workers)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


def alone(contender: Contender, texts: Sequence[str], seconds: float) -> float:
    """Median milliseconds of one text, one after another, everything else idle."""
    taken: list[float] = []

    def work() -> None:
        contender.enter()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until or not taken:
            text = texts[len(taken) % len(texts)]
            began = time.perf_counter()
            contender.classifier.classify([text])
            taken.append((time.perf_counter() - began) * 1000)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return statistics.median(taken)


def contenders(artifact: Artifact, cores: int) -> list[Contender]:
    """The control first."""

    def made(name: str, engine: Engine, workers: int, threads: int) -> Contender:
        return Contender(f"{name} {workers}×{threads}", Classifier(artifact, engine), workers, threads)

    torch_engine = TorchEngine(artifact, device="cpu")
    return [
        made("torch", torch_engine, 1, cores),
        made("torch", torch_engine, cores, 1),
        made("onnx", OnnxEngine(artifact), cores, 1),
        made("onnx", OnnxEngine(artifact, threads=cores), 1, cores),
        made("onnx-int8", Int8Engine(artifact), cores, 1),
        made("onnx-int8", Int8Engine(artifact, threads=cores), 1, cores),
    ]


def in_batches(texts: Sequence[str], size: int) -> list[list[str]]:
    return [list(texts[start : start + size]) for start in range(0, len(texts), size)]


def random_model(shape: str, path: Path) -> Path:
    """A BERT of `layers x hidden` with random weights and the vocabulary of `tiny`; speed does not ask for more."""
    from transformers import BertConfig, BertForSequenceClassification

    from model.base_model import begin

    layers, hidden = (int(number) for number in shape.split("x"))
    texts = [story.text for story in generate("train", 400)]
    tokenizer, _ = begin(None, texts, LABELS, 128)
    torch.manual_seed(SEED)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden, max_position_embeddings=512, num_labels=len(LABELS),
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    (path / MANIFEST_FILE).write_text("{}", encoding="utf-8")  # opened as one of ours, without transformers
    return path


def tiny_model(path: Path) -> Path:
    from model.datasets import load_dataset
    from model.training import train

    rows = {"train_rows": 1200, "test_rows": 100}
    learn = load_dataset("sample", split="train", **rows, seed=0)
    train(learn, load_dataset("sample", split="test", **rows, seed=0), "tiny", path)
    return path


def measure(
    entered: Sequence[Contender], rounds: int, seconds: float, one: Callable[[Contender], float], title: str
) -> Column:
    """Median of each contender's figure over the rounds; after twice their time the rest is not run."""
    figures: dict[str, list[float]] = {contender.name: [] for contender in entered}
    until = time.monotonic() + 2 * rounds * len(entered) * seconds
    done = 0
    while done < rounds and (not done or time.monotonic() < until):
        order = list(entered)
        random.Random(done).shuffle(order)
        for contender in order:
            figures[contender.name].append(one(contender))
        done += 1
        say(f"{title}: round {done} of {rounds}")
    return Column(title, done, {name: statistics.median(values) for name, values in figures.items()})


def compare(entered: Sequence[Contender], texts: Sequence[str], seconds: float, rounds: int) -> list[Column]:
    columns = []
    for size in (1, 8):
        one = partial(throughput, batches=in_batches(texts, size), seconds=seconds)
        columns.append(measure(entered, rounds, seconds, one, f"texts/s by {size}"))
    columns.append(measure(entered, rounds, seconds, partial(alone, texts=texts, seconds=seconds), "alone, ms"))
    return columns


def markdown(columns: Sequence[Column], control: str) -> str:
    """A row for each contender: each figure, and its ratio to the control's."""
    head = ["workers × threads", *(cell for column in columns for cell in (column.title, "ratio"))]
    rows = [head, ["---"] * len(head)]
    for name in columns[0].figures:
        row = [name + (" (control)" if name == control else "")]
        for column in columns:
            row += [f"{column.figures[name]:.1f}", f"{column.figures[name] / column.figures[control]:.2f}"]
        rows.append(row)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / (arguments.shape or "tiny")
        if arguments.model is None:
            say(f"making a model: {path.name}")
            (random_model(arguments.shape, path) if arguments.shape else tiny_model(path))
        artifact = open_artifact(arguments.model or str(path))
        texts = [story.text for story in generate("live", TEXTS, seed=SEED)]
        say("opening the engines")
        entered = contenders(artifact, arguments.threads)
        columns = compare(entered, texts, arguments.seconds, arguments.rounds)
    lengths = entered[0].classifier._tokenizer.batch(texts).attention_mask.sum(axis=1)
    rounds = ", ".join(str(column.rounds) for column in columns)
    title = f"{artifact.info.name}: {np.mean(lengths):.0f} tokens a text, {arguments.threads} cores, {rounds} rounds"
    if arguments.output is not None:
        arguments.output.write_text(
            json.dumps({"title": title, "columns": [asdict(each) for each in columns]}, indent=1)
        )
    sys.stdout.write(f"{title}\n\n{markdown(columns, entered[0].name)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--model", help="a model directory; the tiny one, trained for this, without it")
    chosen.add_argument("--shape", help="layers x hidden size with random weights, for example 12x768")
    parser.add_argument("--threads", type=int, default=available_cores(), help="cores to use")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each contender runs in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="a file for the figures, as JSON")
    parser.add_argument("--quick", action="store_true", help="two rounds of one second")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seconds, arguments.rounds = 1.0, 2
    return arguments


if __name__ == "__main__":
    main()
