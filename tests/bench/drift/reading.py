"""Texts to predictions, once: what a model says of every text of every scenario, kept as one file a scenario."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.artifact import Artifact, open_artifact
from model.classifier import Classifier
from model.datasets import fingerprints, load_dataset
from model.engines.registry import open_engine
from model.prediction import ModelInfo, Prediction, Predictions
from model.scenarios import happens
from model.strain import strained
from monitors.window import Window
from monitors.window_file import numbered_ids
from tests.bench.drift.pools import HELD, World
from tests.bench.drift.scenarios import ALL, LABELS_ONLY, MIXES, QUIET

SEED = 4
SAMPLE_ROWS = 6800
FIRST_ROW = 1201
"""Of a file: `bertwatch train` takes the rows before it."""
Say = Callable[[str], None]


class Reader:
    """One model, which reads no text twice."""

    def __init__(self, artifact: Artifact, threads: int, say: Say) -> None:
        self._artifact, self._threads, self._say = artifact, threads, say
        self._classifier: Classifier | None = None
        self._known: dict[str, Prediction] = {}

    def read(self, texts: list[str], of: str) -> Predictions:
        new = sorted({text for text in texts if text not in self._known})
        if new:
            self._say(f"{self._artifact.info.name}: {len(new)} texts of {of}")
            if self._classifier is None:
                self._classifier = Classifier(self._artifact, open_engine("auto", self._artifact))
            self._known |= zip(new, self._classifier.classify_many(new, threads=self._threads), strict=True)
        return Predictions.of_rows([self._known[text] for text in texts])


def open_world(name: str, model: Path | None, dataset: str, work: Path, *, threads: int, say: Say) -> World:
    """The world from its files; what is missing is read first (AG News with six layers: some minutes)."""
    artifact = open_artifact(str(model or tiny_model(work, say)))
    info = artifact.info
    if dataset == "sample":
        rows = load_dataset("sample", split="live", rows=f"1-{SAMPLE_ROWS}")
    else:
        rows = load_dataset(dataset, rows=f"{FIRST_ROW}-")
    folder = work / f"pool-{name}-{info.version}-{rows.sha256[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    reader = Reader(artifact, threads, say)

    def pool(scenario: str, texts: list[str], labels: list[str], first: int) -> Window:
        file = folder / f"{scenario}.npz"
        if not file.exists():
            _keep(file, reader.read(texts, scenario), fingerprints(texts))
        return _window(info, file, _numbers(labels, info), first)

    quiet = pool(QUIET, rows.texts, rows.labels, 1)
    under_strain = pool("strained", strained(rows.texts), rows.labels, 1)
    changed: dict[str, Window] = {}
    for scenario in ALL:
        if scenario.name in MIXES:
            continue
        texts, labels = happens(scenario, rows.texts[HELD:], rows.labels[HELD:], SEED)
        if scenario.name in LABELS_ONLY:
            changed[scenario.name] = replace(quiet.take(slice(HELD, None)), truth=_numbers(labels, info))
        else:
            changed[scenario.name] = pool(scenario.name, texts, labels, 1 + HELD)
    return World(name, quiet, changed, under_strain)


def tiny_model(work: Path, say: Say) -> Path:
    """The sample's own model, trained with the command that a user runs."""
    directory = work / "tiny"
    if not directory.exists():
        say("training the tiny model on the built-in sample (half a minute)")
        command = ["train", "--dataset", "sample", "--base-model", "tiny", "--output", str(directory)]
        subprocess.run([sys.executable, "-m", "service.cli", *command], check=True, stdout=subprocess.DEVNULL)
    return directory


def _numbers(labels: list[str], info: ModelInfo) -> NDArray[np.int64]:
    return np.array([info.labels.index(label) for label in labels], np.int64)


def _keep(file: Path, said: Predictions, hashes: NDArray[np.uint64]) -> None:
    unfinished = file.with_suffix(".part.npz")
    np.savez_compressed(
        unfinished,
        labels=said.labels,
        scores=said.scores,
        features=said.features,
        projections=said.projections,
        truncated=said.truncated,
        hashes=hashes,
    )
    unfinished.rename(file)


def _window(info: ModelInfo, file: Path, truth: NDArray[np.int64], first: int) -> Window:
    with np.load(file) as kept:
        rows = len(truth)
        numbers = np.arange(first, first + rows)
        return Window(
            model=info,
            start=first,
            end=first + rows,
            ids=numbered_ids(numbers),
            time=numbers,
            predicted=kept["labels"].astype(np.int64),
            scores=kept["scores"].astype(np.float64),
            features=kept["features"].astype(np.float64),
            projection=kept["projections"].astype(np.float64),
            text_hash=kept["hashes"],
            truncated=kept["truncated"],
            segment=np.full(rows, None, object),
            truth=truth,
            label_time=numbers,
            asked=np.full(rows, np.nan),
        )
