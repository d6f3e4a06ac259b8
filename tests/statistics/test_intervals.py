"""The long simulation of intervals: 2,000 draws each, nominal 95 %. About a minute."""

from __future__ import annotations

import pytest

from tests.statistics.intervals import coverage

pytestmark = pytest.mark.slow


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("lie", [False, True], ids=["good guesses", "wrong guesses"])
@pytest.mark.parametrize("audit", [False, True], ids=["evenly", "in doubt"])
@pytest.mark.parametrize("labels", [50, 100, 300])
@pytest.mark.parametrize("accuracy", [0.6, 0.87, 0.95, 0.99])
def test_coverage(accuracy, labels, audit, lie):
    """At least 93.5 %; at most 97 %, but for an accuracy near 1, where the exact interval takes over: 99.5 %.

    The tolerance of 1.2 points is two and a half standard errors of 2,000 draws.
    """
    found = coverage(accuracy, labels, audit=audit, lie=lie, draws=2000)
    assert found.share >= 0.935 - 0.012
    assert found.share <= (0.97 + 0.012 if accuracy < 0.99 else 0.995)
    assert found.above <= 0.045
