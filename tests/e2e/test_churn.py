"""A classifier that is no BERT, as a reader of the README has it: churn in XGBoost, evaluated, tracked, watched.

Real everything: the example's own script, an MLflow server, the service with its monitor.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, recall_score, roc_auc_score

from monitors.baseline import load_baseline, save_baseline
from monitors.baseline.contract import identity
from service.cli import main
from tests.conftest import bertwatch, take_port
from tests.e2e.test_episode import COMPRESSED
from tests.processes import Service, until
from tests.servers.mlflow_server import mlflow_server

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(240)]

SCRIPT = Path(__file__).parents[2] / "examples" / "churn.py"
FEATURES = ("tenure_months", "monthly_charge", "support_calls", "month_to_month", "usage_gb")


def example(*arguments: str | Path | int) -> None:
    done = subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def command(churn: Path, *more: str | Path) -> list[str]:
    """The README's."""
    words = (
        "evaluate", "--predictions", churn / "test.csv", "--label-column", "churned", "--score-columns", "score",
        "--feature-columns", *FEATURES, "--model-version", "churn-1", "--name", "churn", *more,
    )  # fmt: skip
    return list(map(str, words))


def evaluate(churn: Path, *more: str | Path) -> Result:
    """In this process, which spares the imports."""
    result = CliRunner().invoke(main, command(churn, *more))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("churn") / "churn"
    example("train", directory)
    return directory


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """An MLflow server that starts while the first tests, which do not need it, run."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow"), take_port()) as ready:
        yield ready


@pytest.fixture(scope="module")
def tracking(server: Callable[[], str]) -> str:
    return server()


@pytest.fixture(scope="module")
def evaluated(churn: Path, tracking: str) -> dict[str, Any]:
    """What `--json` says of the README's command."""
    more = (
        "--cut-off", "cost", "--cost-false-negative", "3", "--mlflow-uri", tracking, "--experiment", "churn",
        "--output", churn / "baseline", "--json",
    )  # fmt: skip
    done = bertwatch(*command(churn, *more))
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)  # alone on stdout, whatever MLflow would like to say there
    return answer


def test_a_server_that_is_down_takes_no_baseline_with_it(churn: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    done = evaluate(churn, "--mlflow-uri", f"http://127.0.0.1:{take_port()}", "--output", tmp_path / "kept")
    assert done.exit_code == 2
    assert time.monotonic() - began < 60  # by itself MLflow tries for minutes
    sentence = done.stderr.splitlines()[-1]  # above it, the progress bar
    assert sentence.startswith("bertwatch: MLflow at http://127.0.0.1:")
    assert sentence.endswith(f"The baseline {tmp_path / 'kept'} is kept.")
    assert load_baseline(tmp_path / "kept").model.version == "churn-1"


def test_the_figures_are_scikit_learns(churn: Path, evaluated: dict[str, Any]) -> None:
    rows = pd.read_csv(churn / "test.csv", float_precision="round_trip")
    truth, score = rows.churned == "yes", rows.score
    cut = evaluated["cut_off"]["value"]
    assert evaluated["cut_off"]["chosen_by"] == "cost"
    assert 0.05 < cut < 0.45  # a missed customer costs three times as much
    said = score >= cut
    expected = {
        "accuracy": accuracy_score(truth, said),
        "recall[yes]": recall_score(truth, said),
        "roc_auc": roc_auc_score(truth, score),
        "log_loss": log_loss(truth, score),
        "brier": brier_score_loss(truth, score),
    }
    found = {name: evaluated["metrics"][name]["value"] for name in expected}
    assert found == pytest.approx(expected, abs=1e-12)
    assert evaluated["rows"] == len(rows) == 3000
    for name, metric in evaluated["metrics"].items():
        assert metric["low"] <= metric["value"] <= metric["high"], name


def test_the_run_is_in_mlflow(churn: Path, tracking: str, evaluated: dict[str, Any]) -> None:
    def ask(method: str, path: str, **what: Any) -> dict[str, Any]:
        answer = httpx.request(method, f"{tracking}/api/2.0/mlflow/{path}", **what).raise_for_status().json()
        assert isinstance(answer, dict)
        return answer

    experiment = ask("GET", "experiments/get-by-name", params={"experiment_name": "churn"})["experiment"]
    [run] = ask("POST", "runs/search", json={"experiment_ids": [experiment["experiment_id"]]})["runs"]
    assert run["info"]["run_id"] == evaluated["mlflow_run"]
    assert run["info"]["status"] == "FINISHED"
    metrics = {each["key"]: each["value"] for each in run["data"]["metrics"]}
    assert metrics["roc_auc"] == evaluated["metrics"]["roc_auc"]["value"]
    assert metrics["recall.yes_low"] == evaluated["metrics"]["recall[yes]"]["low"]
    parameters = {each["key"]: each["value"] for each in run["data"]["params"]}
    baseline = load_baseline(churn / "baseline")
    assert parameters["baseline"] == baseline.id
    assert parameters["dataset_sha256"] == baseline.dataset["sha256"]
    [dataset] = run["inputs"]["dataset_inputs"]
    assert str(baseline.dataset["sha256"]).startswith(dataset["dataset"]["digest"])
    listed = ask("GET", "artifacts/list", params={"run_id": run["info"]["run_id"], "path": "baseline"})["files"]
    names = {each["path"] for each in listed}
    assert {"baseline/baseline.json", "baseline/report.html", "baseline/reference.parquet"} <= names


def test_a_run_that_is_there_is_added_to(churn: Path, tracking: str, tmp_path: Path) -> None:
    client = httpx.Client(base_url=f"{tracking}/api/2.0/mlflow/")
    with client:
        run = client.post("runs/create", json={"experiment_id": "0"}).raise_for_status().json()["run"]["info"]["run_id"]
        done = evaluate(churn, "--mlflow-uri", tracking, "--run-id", run, "--output", tmp_path / "one", "--json")
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["mlflow_run"] == run
        held = client.get("runs/get", params={"run_id": run}).raise_for_status().json()["run"]
    assert held["info"]["status"] == "RUNNING"  # whoever opened it ends it
    assert any(metric["key"] == "accuracy" for metric in held["data"]["metrics"])
    missing = evaluate(churn, "--mlflow-uri", tracking, "--run-id", "0" * 32, "--output", tmp_path / "two")
    assert missing.exit_code == 2
    assert "has no run" in missing.stderr
    assert load_baseline(tmp_path / "two").accuracy.count == 3000


def test_its_live_predictions_are_watched(churn: Path, evaluated: dict[str, Any], tmp_path: Path) -> None:
    """As trained: quiet. After a price rise: the inputs are seen at once, and labels prove the harm."""
    service = Service(
        take_port(), tmp_path / "serve.log", baseline=churn / "baseline", database=f"sqlite:///{tmp_path / 'log.db'}",
        **COMPRESSED,
    )  # fmt: skip

    def verdict() -> dict[str, Any]:
        return service.status()["verdict"] or {}

    with service:
        refused = httpx.post(f"{service.url}/predict", json={"text": "a customer"})
        assert (refused.status_code, refused.json()["title"]) == (409, "No model is served here")
        example("live", churn, "--url", service.url, "--rows", 600)
        until(lambda: verdict().get("kind") == "ok" and verdict()["window"]["count"] >= 600, 20, "a quiet verdict")
        status = service.status()
        assert status["model"]["engine"] == "elsewhere"
        assert status["accuracy"]["low"] <= evaluated["metrics"]["accuracy"]["value"] <= status["accuracy"]["high"]

        example("live", churn, "--url", service.url, "--rows", 400, "--world", "price_rise", "--no-labels")
        until(
            lambda: any("monthly charge" in reason for reason in verdict().get("reasons", ())), 20, "the drift is seen"
        )
        assert verdict()["kind"] not in ("ok", "insufficient_data")
        assert not any("text" in reason.lower() for reason in verdict()["reasons"]), verdict()["reasons"]

        example("live", churn, "--url", service.url, "--rows", 800, "--world", "price_rise", "--seed", 101)
        until(lambda: verdict().get("kind") == "harmful", 20, "labels prove the harm")
        assert verdict()["severity"] == "page"
        scraped = httpx.get(f"{service.url}/metrics").text
        assert 'bertwatch_predictions_total{label="yes"}' in scraped
        assert service.status()["predictions"]["total"] == 1800


def test_the_command_line_says_what_it_lacks(churn: Path, evaluated: dict[str, Any], tmp_path: Path) -> None:
    nothing = bertwatch("serve", "--database", f"sqlite:///{tmp_path / 'log.db'}", "--port", "0")
    assert (nothing.returncode, nothing.stderr.startswith("bertwatch: --model is needed")) == (2, True)
    served = replace(load_baseline(churn / "baseline"), engine="torch", id="")
    save_baseline(replace(served, id=identity(served)), tmp_path / "served")
    other = bertwatch(
        "serve", "--baseline", tmp_path / "served", "--database", f"sqlite:///{tmp_path / 'log.db'}", "--port", "0"
    )
    assert other.returncode == 2
    assert "--model is needed: the baseline is of model" in other.stderr
    again = evaluate(churn, "--output", churn)
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    gate = evaluate(churn, "--require", "roc_auc>=0.99", "--output", tmp_path / "gated")
    assert (gate.exit_code, "roc_auc" in gate.stderr) == (1, True)
    assert load_baseline(tmp_path / "gated").accuracy.count == 3000
