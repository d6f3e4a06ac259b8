"""The long simulation of predictions one by one: quiet for a month and a half of them, quick when they are strange.

36,000 predictions a stream, the baseline drawn anew each time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from monitors.checks.stream_drift import STREAM
from monitors.verdict import State
from tests.statistics.simulation import World, baseline_of, draw, without_labels

pytestmark = pytest.mark.slow
BASE = baseline_of(draw(np.random.default_rng(0), 800))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rows", [200, 800])
def test_quiet_streams(rows):
    """At most 5 % of 200 quiet streams alarm; the bound is exceeded once in 10,000 at a true rate of 5 %."""
    rng = np.random.default_rng(rows)
    fired = 0
    for trial in range(200):
        held = replace(BASE, reference=draw(rng, rows), id=str(trial))
        _, finding = STREAM.advance(held, None, without_labels(draw(rng, 36_000)), margin=0.02, alpha=0.05)
        fired += finding.state is State.ALARM
    assert fired <= stats.binom.isf(1e-4, 200, 0.05)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("strange", "within"), [(1.0, 5), (0.2, 40), (0.05, 250)])
@pytest.mark.parametrize("before", [0, 36_000], ids=["fresh", "after a month"])
def test_delay(strange, within, before):
    """Median predictions from the change to the alarm, over 30 streams."""
    rng = np.random.default_rng(int(100 * strange))
    delays = []
    for trial in range(30):
        held = replace(BASE, reference=draw(rng, 800), id=str(trial))
        state, _ = STREAM.advance(held, None, without_labels(draw(rng, before)), margin=0.02, alpha=0.05)
        state = {**state, "peak": 0.0}
        rows = without_labels(draw(rng, 1500, World(strange=strange)))
        for at in range(len(rows)):
            state, finding = STREAM.advance(held, state, rows.take(slice(at, at + 1)), margin=0.02, alpha=0.05)
            if finding.state is State.ALARM:
                break
        delays.append(at + 1)
    assert np.median(delays) <= within
