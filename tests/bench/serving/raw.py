"""The engine without HTTP, in a process of its own: all workers' texts a second, and one text's forward pass alone.

    python -m tests.bench.serving.raw --model DIR --engine onnx --texts FILE --seconds S

Prints one line of JSON. `rate` is what `make bench-engine` measures for N × 1; `forward` is the engine's call alone,
median milliseconds of one text that is tokenized already.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from model.artifact import open_artifact
from model.classifier import Classifier
from model.engines.registry import open_engine
from service.opening import available_cores
from tests.bench.engine import Contender, in_batches, throughput
from tests.bench.serving.table import Raw


def measure(contender: Contender, texts: Sequence[str], seconds: float) -> Raw:
    """A third of the time for each of its three parts."""
    part = seconds / 3
    rates = [throughput(contender, in_batches(texts, size), part) for size in (1, 8)]
    return Raw(max(rates), forward(contender, texts, part))


def forward(contender: Contender, texts: Sequence[str], seconds: float) -> float:
    contender.enter()
    engine, tokenizer = contender.classifier._engine, contender.classifier._tokenizer
    batches = [tokenizer.batch([text]) for text in texts]
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or not taken:
        batch = batches[len(taken) % len(batches)]
        began = time.perf_counter()
        engine.run(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--engine", required=True)
    parser.add_argument("--texts", required=True, type=Path)
    parser.add_argument("--seconds", type=float, default=9.0)
    parser.add_argument("--workers", type=int, default=available_cores())
    arguments = parser.parse_args()
    artifact = open_artifact(arguments.model)
    classifier = Classifier(artifact, open_engine(arguments.engine, artifact))
    contender = Contender(arguments.engine, classifier, arguments.workers, 1)
    texts = [json.loads(line)["text"] for line in arguments.texts.read_text(encoding="utf-8").splitlines()]
    sys.stdout.write(json.dumps(asdict(measure(contender, texts, arguments.seconds))) + "\n")


if __name__ == "__main__":
    main()
