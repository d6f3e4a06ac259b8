"""Our effect sizes are Evidently's, to 1e-9, on the same columns: numbers, ties, small categories, classes unseen.

Evidently itself runs, in a process of its own: its import leaves warnings and settings behind.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from monitors.statistics import distances
from monitors.statistics.ks import ks_test

EVIDENTLY = """
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas as pd
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
found = {}
for name, (kind, base, now) in json.load(sys.stdin).items():
    base, now = pd.Series(base), pd.Series(now)
    column = ColumnType(kind)
    tests = ("psi", "jensenshannon", "wasserstein", "ks") if kind == "num" else ("psi", "jensenshannon", "chisquare")
    found[name] = {test: float(get_stattest(base, now, column, test).func(base, now, column, 0.1)[0]) for test in tests}
print(json.dumps(found))
"""


def columns() -> dict[str, tuple[str, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    return {
        "alike": ("num", rng.normal(size=800), rng.normal(size=300)),
        "moved": ("num", rng.normal(size=800), rng.normal(1, 2, 300)),
        "skewed": ("num", rng.exponential(size=500), rng.exponential(3, 2000)),
        "far": ("num", rng.normal(size=100), rng.normal(50, 1, 100)),
        "ties": ("num", rng.poisson(30, 800).astype(float), rng.poisson(25, 400).astype(float)),
        "few values": ("num", rng.integers(0, 5, 800).astype(float), rng.integers(0, 7, 100).astype(float)),
        "mostly zero": ("num", (rng.random(900) < 0.05) * rng.random(900), (rng.random(200) < 0.2) * rng.random(200)),
        "constant": ("num", np.full(60, 3.0), np.full(50, 3.0)),
        "constant moved": ("num", np.full(60, 3.0), rng.normal(3, 1, 50)),
        "four classes": ("cat", rng.choice(4, 800), rng.choice(4, 300, p=[0.1, 0.2, 0.3, 0.4])),
        "a small class": ("cat", rng.choice(3, 2000, p=[0.6, 0.399, 0.001]), rng.choice(3, 500, p=[0.5, 0.45, 0.05])),
        "a class that went": ("cat", rng.choice(3, 500), rng.choice(2, 300)),
        "a class that came": ("cat", rng.choice(2, 500), rng.choice(3, 300)),
        "a very small share": ("cat", np.r_[0, np.ones(30_000, int)], rng.choice(3, 100)),
    }


@pytest.fixture(scope="module")
def theirs() -> dict[str, dict[str, float]]:
    given = {name: (kind, base.tolist(), now.tolist()) for name, (kind, base, now) in columns().items()}
    done = subprocess.run(
        [sys.executable, "-c", EVIDENTLY], input=json.dumps(given), capture_output=True, text=True, check=True,
        timeout=120, env={"DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1", "PATH": ""},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [name for name, column in columns().items() if column[0] == "num"])
def test_numbers(name, theirs):
    _, base, now = columns()[name]
    binned = distances.shares(now, base)
    ours = {
        "psi": distances.psi(*binned),
        "jensenshannon": distances.jensen_shannon(*binned),
        "wasserstein": distances.wasserstein(now, base),
        "ks": ks_test(now, base).p_value,
    }
    assert ours == pytest.approx(theirs[name], abs=1e-9, rel=1e-9)


@pytest.mark.parametrize("name", [name for name, column in columns().items() if column[0] == "cat"])
def test_classes(name, theirs):
    _, base, now = columns()[name]
    counts, base_counts = (np.bincount(side, minlength=3) for side in (now, base))
    seen = (counts + base_counts) > 0
    mixes = counts[seen] / len(now), base_counts[seen] / len(base)
    ours = {
        "psi": distances.psi(*mixes),
        "jensenshannon": distances.jensen_shannon(*mixes),
        "chisquare": distances.chi_square(counts, base_counts),
    }
    assert ours == pytest.approx(theirs[name], abs=1e-9, rel=1e-9)


def test_nothing_and_one_class_are_no_difference():
    assert distances.chi_square(np.array([5, 0]), np.array([9, 0])) == 1.0
    assert distances.chi_square(np.array([0, 0]), np.array([9, 3])) == 1.0
    with pytest.raises(ValueError, match="nothing to compare"):
        distances.shares(np.zeros(0), np.ones(3))


@pytest.mark.parametrize(("index", "word"), [(0.0, "small"), (0.1, "moderate"), (0.3, "large")])
def test_an_index_in_a_word(index, word):
    assert distances.size(index) == word
