"""The pure parts of `tests/bench/serve.py`: what wrk printed, which bound is reached, what the table says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.errors import SurroundingsError
from tests.bench.serving.contenders import contenders, surroundings, with_controls
from tests.bench.serving.load import Point, parse, write_bodies
from tests.bench.serving.table import Bound, Raw, Result, bounds, controls, markdown

WRK = """Running 2s test @ http://127.0.0.1:1
  2 threads and 32 connections
{"requests": 1000, "microseconds": 2000000, "refused": 100, "timeouts": 2, "broken": 3, "p50": 1500, "p99": 20000}
"""


def point(rate: float, p50: float = 10.0) -> Point:
    return Point(32, rate, 0, 0, p50, 2 * p50)


def result(name: str, role: str, rate: float, engine: str | None = None, **more: float) -> Result:
    lone = more.get("lone", 10.0)
    memory = {1: 100.0, 32: more.get("memory", 200.0)}
    return Result(name, role, engine, more.get("ready", 1.0), memory, {1: point(1.0, lone), 32: point(rate)})


RAW = {"onnx": Raw(220.0, 8.0), "onnx-int8": Raw(500.0, 4.0)}
RUN = [
    result("naive", "default", 50),
    result("ours", "ours", 200, "onnx", lone=10.5, memory=400, ready=2.0),
    result("LitServe", "default", 60),
    result("LitServe N×1", "retuned", 100),
    result("mosec, our onnx", "same-engine", 180, "onnx"),
    result("mosec, our onnx by 8", "same-engine-batching", 280, "onnx"),
    result("mosec, our int8", "same-engine", 300, "onnx-int8"),
    result("ours int8", "ours", 380, "onnx-int8", lone=7.5),
    result("ours", "ours", 220, "onnx", lone=11.5, memory=510, ready=2.5),
]


def measured(words: str, run: list[Result] = RUN) -> Bound:
    return next(bound for bound in bounds(run, RAW) if bound.words.startswith(words))


def test_what_was_refused_is_not_counted_as_answered() -> None:
    assert parse(WRK, 32) == Point(32, rate=450.0, refused=100, broken=5, p50=1.5, p99=20.0)


def test_output_without_figures_is_said() -> None:
    with pytest.raises(SurroundingsError, match="no figures"):
        parse("unable to connect", 1)


@pytest.mark.parametrize(
    ("words", "value", "reached"),
    [
        ("exact engine / best peer", 210 / 60, True),
        ("exact engine / best re-tuned", 2.1, True),
        ("exact engine / mosec N×1 with the same engine", 210 / 180, True),
        ("exact engine / mosec N×1 with the same engine, in", 0.75, False),
        ("int8 / best peer", 380 / 60, True),
        ("int8 / raw", 0.76, False),
        ("lone request p50 beyond the bare forward pass, onnx", 3.0, True),
        ("lone request p50 beyond the bare forward pass, onnx-int8", 3.5, False),
        ("memory", 510, False),  # the larger of our two runs
        ("start", 2.5, True),
    ],
)
def test_bounds(words: str, value: float, reached: bool) -> None:
    bound = measured(words)
    assert bound.value == pytest.approx(value)
    assert bound.reached is reached
    assert ("NOT reached" in bound.line()) is not reached


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    bound = measured("int8 / best peer", [each for each in RUN if each.role != "default"])
    assert bound.reached is None
    assert "not measured" in bound.line()


def test_a_peer_that_did_not_start_stands_in_the_table_and_in_no_ratio() -> None:
    run = [*RUN, Result("BentoML", "default", None, 0.0, {}, {})]
    assert measured("exact engine / best peer", run).value == pytest.approx(3.5)
    assert "| BentoML | – | – | – | failed |" in markdown(run, RAW, (1, 32))


def test_controls_are_those_that_ran_twice() -> None:
    assert controls(RUN) == [("ours", 200, 220)]
    assert "ours ×1.10" in markdown(RUN, RAW, (1, 32))


def test_the_first_two_contenders_run_again_at_the_end() -> None:
    entered = with_controls(contenders(4))
    assert [each.name for each in entered[:2]] == [each.name for each in entered[-2:]]
    assert [each.role for each in entered[:2]] == ["default", "ours"]


def test_ours_is_told_nothing_but_model_port_engine_and_a_database_on_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BERTWATCH_STORE_TEXT", "none")
    ours = next(each for each in contenders(2) if each.role == "ours")
    told = surroundings(ours, tmp_path, 1, tmp_path)
    names = {name for name in told if name.startswith("BERTWATCH_")}
    assert names == {"BERTWATCH_MODEL", "BERTWATCH_PORT", "BERTWATCH_DATABASE", "BERTWATCH_ENGINE"}
    assert told["BERTWATCH_DATABASE"] == f"sqlite:///{tmp_path}/log.db"


def test_bodies_are_one_line_each(tmp_path: Path) -> None:
    lines = write_bodies(["two\nlines", "“quoted”"], "texts", tmp_path / "b").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"texts": ["two\nlines"]}, {"texts": ["“quoted”"]}]
