"""Pools of predictions: every scenario's texts are classified once and kept; windows are drawn from them by seed.

A world is a model with its labelled texts: the built-in sample with a tiny model, or a model and a dataset of the
user's. Baselines and quiet windows come from every row that the model was not trained on, windows of a scenario from
the later ones, and never does a window share a row or a text with the baseline beside it. Knows no check and no peer.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.evaluation.figures import temperature
from model.evaluation.intervals import proportion
from model.prediction import ModelInfo
from monitors.baseline import Baseline
from monitors.window import Window
from service.offline import strained_rows
from tests.bench.drift.scenarios import MIXES, QUIET

HELD = 800
"""The first so many rows of a world are for baselines only; the others are live, and for baselines of other draws."""


@dataclass(frozen=True, eq=False)
class World:
    """A model, and what it says of every text in every scenario."""

    name: str
    quiet: Window
    """Every row, with its truth; the first `HELD` are not live."""
    changed: Mapping[str, Window]
    """The live rows after each scenario, in the same order."""
    strained: Window
    """A copy of every row as `bertwatch baseline` asks the model about them, for the baselines that hold the row."""

    @property
    def model(self) -> ModelInfo:
        return self.quiet.model

    @property
    def live(self) -> Window:
        return self.quiet.take(slice(HELD, None))

    def true_accuracy(self, scenario: str) -> float:
        """On all live rows."""
        if scenario in MIXES:
            at, extra = MIXES[scenario]
            chosen = sorted(self.model.labels)[at]
            rows = self.live
            of_class = rows.truth == self.model.labels.index(chosen)
            return float((1 - extra) * rows.correct.mean() + extra * rows.correct[of_class].mean())
        return float((self.live if scenario == QUIET else self.changed[scenario]).correct.mean())

    def loss(self, scenario: str) -> float:
        """Points of accuracy (a share) that the scenario costs."""
        return self.true_accuracy(QUIET) - self.true_accuracy(scenario)

    def baseline(self, rows: int, rng: np.random.Generator) -> Baseline:
        """A fresh one."""
        chosen = rng.choice(len(self.quiet), rows, replace=False)
        return baseline_of(self.quiet.take(chosen), self.strained.take(np.sort(chosen)[strained_rows(rows)]))

    def window(self, scenario: str, rows: int, rng: np.random.Generator, held: Baseline) -> Window:
        """Rows with their truth, each once, none of which the baseline holds in this form or in its quiet one.

        Quiet windows are drawn from all rows, as baselines are: the two are exchangeable.
        """
        pool = self.quiet if scenario == QUIET else self.live if scenario in MIXES else self.changed[scenario]
        known = np.isin(pool.time, held.reference.time) | np.isin(pool.text_hash, held.reference.text_hash)
        order = rng.permutation(np.flatnonzero(~known))
        if scenario in MIXES:
            order = self._mixed(pool, order, MIXES[scenario], rows, rng)
        return pool.take(order[:rows])

    def _mixed(
        self, pool: Window, order: NDArray[np.intp], mix: tuple[int, float], rows: int, rng: np.random.Generator
    ) -> NDArray[np.intp]:
        at, extra = mix
        chosen = self.model.labels.index(sorted(self.model.labels)[at])
        plain, left = np.split(order, [rows - int(rng.binomial(rows, extra))])
        first = np.argsort(pool.truth[left] != chosen, kind="stable")  # others where rows of the class run out
        more = left[first][: rows - len(plain)]
        return rng.permutation(np.concatenate([plain, more]))


def baseline_of(reference: Window, strained: Window | None = None) -> Baseline:
    """The figures that checks read; the rest of an evaluation would take most of the time."""
    classes = len(reference.model.labels)
    confusion = np.bincount(reference.truth * classes + reference.predicted, minlength=classes**2)
    return Baseline(
        id=f"bench-{zlib.crc32(reference.time.tobytes()):x}",
        model=reference.model,
        engine="bench",
        precision="fp32",
        created="2026-01-01T00:00:00Z",
        dataset={"name": "bench", "sha256": "", "rows": len(reference)},
        metrics={"accuracy": proportion(int(reference.correct.sum()), len(reference))},
        temperature=temperature(reference.truth, reference.scores).value,
        confusion=confusion.reshape(classes, classes),
        reference=reference,
        words={},
        documents=len(reference),
        strained=strained,
    )
