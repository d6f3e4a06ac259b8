"""32 numbers out of an embedding: the matrices that project. Knows nothing of models, files or rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.prediction import PROJECTION_SIZE


def random_projection(hidden: int) -> NDArray[np.float32]:
    """Shape (hidden, PROJECTION_SIZE): a seeded random orthonormal basis; zero columns where hidden is smaller.

    By Johnson and Lindenstrauss (1984) a random subspace keeps distances in proportion, whatever the model.
    """
    columns = min(hidden, PROJECTION_SIZE)
    gaussian = np.random.default_rng(hidden).standard_normal((hidden, columns))
    basis, triangle = np.linalg.qr(gaussian)
    projection = np.zeros((hidden, PROJECTION_SIZE), np.float32)
    # The signs of a QR decomposition are the library's choice; a positive diagonal makes it unique.
    projection[:, :columns] = basis * np.sign(np.diag(triangle))
    return projection


def pca_projection(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first 32 principal directions of (n, hidden) embeddings, as orthonormal columns of shape (hidden, 32).

    Not whitened: the columns stay orthonormal like those of a foreign model's random projection, so a reader
    standardises both alike, by its baseline; and the directions in which training rows hardly vary are not blown up
    until they show little but the rounding of one engine against another. Nothing is centred either, because a
    constant shift is the same in every row. Missing directions (few rows) are filled with random ones.
    """
    hidden = embeddings.shape[1]
    centred = embeddings.astype(np.float64) - embeddings.mean(axis=0, dtype=np.float64)
    _, spread, directions = np.linalg.svd(centred, full_matrices=False)
    rank = min(int(np.sum(spread > spread[0] * 1e-6)), PROJECTION_SIZE)
    basis, _ = np.linalg.qr(np.concatenate([directions[:rank].T, random_projection(hidden)], axis=1))
    columns = basis[:, : min(hidden, PROJECTION_SIZE)]
    largest = np.take_along_axis(columns, np.abs(columns).argmax(axis=0)[None], axis=0)
    projection = np.zeros((hidden, PROJECTION_SIZE), np.float32)
    projection[:, : columns.shape[1]] = columns * np.sign(largest)
    return projection
