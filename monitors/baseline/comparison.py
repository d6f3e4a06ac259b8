"""Two baselines beside each other, and a baseline beside the model that is served."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from model.errors import InputError
from model.prediction import Estimate, ModelInfo
from monitors.baseline.contract import Baseline


def check_fits(baseline: Baseline, model: ModelInfo, engine: str, precision: str) -> None:
    """Raise InputError when the baseline was made with another model, engine or precision."""
    if baseline.model.version != model.version:
        raise InputError(
            f"The baseline belongs to model {_called(baseline.model)}, and this is model {_called(model)}; "
            "make a baseline of this one with `bertwatch baseline`."
        )
    if (baseline.engine, baseline.precision) != (engine, precision):
        raise InputError(
            f"The baseline was made with engine {baseline.engine} ({baseline.precision}), and this is engine {engine} "
            f"({precision}), whose scores differ; choose the same one with --engine, or make a baseline with this one."
        )


def _called(model: ModelInfo) -> str:
    return f"{model.name} ({model.version})" if model.name else model.version


@dataclass(frozen=True, slots=True)
class Change:
    """How one figure differs between two baselines: new less old."""

    name: str
    old: Estimate
    new: Estimate
    difference: float
    low: float
    high: float


def compare(old: Baseline, new: Baseline) -> tuple[Change, ...]:
    """Differences of the figures that both have, each with an interval of 95 %.

    The intervals are put together by MOVER (Zou, Donner 2008) as if the two saw different rows; where they saw
    the same rows this is wider than need be. Raises InputError when the classes differ.
    """
    if old.model.labels != new.model.labels:
        raise InputError("The two baselines have different classes and cannot be compared.")
    changes = []
    for name, before in old.metrics.items():
        after = new.metrics.get(name)
        if after is not None:
            difference = after.value - before.value
            low = difference - sqrt((after.value - after.low) ** 2 + (before.high - before.value) ** 2)
            high = difference + sqrt((after.high - after.value) ** 2 + (before.value - before.low) ** 2)
            changes.append(Change(name, before, after, difference, low, high))
    return tuple(changes)
