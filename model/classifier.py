"""Texts in, Predictions out: tokenizer, engine, softmax, features and projection of one model.

Knows nothing of torch, of files or of who is asking. Safe to call from several threads at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from model.artifact import Artifact
from model.engines import Engine
from model.features import text_features
from model.prediction import PROJECTION_SIZE, ModelInfo, Predictions
from model.tokenization import open_tokenizer

_SORTED_AT_A_TIME = 64
"""Batches that are sorted by length together: enough for little padding, few enough for even progress."""


class Classifier:
    """One model, ready to answer."""

    def __init__(self, artifact: Artifact, engine: Engine) -> None:
        self.info: ModelInfo = artifact.info
        self.engine: str = engine.name
        self.precision: str = engine.precision
        self._engine = engine
        self._projection = artifact.projection
        self._tokenizer = open_tokenizer(artifact)

    def classify(self, texts: Sequence[str]) -> Predictions:
        """One padded batch. Empty texts are texts; texts beyond the model's length are cut and say so."""
        if not texts:
            return empty_predictions(self.info)
        began = time.perf_counter()
        batch = self._tokenizer.batch(texts)
        tokenised = time.perf_counter()
        logits, embeddings = self._engine.run(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        scores = softmax(logits)
        return Predictions(
            labels=scores.argmax(axis=1).astype(np.int64),
            scores=scores,
            features=text_features(texts, batch.tokens, batch.unknown),
            projections=(embeddings @ self._projection).astype(np.float32),
            truncated=batch.truncated,
            tokenise_seconds=tokenised - began,
        )

    def classify_many(
        self,
        texts: Sequence[str],
        batch_size: int = 32,
        progress: Callable[[int], None] | None = None,
        threads: int = 1,
    ) -> Predictions:
        """Any number of texts, in the order given, on `threads` threads.

        Stretches of texts are sorted by length before they are cut into batches, so that little is padded.
        `progress` is told, in the calling thread, how many texts are newly done.
        """
        result = _allocate(self.info, len(texts))
        batches = _batches(texts, batch_size)
        with ThreadPoolExecutor(threads, thread_name_prefix="classify") as pool:
            running: dict[Future[Predictions], NDArray[np.intp]] = {}
            try:
                while True:
                    for rows in islice(batches, 2 * threads - len(running)):
                        running[pool.submit(self.classify, [texts[row] for row in rows])] = rows
                    if not running:
                        return result
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        rows = running.pop(future)
                        _write(result, rows, future.result())
                        if progress is not None:
                            progress(len(rows))
            finally:
                for future in running:
                    future.cancel()


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row-wise softmax of (n, classes), computed in double precision."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def empty_predictions(info: ModelInfo) -> Predictions:
    """Predictions of no text."""
    return _allocate(info, 0)


def _allocate(info: ModelInfo, rows: int) -> Predictions:
    return Predictions(
        labels=np.zeros(rows, np.int64),
        scores=np.zeros((rows, len(info.labels)), np.float32),
        features=np.zeros((rows, len(info.features)), np.float32),
        projections=np.zeros((rows, PROJECTION_SIZE), np.float32),
        truncated=np.zeros(rows, np.bool_),
    )


def _batches(texts: Sequence[str], batch_size: int) -> Iterator[NDArray[np.intp]]:
    """Row numbers of one batch after another; characters stand for tokens, which are not known yet."""
    stretch = batch_size * _SORTED_AT_A_TIME
    for start in range(0, len(texts), stretch):
        lengths = np.array([len(text) for text in texts[start : start + stretch]])
        order = np.argsort(lengths, kind="stable") + start
        for first in range(0, len(order), batch_size):
            yield order[first : first + batch_size]


def _write(result: Predictions, rows: NDArray[np.intp], part: Predictions) -> None:
    result.labels[rows] = part.labels
    result.scores[rows] = part.scores
    result.features[rows] = part.features
    result.projections[rows] = part.projections
    result.truncated[rows] = part.truncated
