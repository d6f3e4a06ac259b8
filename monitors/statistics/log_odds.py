"""Which of many things are commoner in one collection than in another? Knows document counts, nothing of words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PRIOR = 0.5
"""Weight of the prior, as a part of the smaller collection's documents."""


def log_odds_z(
    counts: NDArray[np.int64], documents: int, base_counts: NDArray[np.int64], base_documents: int
) -> NDArray[np.float64]:
    """z-score of each thing's log-odds in a collection against those in a base, (things,); above 0 it is commoner now.

    "Fightin' Words" (Monroe, Colaresi and Quinn 2008) with an informative prior: every thing is expected as often as
    in both collections together, which draws rare things towards no difference and keeps those that the base lacks
    from being infinitely surprising. It counts the documents that hold a thing, not its occurrences, so that one
    document that repeats itself does not speak loudly; the odds are then those of a binomial. It cannot see that
    documents are copies of each other.

    >>> log_odds_z(np.array([40, 5]), 100, np.array([40, 40]), 800).round(1)
    array([8.6, 0. ])
    """
    prior = PRIOR * min(documents, base_documents)
    share = (counts + base_counts + 0.5) / (documents + base_documents + 1)
    one, without_one = counts + prior * share, documents - counts + prior * (1 - share)
    two, without_two = base_counts + prior * share, base_documents - base_counts + prior * (1 - share)
    gap = np.log(one / without_one) - np.log(two / without_two)
    return np.asarray(gap / np.sqrt(1 / one + 1 / without_one + 1 / two + 1 / without_two))
