"""The nouns that travel: Prediction, Predictions, Record, ModelInfo, Estimate, CutOff.

Standard library and numpy only. Knows nothing of who made a prediction or where it is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

PROJECTION_SIZE = 32
"""Length of the projection of a pooled embedding that every row keeps."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the numbers of a row mean: one per model version, kept in the log beside the rows."""

    version: str
    """Short hash of weights, tokenizer and labels; the key of rows, metrics and verdicts."""
    labels: tuple[str, ...]
    """Class names, in the order of the scores."""
    features: tuple[str, ...]
    """Feature names, in the order of `Prediction.features`."""
    name: str = ""
    """What a person calls it: the directory or hub name; display only."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a classifier says of one text."""

    label: int
    """Index into `ModelInfo.labels`."""
    scores: NDArray[np.float32]
    """Shape (classes,); probabilities."""
    features: NDArray[np.float32]
    """Shape (features,); NaN where unknown."""
    projection: NDArray[np.float32]
    """Shape (PROJECTION_SIZE,); NaN where there is no embedding."""
    truncated: bool

    @property
    def confidence(self) -> float:
        return float(self.scores[self.label])


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a classifier says of n texts, as columns."""

    labels: NDArray[np.int64]
    """Shape (n,); index into `ModelInfo.labels`."""
    scores: NDArray[np.float32]
    """Shape (n, classes)."""
    features: NDArray[np.float32]
    """Shape (n, features)."""
    projections: NDArray[np.float32]
    """Shape (n, PROJECTION_SIZE)."""
    truncated: NDArray[np.bool_]
    """Shape (n,)."""
    tokenise_seconds: float = 0.0
    """Of the time that making them took, what turned texts into tokens; 0 where nobody has measured it."""

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> Prediction:
        return Prediction(
            label=int(self.labels[row]),
            scores=self.scores[row],
            features=self.features[row],
            projection=self.projections[row],
            truncated=bool(self.truncated[row]),
        )

    def __iter__(self) -> Iterator[Prediction]:
        return (self[row] for row in range(len(self)))

    @classmethod
    def of_rows(cls, rows: Sequence[Prediction]) -> Predictions:
        """The rows, one at least, one below the other."""
        return cls(
            labels=np.array([row.label for row in rows], np.int64),
            scores=np.stack([row.scores for row in rows]),
            features=np.stack([row.features for row in rows]),
            projections=np.stack([row.projection for row in rows]),
            truncated=np.array([row.truncated for row in rows], np.bool_),
        )

    @classmethod
    def joined(cls, parts: Sequence[Predictions]) -> Predictions:
        """All rows of the parts, one part at least, in their order."""
        return cls(
            labels=np.concatenate([part.labels for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
            features=np.concatenate([part.features for part in parts]),
            projections=np.concatenate([part.projections for part in parts]),
            truncated=np.concatenate([part.truncated for part in parts]),
            tokenise_seconds=sum(part.tokenise_seconds for part in parts),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One row of the prediction log: a prediction, and what is known about the request."""

    id: UUID
    """UUIDv7, so that ids sort by time."""
    time: int
    """Microseconds since the epoch, UTC."""
    model_version: str
    baseline_id: str | None
    engine: str
    precision: str
    label: str
    """The class name that was served."""
    prediction: Prediction
    text: str | None
    """The text, its SHA-256, or nothing: by the setting `store_text`."""
    text_hash: int
    """`text_fingerprint` of the text; 0 where texts must leave no trace."""
    reference: str | None = None
    """The caller's own key."""
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval (95 % unless said otherwise) and the count of rows behind it."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class CutOff:
    """How a classifier of two classes answers: `positive` where its score is at least `value`, else the other."""

    positive: int
    """Index into `ModelInfo.labels`."""
    value: float
    chosen_by: str = "default"
    """`default`, `given`, `f1` or `cost`: how the value was found."""
    cost_false_positive: float = 1.0
    cost_false_negative: float = 1.0

    def classes(self, scores: NDArray[np.floating]) -> NDArray[np.int64]:
        """The class that each row of scores (n, 2) is answered with, (n,)."""
        # in double precision: the score that a caller reads is the one that is compared
        over = scores[:, self.positive].astype(np.float64) >= self.value
        return np.where(over, self.positive, 1 - self.positive).astype(np.int64)

    def applied(self, predictions: Predictions) -> Predictions:
        """The same predictions with the labels that this cut-off gives."""
        return replace(predictions, labels=self.classes(predictions.scores))


def text_fingerprint(text: str) -> int:
    """64 bits that tell whether two texts are the same, up to case and white space (BLAKE2b)."""
    plain = " ".join(text.split()).casefold()
    return int.from_bytes(hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
