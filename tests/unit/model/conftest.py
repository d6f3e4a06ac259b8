"""Rows of our own writing, foreign directories with random weights, and one trained model, for all tests of models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.artifact import Artifact, open_artifact
from model.datasets import LabelledTexts
from model.training import train
from tests.foreign_models import MAX_LENGTH, WORDS, make_foreign_model, make_rows

CLASSES = tuple(WORDS)


def make_part(rows: int, seed: int) -> LabelledTexts:
    texts, labels = make_rows(rows, seed)
    return LabelledTexts(f"part-{seed}", f"{seed:064}", CLASSES, texts, labels, np.arange(1, rows + 1))


TRAINING = make_part(96, seed=1)
TEST = make_part(40, seed=2)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `tiny` artifact that tells the two classes of `make_rows` apart."""
    output = tmp_path_factory.mktemp("trained") / "model"
    train(TRAINING, TEST, "tiny", output, epochs=4, max_length=MAX_LENGTH)
    return output


@pytest.fixture(scope="session")
def artifact(trained: Path) -> Artifact:
    return open_artifact(str(trained))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a directory as a stranger would save it, by name; each is made once."""
    made: dict[str, Path] = {}

    def directory(kind: str) -> Path:
        if kind not in made:
            made[kind] = make_foreign_model(kind, tmp_path_factory.mktemp("foreign") / kind)
        return made[kind]

    return directory
