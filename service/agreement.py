"""Whether an engine that is not exact says what an exact one says. Knows nothing of engines or of files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.errors import GateFailed

LEAST_AGREEMENT = 0.99
"""Share of the baseline's rows on which a quicker engine must give the exact one's class."""


def refuse_disagreement(said: NDArray[np.int64], exact: NDArray[np.int64], engine: str) -> float:
    """The share of rows (n,) that get the same class from both. Raises GateFailed where it is too small."""
    agreement = float((said == exact).mean())
    if agreement < LEAST_AGREEMENT:
        different = int((said != exact).sum())
        raise GateFailed(
            f"Engine {engine} answers {different} of {len(said)} rows differently from the exact one: it agrees on "
            f"{agreement:.2%}, and {LEAST_AGREEMENT:.0%} is asked for; take the exact one (--engine auto)."
        )
    return agreement
