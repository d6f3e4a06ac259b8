"""Token ids in, logits and pooled embedding out: one file an engine.

An engine knows nothing of texts, labels or the log. It is called from several threads at once.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.errors import SurroundingsError

EXACT = "fp32"
"""The precision of engines that differ by rounding only: what one says is what the others say."""


class Unfit(SurroundingsError):
    """This engine does not run this model, or not here; another one may."""


class Engine(Protocol):
    """Runs one padded batch. Must be safe to call from several threads at the same time."""

    name: str
    """`torch`, `onnx`, …"""
    precision: str
    """`fp32`, `bf16`, `int8`."""

    def run(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        token_type_ids: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of shape (n, classes) and embeddings of shape (n, hidden), from arrays of shape (n, tokens).

        The embedding is the last hidden state of the first token, the one place that BERT,
        DistilBERT and RoBERTa heads all read.
        """
        ...
