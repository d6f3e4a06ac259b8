"""Rows that cannot be a baseline, one by one: one sentence, exit status 2, and no half-written baseline."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from model.datasets import load_dataset
from tests.e2e.test_bad_input import refused

pytestmark = pytest.mark.e2e

CLASSES = ("World", "Sports", "Business", "Sci/Tech")
Rows = list[list[object]]


def texts(split: str = "live", count: int = 24) -> Rows:
    found = load_dataset("sample", split="train" if split == "train" else "live", rows=f"1-{count}")
    return [[text, CLASSES[row % 4]] for row, text in enumerate(found.texts)]


def written(path: Path, header: list[str], rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        (lambda: [*texts(), ["A story about rain", "Weather"]], (), "1 of the 25 rows"),
        (lambda: [row for row in texts() if row[1] != "Business"], (), "no row of Business"),
        (lambda: [[text, "Sports"] for text, _ in texts()], (), "is of the class Sports"),
        (lambda: texts(count=8) * 3, (), "repeat an earlier row"),
        (lambda: [*texts(), *texts("train", 1)], (), "1 of the 25 rows is one that the model was trained on"),
        (lambda: [], (), "has no rows"),
        (texts, ("--rows", "100-"), "beyond its end"),
        (lambda: [*texts(), ["   ", "World"]], (), "The text in row 25"),
        (lambda: [*texts(), ["A story", ""]], (), "The label in row 25"),
    ],
    ids=[
        "label of another model", "class without a row", "one class", "repeated rows", "training rows", "no row",
        "no row after filtering", "empty text", "empty label",
    ],
)  # fmt: skip
def test_texts(rows: Callable[[], Rows], more: tuple[str, ...], said: str, tiny_model: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "texts.csv", ["text", "label"], rows())
    output = tmp_path / "baseline"
    refused("baseline", "--model", tiny_model, "--dataset", file, *more, "--output", output, said=said)
    assert list(tmp_path.iterdir()) == [file]


SCORES: Rows = [["a", 0.9, 0.1], ["b", 0.2, 0.8], ["a", 0.6, 0.4], ["b", 0.7, 0.3]]


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([*SCORES, ["c", 0.5, 0.5]], (), "1 of the 5 rows"),
        ([*SCORES, ["a", 0.5, 0.6]], (), "do not sum to one"),
        ([*SCORES, ["a", "nan", 0.6]], (), "missing or not a number"),
        ([*SCORES, ["a", "", 0.6]], (), "missing or not a number"),
        ([*SCORES, ["a", 1.2, -0.2]], (), "below zero"),
        ([*SCORES, ["a", "much", 0.6]], (), "not a number"),
        ([["a", 0.9, 0.1], ["a", 0.2, 0.8]], (), "one class"),
        ([[*row, 0.0] for row in SCORES], ("--score-columns", "score_c"), "No row of"),
        ([], (), "has no row"),
        ([*SCORES, ["", 0.5, 0.5]], (), "no label"),
    ],
    ids=[
        "unknown label", "sum", "NaN", "missing", "negative", "no number", "one class", "class without a row", "no row",
        "no label",
    ],
)  # fmt: skip
def test_scores(rows: Rows, more: tuple[str, ...], said: str, tmp_path: Path) -> None:
    header = ["label", "score_a", "score_b", *more[1:]]
    file = written(tmp_path / "scores.csv", header, rows)
    refused(
        "evaluate", "--predictions", file, "--label-column", "label", "--score-columns", "score_a", "score_b", *more,
        "--output", tmp_path / "baseline", said=said,
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == [file]


def test_repeated_ids_and_an_output_that_is_there(tmp_path: Path) -> None:
    header = ["id", "label", "score_a", "score_b"]
    twice = written(tmp_path / "twice.csv", header, [[1, *row] for row in SCORES])
    once = written(tmp_path / "once.csv", header, [[at, *row] for at, row in enumerate(SCORES)])
    (tmp_path / "there").mkdir()
    columns = ("--label-column", "label", "--score-columns", "score_a", "score_b")
    refused("evaluate", "--predictions", twice, *columns, "--output", tmp_path / "new", said="repeat the id")
    refused("evaluate", "--predictions", once, *columns, "--output", tmp_path / "there", said="exists already")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["once.csv", "there", "twice.csv"]
