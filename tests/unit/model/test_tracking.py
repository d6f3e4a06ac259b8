"""What MLflow is given, without a server; `tests/e2e/test_churn.py` logs to a real one."""

from __future__ import annotations

import re
import sys

import pytest

from model.errors import SurroundingsError
from model.prediction import Estimate
from model.tracking import Run, Tracking, check_installed, log_run, metric_values


def test_every_figure_has_a_name_that_mlflow_takes():
    labels = ("World", "Sci/Tech", "a+", "a*", "naïve [x]")
    metrics = {f"recall[{label}]": Estimate(0.5, 0.4, 0.6, 10) for label in labels} | {"ece": Estimate(0.1, 0, 0.2, 10)}
    named = dict(metric_values(metrics))
    assert len(named) == 3 * len(metrics)  # none lies over another
    assert all(re.fullmatch(r"[A-Za-z0-9_./ :-]+", name) for name in named)
    assert (named["recall.World"], named["recall.World_low"], named["recall.World_high"]) == (0.5, 0.4, 0.6)
    assert named["ece"] == 0.1


def test_without_mlflow_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SurroundingsError, match=r"pip install 'bertwatch\[mlflow\]'"):
        check_installed()


def test_a_uri_that_mlflow_does_not_take_is_said_without_its_password(tmp_path):
    run = Run("name", {}, {}, {"name": "x", "sha256": "0", "rows": 1}, tmp_path)
    with pytest.raises(SurroundingsError, match="did not take the run") as caught:
        log_run(Tracking("nowhere://user:password@host", "experiment"), run)
    assert "password" not in str(caught.value)
    assert "\n" not in str(caught.value)
