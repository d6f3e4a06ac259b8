"""`bertwatch db prune, erase, export` as a user runs them: what they say, what they refuse, with which status."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
from click.testing import CliRunner

from service.cli import main
from service.keeping import seconds_of
from service.store.labels import Labels
from service.store.nouns import NewLabel
from service.store.predictions import PredictionLog
from tests.contract.store.rows import NEWS, SPAM, record

DAY = 86_400_000_000
NOW = time.time_ns() // 1000
OLD = NOW - 40 * DAY


@pytest.fixture
def log(database):
    opened = PredictionLog(database)
    opened.register(NEWS, OLD)
    opened.append([record(number, time=OLD + number, reference=f"r{number}") for number in range(6)])
    opened.append([record(number, time=NOW - 1000 + number, text=f"fresh {number}") for number in range(100, 104)])
    return opened


@pytest.fixture
def db(database_url):
    def run(*arguments, status: int = 0) -> str:
        done = CliRunner().invoke(main, ["db", *map(str, arguments), "--database", database_url])
        assert done.exit_code == status, done.output
        return done.output

    return run


def test_pruning_says_what_went(log, db):
    assert "Taken out: 6 predictions." in db("prune", "--older-than", "30d")
    assert "nothing; no row is so old" in db("prune", "--older-than", "30d")
    assert log.window("v1", 0, NOW).time.tolist() == [NOW - 1000 + number for number in range(100, 104)]


def test_pruning_in_json(log, db, database):
    Labels(database).add([NewLabel(None, "r2", "World")], NOW)
    assert json.loads(db("prune", "--older-than", "2w", "--json")) == {"predictions": 6, "labels": 1}


def test_rows_that_a_window_still_looks_at_are_not_taken(log, db):
    """So that the accuracy that is shown never rests on fewer rows than it says."""
    before = log.total("v1")
    for asked in ("12h", "0d"):
        assert "the last 24 hours; keep them at least so long" in db("prune", "--older-than", asked, status=2)
    said = db("prune", "--older-than", "30d", "--accuracy-window", "3456000", status=2)
    assert "the last 960 hours" in said
    assert len(log.window("v1", 0, NOW)) == before
    for wrong in ("90", "d", "-3d", "9 d", "90days"):
        assert "such as 90d" in db("prune", f"--older-than={wrong}", status=2)


def test_ages():
    assert [seconds_of(age) for age in ("12h", "90d", "4w")] == [43_200, 7_776_000, 2_419_200]


def test_erasing_by_id_by_text_and_by_reference(log, db):
    rows = {row.reference: row.id for row in log.find([record(n, time=OLD + n).id for n in range(6)]).values()}
    said = db("erase", "--prediction-id", rows["r1"], rows["r2"], "01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60")
    assert "Erased: 2 predictions, and 0 reports; 1 not found." in said
    digest = hashlib.sha256(b"fresh 102").hexdigest()
    assert json.loads(db("erase", "--text-sha256", digest.upper(), "--json"))["predictions"] == 1
    assert json.loads(db("erase", "--reference", "r3", "--json"))["predictions"] == 1
    left = {row.text for row in log.find([*rows.values(), record(102, time=NOW - 898).id]).values()}
    assert left == {None, "text number 0", "text number 4", "text number 5"}


def test_an_erasure_that_finds_nothing_is_no_success(log, db):
    assert "nothing was erased" in db("erase", "--reference", "r77", status=2)
    assert "nothing was erased" in db("erase", "--text-sha256", "0" * 64, status=2)
    assert "64 hexadecimal digits" in db("erase", "--text-sha256", "fresh 102", status=2)
    assert "is a UUID" in db("erase", "--prediction-id", "r1", status=2)
    assert "one of the three" in db("erase", status=2)
    assert "one of the three" in db("erase", "--reference", "r1", "--text-sha256", "0" * 64, status=2)


def test_exporting(log, db, tmp_path):
    path = tmp_path / "out.csv"
    assert f"{path}: 10 predictions of model v1" in db("export", "--output", path)
    assert len(path.read_text().splitlines()) == 11
    assert "exists; choose another" in db("export", "--output", path, status=2)
    assert "ends in .csv, .jsonl, .parquet" in db("export", "--output", tmp_path / "out.doc", status=2)
    log.register(SPAM, NOW)
    assert "--model-version: v1, v2" in db("export", "--output", tmp_path / "all.csv", status=2)
    assert "never seen model v9" in db("export", "--output", tmp_path / "a.csv", "--model-version", "v9", status=2)
    done = json.loads(db("export", "--output", tmp_path / "one.jsonl", "--model-version", "v1", "--json"))
    assert (done["rows"], done["model_version"]) == (10, "v1")


def test_a_retention_shorter_than_a_window_is_refused_at_the_start(database_url, tmp_path):
    for command in ("serve", "monitor"):
        flags = ["--database", database_url, "--baseline", str(tmp_path), "--retention-days", "0.5"]
        done = CliRunner().invoke(main, [command, *flags])
        assert done.exit_code == 2
        assert "the last 24 hours" in done.output
