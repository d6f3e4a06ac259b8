"""A 4-class classifier that never was: windows and baselines drawn from a seed, with known truth and known changes.

Scores come from noisy logits around the true class, so that accuracy is about 0.87; text numbers and embeddings depend
on the class, as in news.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model.evaluation import evaluate
from model.features import FEATURES
from model.prediction import ModelInfo
from monitors.baseline import Baseline
from monitors.protocols import Evidence
from monitors.window import Window

LABELS = ("World", "Sports", "Business", "Sci/Tech")
MODEL = ModelInfo(version="simulated", labels=LABELS, features=FEATURES, name="simulated")
MIX = (0.25, 0.25, 0.25, 0.25)
HOUR = 3_600_000_000
_CENTRES = np.random.default_rng(99).normal(0, 1.2, (4, 32))
_SCALES = np.geomspace(2.0, 0.3, 32)


@dataclass(frozen=True)
class World:
    """What the texts are like; the defaults are those of the baseline."""

    mix: tuple[float, ...] = MIX
    length: float = 1.0
    """Factor on the length of texts."""
    strange: float = 0.0
    """Share of texts that are unlike any: far embeddings, unknown tokens, hard to classify."""
    noise: float = 0.0
    """Added to the logits' noise: lowers accuracy and confidence."""
    swapped: float = 0.0
    """Share of rows whose truth is another class, whatever the text says: a change of meaning."""


def draw(rng: np.random.Generator, rows: int, world: World = World(), *, known: bool = True) -> Window:
    """A window of `rows`; with `known`, every row has its label."""
    truth = rng.choice(4, rows, p=world.mix)
    strange = rng.random(rows) < world.strange
    noise = (1.0 + world.noise) * rng.normal(0, 1, (rows, 4))
    logits = 1.8 * np.eye(4)[truth] * np.where(strange, 0.15, 1.0)[:, None] + 0.75 * noise
    logits *= 2.2
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    projection = _CENTRES[truth] + rng.normal(0, 1, (rows, 32)) * _SCALES + strange[:, None] * 3.0
    swap = rng.random(rows) < world.swapped
    said = np.where(swap, (truth + 1 + rng.integers(0, 3, rows)) % 4, truth)
    return Window(
        model=MODEL,
        start=0,
        end=HOUR,
        ids=rng.integers(0, 256, (rows, 16)).astype(np.uint8),
        time=np.sort(rng.integers(0, HOUR, rows)),
        predicted=scores.argmax(axis=1),
        scores=scores,
        features=_features(rng, truth, strange, world.length),
        projection=projection,
        text_hash=rng.integers(1, 2**63, rows).astype(np.uint64),
        truncated=rng.random(rows) < 0.02,
        segment=np.full(rows, None, object),
        truth=said if known else np.full(rows, -1),
        label_time=np.full(rows, HOUR if known else 0),
        asked=np.full(rows, np.nan),
    )


def _features(rng: np.random.Generator, truth: np.ndarray, strange: np.ndarray, length: float) -> np.ndarray:
    rows = len(truth)
    words = np.maximum(1, np.round(length * np.exp(rng.normal(3.4 + 0.1 * truth, 0.3))))
    characters = np.round(words * rng.normal(6, 0.5, rows))
    tokens = np.round(words * rng.normal(1.3, 0.1, rows))
    unknown = (rng.random(rows) < 0.04) * rng.random(rows) * 0.1 + strange * rng.uniform(0.2, 0.6, rows)
    columns = {
        "characters": characters,
        "words": words,
        "tokens": tokens,
        "tokens_per_word": tokens / words,
        "unknown_share": unknown,
        "upper_share": rng.beta(2, 30, rows),
        "digit_share": rng.beta(1, 40, rows) * (rng.random(rows) < 0.5),
        "punctuation_share": rng.beta(3, 60, rows),
        "markup_share": (rng.random(rows) < 0.02) * rng.random(rows) * 0.1,
        "non_ascii_share": (rng.random(rows) < 0.01) * 0.05 + strange * rng.uniform(0, 0.3, rows),
        "mean_word_length": rng.normal(5, 0.4, rows),
        "repeated_share": rng.beta(2, 20, rows),
    }
    return np.column_stack([columns[name] for name in FEATURES])


def baseline_of(reference: Window) -> Baseline:
    """A baseline whose figures are those of its rows."""
    evaluation = evaluate(reference.truth, reference.scores, LABELS, resamples=20)
    return Baseline(
        id=f"b{len(reference)}",
        model=MODEL,
        engine="simulated",
        precision="fp64",
        created="2026-01-01T00:00:00Z",
        dataset={"name": "simulated", "sha256": "", "rows": len(reference)},
        metrics=evaluation.metrics,
        temperature=evaluation.temperature.value,
        confusion=evaluation.confusion,
        reference=reference,
        words={},
        documents=len(reference),
    )


def evidence_of(window: Window, labelled: Window | None = None, *, margin: float = 0.02) -> Evidence:
    """Evidence with the window's own labels where no other are given."""
    labelled = window.take(window.known) if labelled is None else labelled
    return Evidence(now=HOUR, window=window, labelled=labelled, served=max(len(window), len(labelled)), margin=margin)


def without_labels(window: Window) -> Window:
    """The same rows before any label has arrived."""
    return replace(window, truth=np.full(len(window), -1), label_time=np.zeros(len(window), np.int64))
