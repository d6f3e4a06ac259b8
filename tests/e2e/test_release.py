"""`bertwatch baseline` as a release gate: status 1 with the reason, the baseline kept; status 2, and nothing left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main

pytestmark = pytest.mark.e2e


def baseline(model: Path, output: Path, *more: str | Path) -> Result:
    fixed = ("--model", model, "--dataset", "sample", "--rows", "1-120", "--output", output)
    result = CliRunner().invoke(main, ["baseline", *map(str, (*fixed, *more))])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_gates_comparison_and_behavior_from_the_command_line(tiny_model: Path, tmp_path: Path) -> None:
    first = baseline(tiny_model, tmp_path / "first", "--behavior", "none", "--require", "accuracy.low>=0.2")
    assert first.exit_code == 0, first.stderr
    assert "gate accuracy.low>=0.2: passed" in first.stdout

    gates = ("--require", "accuracy>=1.01", "--require", "recall[Sci/Tech]>=0", "--require", "behavior")
    second = baseline(tiny_model, tmp_path / "second", "--compare", tmp_path / "first", "--json", *gates)
    assert second.exit_code == 1, second.stderr
    assert second.stderr.count("bertwatch: ") == 1
    assert "accuracy>=1.01 failed: accuracy is 0." in second.stderr
    facts = json.loads(second.stdout)
    assert [gate["passed"] for gate in facts["gates"]][:2] == [False, True]
    assert facts["behavior"]["pack"] == "news"
    assert facts["gates"][2]["passed"] is facts["behavior"]["passed"]
    assert (facts["comparison"]["paired_rows"], facts["comparison"]["flips"]["now_wrong"]) == (120, [])
    assert json.loads((tmp_path / "second" / "baseline.json").read_text())["id"] == facts["id"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--require", "acuracy>=0.8"), "did you mean accuracy"),
        (("--require", "accuracy"), "such as accuracy>=0.84"),
        (("--cut-off", "0.3"), "the highest score wins"),
        (("--behavior", "nowhere.yaml"), "no behavior file"),
        (("--compare", "nowhere"), "does not exist"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_made(
    tiny_model: Path, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    refused = baseline(tiny_model, tmp_path / "baseline", *more)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_sorted_file_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    rows = [f'"2","The striker number {i} scored","A goal in minute {i} decided the match."' for i in range(30)]
    (tmp_path / "sorted.csv").write_text("\n".join(rows) + "\n")
    command = ["baseline", "--model", str(tiny_model), "--dataset", str(tmp_path / "sorted.csv")]
    result = CliRunner().invoke(main, [*command, "--output", str(tmp_path / "b")])
    assert result.exit_code == 2
    assert "Every row of sorted.csv is of the class Sports" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["sorted.csv"]
