"""Rows to store: two models with different classes and features, and predictions by number."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from model.prediction import ModelInfo, Prediction, Record, text_fingerprint
from service.ids import uuid7

NEWS = ModelInfo("v1", ("World", "Sports", "Business", "Sci/Tech"), ("characters", "tokens"), "news")
SPAM = ModelInfo("v2", ("ham", "spam"), ("characters", "tokens", "links"), "spam")
START = 1_760_000_000_000_000
"""Microseconds since the epoch."""
DEFAULT = "text number …"


def record(
    number: int,
    *,
    model: ModelInfo = NEWS,
    time: int | None = None,
    text: str | None = DEFAULT,
    reference: str | None = None,
    segment: str | None = None,
) -> Record:
    """The `number`-th row: a time of its own, numbers that depend on it, always the same id."""
    time = START + number if time is None else time
    random = np.random.default_rng(number)
    scores = random.dirichlet(np.ones(len(model.labels))).astype(np.float32)
    label = int(scores.argmax())
    text = f"text number {number}" if text is DEFAULT else text
    return Record(
        id=row_id(number, time),
        time=time,
        model_version=model.version,
        baseline_id="b1",
        engine="torch",
        precision="fp32",
        label=model.labels[label],
        prediction=Prediction(
            label=label,
            scores=scores,
            features=random.normal(size=len(model.features)).astype(np.float32),
            projection=random.normal(size=32).astype(np.float16).astype(np.float32),
            truncated=number % 3 == 0,
        ),
        text=text,
        text_hash=0 if text is None else text_fingerprint(text),
        reference=reference,
        segment=segment,
    )


def row_id(number: int, time: int | None = None) -> UUID:
    return uuid7(START + number if time is None else time, lambda _: number.to_bytes(8, "big"))
