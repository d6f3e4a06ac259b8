"""Fine-tunes a sequence classifier and writes it as an artifact. Reads top to bottom.

Knows nothing of where rows come from, of progress bars or of serving.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from model.artifact import (
    MANIFEST_FILE,
    PROJECTION_FILE,
    TRAINING_ROWS_FILE,
    open_artifact,
)
from model.base_model import TINY, base_directory, begin
from model.classifier import Classifier
from model.datasets import LabelledTexts, fingerprints
from model.engines.torch_engine import TorchEngine
from model.errors import InputError, SurroundingsError
from model.loading import loading
from model.projection import pca_projection
from model.tokenization import encodable

LEARNING_RATE = 5e-5
TINY_LEARNING_RATE = 5e-4
"""A model without pretrained weights learns in larger steps."""
_WARM_UP = 0.1
_WEIGHT_DECAY = 0.01
_LARGEST_GRADIENT = 1.0
_PROJECTED_ROWS = 2000
"""Most training rows that the projection is fitted to; its 32 directions are settled long before."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What was trained, and how right it is on rows that it has never seen."""

    path: Path
    version: str
    test_accuracy: float
    train_rows: int
    test_rows: int
    """Rows that the accuracy is over: those that were given, less the dropped ones."""
    dropped_test_rows: int
    """Test rows left out because the same text stands among the training rows."""


def train(
    training: LabelledTexts,
    test: LabelledTexts,
    base_model: str,
    output: Path,
    *,
    batch_size: int = 8,
    epochs: int = 3,
    seed: int = 0,
    learning_rate: float | None = None,
    max_length: int = 128,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingResult:
    """Fine-tune `base_model` (`tiny`, a directory or a hub name) and write `output`, whole or not at all.

    The classes are those of `training`. On a CPU the same rows, seed and number of threads (`tiny` takes one) give
    the same weights, bit for bit. `learning_rate` None takes the default of the base; `max_length` is in tokens;
    `progress` is told (steps done, steps in all). Raises InputError and SurroundingsError with one sentence.
    """
    rate = learning_rate if learning_rate is not None else TINY_LEARNING_RATE if base_model == TINY else LEARNING_RATE
    _check_numbers({"batch size": batch_size, "number of epochs": epochs, "learning rate": rate})
    if max_length < 8:
        raise InputError(f"A maximum length of {max_length} tokens leaves no room for a text; give 8 or more.")
    _check_rows(training, test)
    seen = np.unique(fingerprints(training.texts))
    unseen = _unseen(test, seen)
    base = None if base_model == TINY else base_directory(base_model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    texts = [encodable(text) for text in training.texts]
    targets = torch.from_numpy(_class_numbers(training.classes, training.labels))

    cores = torch.get_num_threads()
    with _draft_of(output) as draft, torch.random.fork_rng(), _threads(1 if base is None else cores):
        torch.manual_seed(seed)
        tokenizer, network = begin(base, texts, training.classes, max_length)
        network.to(device)
        _fit(
            network, tokenizer, texts, targets,
            epochs=epochs, batch_size=batch_size, rate=rate, seed=seed, progress=progress,
        )  # fmt: skip
        with loading():
            network.save_pretrained(draft)
            tokenizer.save_pretrained(draft)
        projection = pca_projection(_embed(network, tokenizer, texts[:_PROJECTED_ROWS]))
        save_file({"projection": projection}, draft / PROJECTION_FILE)
        save_file({"fingerprints": seen}, draft / TRAINING_ROWS_FILE)
        del network
        manifest = {
            "format": 1,
            "base_model": base_model,
            "parameters": {
                "batch_size": batch_size, "epochs": epochs, "seed": seed, "learning_rate": rate,
                "max_length": tokenizer.model_max_length,
            },
            "training": {"dataset": training.name, "sha256": training.sha256, "rows": len(texts)},
            "test": {
                "dataset": test.name, "sha256": test.sha256, "rows": len(unseen), "dropped": len(test) - len(unseen),
            },
            "versions": {name: version(name) for name in ("bertwatch", "torch", "transformers", "tokenizers")},
        }  # fmt: skip
        _write_json(draft / MANIFEST_FILE, manifest)
        served, accuracy = _measured(draft, unseen, training.classes, cores)
        _write_json(draft / MANIFEST_FILE, {**manifest, "version": served, "test_accuracy": accuracy})

    return TrainingResult(
        path=output,
        version=served,
        test_accuracy=accuracy,
        train_rows=len(texts),
        test_rows=len(unseen),
        dropped_test_rows=len(test) - len(unseen),
    )


def _unseen(test: LabelledTexts, seen: NDArray[np.uint64]) -> LabelledTexts:
    """The test rows that are no training rows."""
    unseen = test.take(np.flatnonzero(~np.isin(fingerprints(test.texts), seen)).tolist())
    if not len(unseen):
        raise InputError("Every test row is also a training row, so nothing could be measured; give other test rows.")
    return unseen


def _measured(directory: Path, rows: LabelledTexts, classes: Sequence[str], threads: int) -> tuple[str, float]:
    """Version and accuracy of the model as it is read back from disk: what is measured is what will be served."""
    artifact = open_artifact(str(directory))
    predicted = Classifier(artifact, TorchEngine(artifact)).classify_many(rows.texts, threads=threads).labels
    return artifact.info.version, float(np.mean(predicted == _class_numbers(classes, rows.labels)))


def _check_numbers(numbers: Mapping[str, float]) -> None:
    for name, value in numbers.items():
        if not value > 0:
            raise InputError(f"The {name} must be above zero, not {value:g}.")


def _check_rows(training: LabelledTexts, test: LabelledTexts) -> None:
    for part, rows in (("training", training), ("test", test)):
        if not len(rows):
            raise InputError(
                f"There is no {part} row; give a larger dataset or set --train-rows and --test-rows lower."
            )
        strange = sorted(set(rows.labels) - set(training.classes))
        if strange:
            raise InputError(f"The {part} rows have labels that are no class of the dataset: {', '.join(strange[:5])}.")
    counts = Counter(training.labels)
    if len(counts) < 2:
        raise InputError("All training rows have the same label; a classifier needs rows of two classes or more.")
    few = [name for name in training.classes if counts[name] < 2]
    if few:
        raise InputError(
            f"There are too few training rows of class {few[0]!r} ({counts[few[0]]}); each class needs at least two."
        )


def _class_numbers(classes: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    numbers = {name: number for number, name in enumerate(classes)}
    return np.array([numbers[label] for label in labels], np.int64)


def _fit(
    network: Any,
    tokenizer: Any,
    texts: Sequence[str],
    targets: torch.Tensor,
    *,
    epochs: int,
    batch_size: int,
    rate: float,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """AdamW with linear warm-up and decay (Devlin 2019, appendix A.2), over batches as wide as their longest text."""
    steps = epochs * math.ceil(len(texts) / batch_size)
    warm_up = max(1, int(steps * _WARM_UP))
    decayed = [weight for weight in network.parameters() if weight.ndim > 1]
    others = [weight for weight in network.parameters() if weight.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": _WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}], lr=rate
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, max(0.0, (steps - step) / max(1, steps - warm_up)))
    )
    order = torch.Generator().manual_seed(seed)
    network.train()
    done = 0
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(texts), generator=order), batch_size):
            inputs = _padded(tokenizer, [texts[row] for row in rows.tolist()], network.device)
            loss = network(**inputs, labels=targets[rows].to(network.device)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            done += 1
            if progress is not None:
                progress(done, steps)
    if not all(bool(torch.isfinite(weight).all()) for weight in network.parameters()):
        raise InputError(f"Training diverged at a learning rate of {rate:g}; set a lower one.")


def _embed(network: Any, tokenizer: Any, texts: Sequence[str]) -> NDArray[np.float32]:
    """Last hidden states of the first tokens, shape (n, hidden)."""
    network.eval()
    found = []
    ordered = sorted(texts, key=len)
    with torch.inference_mode():
        for first, last in pairwise([*range(0, len(ordered), 32), len(ordered)]):
            inputs = _padded(tokenizer, ordered[first:last], network.device)
            found.append(network.base_model(**inputs)[0][:, 0].cpu().numpy())
    return np.concatenate(found)


def _padded(tokenizer: Any, texts: list[str], device: torch.device) -> Any:
    return tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(device)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Torch on so many threads. `tiny` gets one: it is too small to gain by more, loses minutes where other programs
    hold the cores that its threads wait for, and so its weights are the same whatever the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _draft_of(output: Path) -> Iterator[Path]:
    """A directory beside `output` that takes its name once the body has ended well, and is gone otherwise."""
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise InputError(f"{output} already exists and is not empty; give another --output or remove it first.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".partial", dir=output.parent))
    except OSError as error:
        raise SurroundingsError(f"Cannot write to {output.parent}: {error.strerror}.") from None
    try:
        yield draft
        draft.chmod(0o755)
        for file in draft.iterdir():  # safetensors writes files that only their owner may read
            file.chmod(0o644)
        draft.rename(output)
    except OSError as error:
        raise SurroundingsError(f"Cannot write {output}: {error.strerror or type(error).__name__}.") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
