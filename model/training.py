"""Fine-tunes a sequence classifier and writes it as an artifact. Reads top to bottom.

Knows nothing of where rows come from, of progress bars or of serving.
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
    model_directory,
    open_artifact,
    random_projection,
    read_config,
    weight_files,
)
from model.classifier import Classifier
from model.engines.torch_engine import TorchEngine
from model.errors import InputError, SurroundingsError
from model.loading import loading
from model.prediction import PROJECTION_SIZE, text_fingerprint
from model.tiny import NAME as TINY
from model.tiny import tiny_config, tiny_tokenizer
from model.tokenization import encodable

LEARNING_RATE = 5e-5
TINY_LEARNING_RATE = 1e-3
"""A model without pretrained weights learns in larger steps."""
_WARM_UP = 0.1
_WEIGHT_DECAY = 0.01
_LARGEST_GRADIENT = 1.0
_PROJECTED_ROWS = 2000
"""Most training rows that the projection is fitted to; its 32 directions are settled long before."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Labelled texts, already split. `classes` gives the order of the scores."""

    name: str
    sha256: str
    classes: tuple[str, ...]
    train_texts: Sequence[str]
    train_labels: Sequence[str]
    test_texts: Sequence[str]
    test_labels: Sequence[str]


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
    data: TrainingData,
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

    On a CPU the same data, seed and number of threads give the same weights, bit for bit. `learning_rate` None
    takes the default of the base. `progress` is told (steps done, steps in all). Raises InputError with one sentence.
    """
    fingerprints = _check(data)
    unseen = [row for row, text in enumerate(data.test_texts) if text_fingerprint(text) not in fingerprints]
    if not unseen:
        raise InputError("Every test row is also a training row, so nothing could be measured; give other test rows.")
    rate = learning_rate or (TINY_LEARNING_RATE if base_model == TINY else LEARNING_RATE)
    base = None if base_model == TINY else _base_directory(base_model)
    texts = [encodable(text) for text in data.train_texts]
    targets = torch.tensor([data.classes.index(label) for label in data.train_labels])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    with _draft_of(output) as draft, torch.random.fork_rng():
        torch.manual_seed(seed)
        tokenizer, network = _begin(base, texts, data.classes, max_length)
        network.to(device)
        _fit(
            network,
            tokenizer,
            texts,
            targets,
            epochs=epochs,
            batch_size=batch_size,
            rate=rate,
            seed=seed,
            progress=progress,
        )
        with loading():
            network.save_pretrained(draft)
            tokenizer.save_pretrained(draft)
        projection = pca_projection(_embed(network, tokenizer, texts[:_PROJECTED_ROWS]))
        save_file({"projection": projection}, draft / PROJECTION_FILE)
        save_file({"fingerprints": np.array(sorted(fingerprints), np.uint64)}, draft / TRAINING_ROWS_FILE)
        del network

        manifest = {
            "format": 1,
            "base_model": base_model,
            "dataset": {"name": data.name, "sha256": data.sha256},
            "parameters": {
                "batch_size": batch_size, "epochs": epochs, "seed": seed, "learning_rate": rate,
                "max_length": tokenizer.model_max_length,
            },
            "train_rows": len(texts),
            "test_rows": len(unseen),
            "dropped_test_rows": len(data.test_texts) - len(unseen),
            "versions": {name: version(name) for name in ("bertwatch", "torch", "transformers", "tokenizers")},
        }  # fmt: skip
        _write_json(draft / MANIFEST_FILE, manifest)
        # The model is read back from disk: what is measured is what will be served.
        artifact = open_artifact(str(draft))
        predicted = Classifier(artifact, TorchEngine(artifact)).classify_many(
            [data.test_texts[row] for row in unseen], threads=torch.get_num_threads()
        )
        truth = np.array([data.classes.index(data.test_labels[row]) for row in unseen])
        accuracy = float(np.mean(predicted.labels == truth))
        _write_json(draft / MANIFEST_FILE, {**manifest, "version": artifact.info.version, "test_accuracy": accuracy})

    return TrainingResult(
        path=output,
        version=artifact.info.version,
        test_accuracy=accuracy,
        train_rows=len(texts),
        test_rows=len(unseen),
        dropped_test_rows=len(data.test_texts) - len(unseen),
    )


def pca_projection(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first 32 principal directions of (n, hidden) embeddings, as orthonormal columns of shape (hidden, 32).

    Not whitened: the columns stay orthonormal like those of a foreign model's random projection, so a reader
    standardises both alike, by its baseline; and the directions in which training rows hardly vary are not blown up
    until they show little but the rounding of one engine against another. Nothing is centred either, because a
    constant shift is the same in every row. Missing directions (few rows) are filled with random ones.
    """
    hidden = embeddings.shape[1]
    centred = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    rank = min(int(np.sum(spread > spread[0] * 1e-6)), PROJECTION_SIZE)
    basis, _ = np.linalg.qr(np.concatenate([directions[:rank].T, random_projection(hidden)], axis=1))
    columns = basis[:, : min(hidden, PROJECTION_SIZE)]
    largest = np.take_along_axis(columns, np.abs(columns).argmax(axis=0)[None], axis=0)
    projection = np.zeros((hidden, PROJECTION_SIZE), np.float32)
    projection[:, : columns.shape[1]] = columns * np.sign(largest)
    return projection


def _check(data: TrainingData) -> set[int]:
    """Fingerprints of the training rows, once the rows are found fit to train and to measure on."""
    for part, texts, labels in (
        ("training", data.train_texts, data.train_labels),
        ("test", data.test_texts, data.test_labels),
    ):
        if len(texts) != len(labels):
            raise InputError(f"There are {len(texts)} {part} texts and {len(labels)} labels; give one label a text.")
        if not texts:
            raise InputError(
                f"There is no {part} row; give a larger dataset or set --train-rows and --test-rows lower."
            )
        strange = sorted(set(labels) - set(data.classes))
        if strange:
            raise InputError(f"The {part} rows have labels that are no class of the dataset: {', '.join(strange[:5])}.")
    counts = Counter(data.train_labels)
    if len(counts) < 2:
        raise InputError("All training rows have the same label; a classifier needs rows of two classes or more.")
    few = [name for name in data.classes if counts[name] < 2]
    if few:
        raise InputError(
            f"There are too few training rows of class {few[0]!r} ({counts[few[0]]}); each class needs at least two."
        )
    return {text_fingerprint(text) for text in data.train_texts}


def _base_directory(base_model: str) -> Path:
    path = model_directory(base_model)
    read_config(path)
    weight_files(path)
    return path


def _begin(base: Path | None, texts: Sequence[str], classes: Sequence[str], max_length: int) -> tuple[Any, Any]:
    """Tokenizer and network before the first step; the head's random weights come from torch's seed."""
    from transformers import (  # takes seconds, which commands that do not train need not pay
        AutoModelForSequenceClassification,
        AutoTokenizer,
        BertForSequenceClassification,
    )

    names = dict(enumerate(classes))
    numbers = {name: number for number, name in names.items()}
    if base is None:
        tokenizer = tiny_tokenizer(texts, max_length)
        config = tiny_config(len(tokenizer), max_length)
        config.id2label, config.label2id = names, numbers
        return tokenizer, BertForSequenceClassification(config)
    try:
        with loading():
            tokenizer = AutoTokenizer.from_pretrained(str(base), local_files_only=True, trust_remote_code=False)
            network = AutoModelForSequenceClassification.from_pretrained(
                str(base),
                num_labels=len(names),
                id2label=names,
                label2id=numbers,
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{base} cannot be fine-tuned ({type(error).__name__}): it is not a model with its tokenizer."
        ) from error
    network.config.problem_type = None
    tokenizer.model_max_length = min(max_length, tokenizer.model_max_length)
    return tokenizer, network


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


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
