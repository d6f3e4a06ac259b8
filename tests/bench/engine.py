"""How many texts a second each engine classifies with all cores busy and no HTTP; and how long one text alone takes.

    python -m tests.bench.engine [--model DIR | --shape 12x768] [--threads N] [--seconds S] [--rounds R]

Tokenizing is included: texts in, predictions out. Every contender runs in every round, in another order each time, and
each figure is the median over the rounds; the control is torch as one worker of N threads. Machines are noisy: only
figures of the same run compare, and ratios below 1.25 are ties.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from model.artifact import Artifact, open_artifact
from model.classifier import Classifier
from model.engines import Engine
from model.engines.onnx_engine import OnnxEngine
from model.engines.onnx_int8_engine import Int8Engine
from model.engines.torch_engine import TorchEngine
from model.sample import LABELS, generate
from service.wiring import available_cores

SEED = 20
TEXTS = 800
LONE = 60
"""How many texts are sent one after another to time one alone, at most; and at least a tenth of them."""


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
        for text in texts:
            if time.perf_counter() > until and len(taken) >= LONE // 10:
                break
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
    return path


def tiny_model(path: Path) -> Path:
    from model.datasets import load_dataset
    from model.training import train

    rows = {"train_rows": 1200, "test_rows": 100}
    learn = load_dataset("sample", split="train", **rows, seed=0)
    train(learn, load_dataset("sample", split="test", **rows, seed=0), "tiny", path)
    return path


def measure(
    entered: Sequence[Contender], rounds: int, one: Callable[[Contender], float], progress: Callable[[], None]
) -> dict[str, float]:
    """Median of each contender's figure over the rounds."""
    figures: dict[str, list[float]] = {contender.name: [] for contender in entered}
    for number in range(rounds):
        order = list(entered)
        random.Random(number).shuffle(order)
        for contender in order:
            figures[contender.name].append(one(contender))
            progress()
    return {name: statistics.median(values) for name, values in figures.items()}


def compare(artifact: Artifact, cores: int, seconds: float, rounds: int, console: Console) -> Table:
    texts = [story.text for story in generate("live", TEXTS, seed=SEED)]
    entered = contenders(artifact, cores)
    lengths = [int(n) for n in entered[0].classifier._tokenizer.batch(texts).attention_mask.sum(axis=1)]
    table = Table(title=f"{artifact.info.name}: {np.mean(lengths):.0f} tokens a text, {cores} cores, {rounds} rounds")
    table.add_column("workers × threads", no_wrap=True)
    columns: list[dict[str, float]] = []
    with console.status("") as status:
        steps = count(1)
        whole = 3 * rounds * len(entered)

        def progress() -> None:
            status.update(f"Measuring: {next(steps)} of {whole}")

        for size in (1, 8):
            batches = in_batches(texts, size)
            columns.append(measure(entered, rounds, partial(throughput, batches=batches, seconds=seconds), progress))
            for title in (f"texts/s by {size}", "ratio"):
                table.add_column(title, justify="right")
        columns.append(measure(entered, rounds, partial(alone, texts=texts[:LONE], seconds=seconds), progress))
        for title in ("alone, ms", "ratio"):
            table.add_column(title, justify="right")
    control = entered[0].name
    for contender in entered:
        row = [contender.name + (" (control)" if contender.name == control else "")]
        for figures in columns:
            row += [f"{figures[contender.name]:.1f}", f"{figures[contender.name] / figures[control]:.2f}"]
        table.add_row(*row)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--model", help="a model directory; the tiny one, trained for this, without it")
    chosen.add_argument("--shape", help="layers x hidden size with random weights, for example 12x768")
    parser.add_argument("--threads", type=int, default=available_cores(), help="cores to use")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each contender runs in each round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / (arguments.shape or "tiny")
        if arguments.model is None:
            (random_model(arguments.shape, path) if arguments.shape else tiny_model(path))
        artifact = open_artifact(arguments.model or str(path))
        console.print(compare(artifact, arguments.threads, arguments.seconds, arguments.rounds, console))


if __name__ == "__main__":
    main()
