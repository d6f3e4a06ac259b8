"""`bertwatch train` and `bertwatch model export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from model.errors import InputError
from service.opening import open_model
from service.settings import Settings
from service.terminal import progress_bar, say


def train(
    *,
    dataset: str,
    base_model: str,
    output: Path,
    train_rows: int,
    test_rows: int,
    batch_size: int,
    epochs: int,
    seed: int,
    quiet: bool,
) -> dict[str, Any]:
    """`bertwatch train`."""
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output} exists and is not empty; choose another --output.")
    from model.datasets import load_dataset

    learn = load_dataset(dataset, split="train", train_rows=train_rows, test_rows=test_rows, seed=seed)
    measure = load_dataset(dataset, split="test", train_rows=train_rows, test_rows=test_rows, seed=seed)
    from model.training import train as fine_tune

    steps = epochs * -(-len(learn) // batch_size)
    with progress_bar("Training", steps, quiet=quiet) as advance:
        result = fine_tune(
            learn, measure, base_model, output, batch_size=batch_size, epochs=epochs, seed=seed,
            progress=lambda done, total: advance(1),
        )  # fmt: skip
    dropped = f"; {result.dropped_test_rows} were also training rows and left out" if result.dropped_test_rows else ""
    right = f"right on {result.test_accuracy:.1%} of {result.test_rows} test rows"
    say(f"{output}: version {result.version}, {right}{dropped}", quiet)
    return {
        "output": str(output), "version": result.version, "test_accuracy": result.test_accuracy,
        "train_rows": result.train_rows, "test_rows": result.test_rows, "dropped_test_rows": result.dropped_test_rows,
    }  # fmt: skip


def export(settings: Settings, output: Path | None) -> Path:
    """`bertwatch model export`."""
    from model.engines.registry import export_engine

    return export_engine(settings.engine, open_model(settings), output)
