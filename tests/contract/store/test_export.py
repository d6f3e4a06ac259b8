"""The log as a file: every row once, in order of time, as `check` reads it; within one moment of the database."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from model.errors import InputError, SurroundingsError
from model.prediction import ModelInfo, Prediction, Record
from monitors.baseline import load_baseline, save_baseline
from monitors.baseline.contract import identity
from monitors.in_memory import MemoryJournal, MemoryReports
from monitors.prediction_file import read_predictions
from monitors.window_file import numbered_ids
from service.export_file import write_rows
from service.settings import Settings
from service.store.export import Export
from service.store.labels import Labels
from service.store.nouns import NewLabel
from service.store.predictions import PredictionLog
from service.store.verdict_json import encode_verdict
from service.wiring import open_runner
from service.workbench.judging import check
from tests.contract.store.rows import NEWS, SPAM, START, record, row_id
from tests.statistics.simulation import baseline_of, draw

ODD = 'Zeile 1\r\n"Zeile 2",\t漢字 🏳️‍🌈 =1+1'


@pytest.fixture
def log(database):
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    opened.register(SPAM, START)
    opened.append([record(number, segment="eu" if number % 2 else None) for number in (5, 3, 4, 1, 2)])
    opened.append([record(6, text=ODD, reference="r-6"), record(7, text=None), record(8, model=SPAM)])
    labels = Labels(database)
    labels.add([NewLabel(row_id(3), None, "Sports", asked=0.25)], START + 100)
    labels.add([NewLabel(row_id(3), None, "World")], START + 200)
    return opened


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_file_is_the_log(log, database, tmp_path, suffix):
    """Read back by the reader of `bertwatch check`, it is the window that the monitor sees."""
    path = tmp_path / f"log{suffix}"
    assert write_rows(Export(database, "v1", rows=2), path) == 7
    read, window = read_predictions(path, NEWS), log.labelled("v1", 0, START + 1000)
    assert (read.time - START).tolist() == [1, 2, 3, 4, 5, 6, 7]
    whole = log.window("v1", 0, START + 1000)
    for name in ("ids", "time", "predicted", "text_hash", "truncated"):
        assert np.array_equal(getattr(read, name), getattr(whole, name)), name
    for name in ("scores", "features", "projection"):
        np.testing.assert_allclose(getattr(read, name), getattr(whole, name), rtol=1e-6)
    assert read.segment.tolist() == whole.segment.tolist()
    assert read.truth[read.truth >= 0].tolist() == window.truth.tolist() == [0]
    assert read.label_time[read.truth >= 0].tolist() == window.label_time.tolist() == [START + 200]
    np.testing.assert_array_equal(read.asked, whole.asked)
    assert [file.name for file in tmp_path.iterdir() if "log.db" not in file.name] == [path.name]


def test_texts_and_what_goes_with_a_label_come_as_they_are(log, database, tmp_path):
    for suffix in (".csv", ".jsonl", ".parquet"):
        write_rows(Export(database, "v1"), tmp_path / f"log{suffix}")
    with (tmp_path / "log.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").split("\n") if line]
    table = pq.read_table(tmp_path / "log.parquet").to_pylist()
    assert rows[5]["text"] == lines[5]["text"] == table[5]["text"] == ODD
    assert (rows[6]["text"], lines[6]["text"], table[6]["text"]) == ("", None, None)
    assert (rows[2]["label"], rows[2]["asked"], rows[2]["label_source"]) == ("World", "", "feedback")
    assert lines[2]["label_time"] == "2025-10-09T08:53:20.000200Z"
    assert table[2]["time"].microsecond == 3
    assert list(rows[0]) == list(lines[0]) == list(table[0])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_features_with_names_of_ours_stand_beside_our_columns(database, tmp_path, suffix):
    odd = replace(NEWS, version="v3", features=("engine", "time", "text", "feature_text", "p3"))
    log = PredictionLog(database)
    log.register(odd, START)
    sent = record(1, model=odd)
    log.append([sent])
    path = tmp_path / f"log{suffix}"
    write_rows(Export(database, "v3"), path)
    row = {".csv": pd.read_csv, ".parquet": pd.read_parquet, ".jsonl": partial(pd.read_json, lines=True)}[suffix](
        path
    ).iloc[0]
    assert (row["engine"], row["text"], row["p3"]) == (
        "torch",
        sent.text,
        pytest.approx(sent.prediction.projection[3], rel=1e-6),
    )
    names = ["feature_engine", "feature_time", "feature_feature_text", "feature_text", "feature_p3"]
    np.testing.assert_allclose(row[names].astype(float), sent.prediction.features, rtol=1e-6)
    np.testing.assert_allclose(read_predictions(path, odd).features, [sent.prediction.features], rtol=1e-6)


def test_only_one_moment_is_read(log, database, tmp_path):
    """What is appended while the file is written is not in it."""
    export = Export(database, "v1", rows=3)
    seen = 0
    for part in export.parts():
        seen += len(part["id"])
        log.append([record(100 + seen)])
    assert seen == 7


def test_a_file_appears_whole_or_not_at_all(log, database, tmp_path):
    class Breaks(Export):
        def parts(self):
            yield from list(super().parts())[:1]
            raise SurroundingsError("The database is gone.")

    for suffix in (".csv", ".jsonl", ".parquet"):
        with pytest.raises(SurroundingsError):
            write_rows(Breaks(database, "v1", rows=2), tmp_path / f"log{suffix}")
    assert not [file for file in tmp_path.iterdir() if "log.db" not in file.name]
    with pytest.raises(InputError, match=r"\.csv, \.jsonl, \.parquet"):
        write_rows(Export(database, "v1"), tmp_path / "log.xlsx")
    with pytest.raises(InputError, match="never seen"):
        Export(database, "v9")
    with pytest.raises(SurroundingsError, match="Cannot write"):
        write_rows(Export(database, "v1"), tmp_path / "nowhere" / "log.csv")


@pytest.mark.parametrize("harmed", [False, True], ids=["as it was", "harmed"])
def test_checking_the_exported_window_gives_the_verdict_of_its_round(database, tmp_path, capsys, harmed):
    """A classifier of numbers, two of which are called like columns of the export."""
    model = ModelInfo("v4", ("World", "Sports", "Business", "Sci/Tech"), ("engine", "confidence"), "numbers")
    rng = np.random.default_rng(5)
    held = replace(baseline_of(_rows_of(model, rng, 800)), model=model)
    save_baseline(replace(held, id=identity(held)), tmp_path / "baseline")
    held = load_baseline(tmp_path / "baseline")
    live = _rows_of(model, rng, 300, moved=3.0 if harmed else 0.0, accuracy=0.5 if harmed else 0.88)
    live = replace(live, time=START + 1_000_000 * live.time)
    _commit(PredictionLog(database), Labels(database), live, rng)
    settings = Settings(window=3600.0, minimum_rows=2)
    stores = {"log": PredictionLog(database), "journal": MemoryJournal(), "reports": MemoryReports()}
    outcome = open_runner(settings, held, (), lambda: int(live.time.max()) + 1, **stores).run("1")
    write_rows(Export(database, "v4"), tmp_path / "window.csv")
    capsys.readouterr()
    status = check(settings, str(tmp_path / "baseline"), str(tmp_path / "window.csv"), as_json=True)
    told, kept = json.loads(capsys.readouterr().out), json.loads(json.dumps(encode_verdict(outcome.verdict)))
    assert status == int(harmed)
    assert told["kind"] == ("harmful" if harmed else "ok")
    for name in ("kind", "severity", "reasons", "coverage", "label_lag"):
        assert told[name] == kept[name], name
    for name in ("accuracy", "estimated_accuracy"):
        assert told[name] == pytest.approx(kept[name], rel=1e-6), name
    # permutations are drawn by the window's bounds, which a file does not tell
    scores = [{one["check"]: one["score"] or 0.0 for one in verdict["findings"]} for verdict in (told, kept)]
    assert scores[0] == pytest.approx(scores[1], rel=0.1, abs=0.1)
    assert scores[0]["harm"] == pytest.approx(scores[1]["harm"], rel=1e-9)
    assert ("engine" in json.dumps(told["reasons"])) == harmed


def _rows_of(model, rng, rows, *, moved=0.0, accuracy=0.88):
    """Rows of the statistics' world, with numbers of their own."""
    drawn = draw(rng, rows)
    features = rng.normal(size=(rows, len(model.features))).astype(np.float32).astype(float)
    features[:, 0] += moved
    right = rng.random(rows) < accuracy
    truth = np.where(right, drawn.predicted, (drawn.predicted + 1) % len(model.labels))
    number = np.arange(1, rows + 1)
    return replace(
        drawn, model=model, features=features, projection=np.full((rows, 32), np.nan), truth=truth, time=number,
        label_time=number, ids=numbered_ids(number), start=1, end=rows + 1,
    )  # fmt: skip


def _commit(log, labels, rows, rng):
    """As the service would have: half of the rows get a label, in any order."""
    log.register(rows.model, START)
    sent = [
        Record(
            id=row_id(at, int(rows.time[at])), time=int(rows.time[at]), model_version=rows.model.version,
            baseline_id="b1", engine="outside", precision="fp32", label=rows.model.labels[rows.predicted[at]],
            prediction=Prediction(
                int(rows.predicted[at]), rows.scores[at].astype(np.float32), rows.features[at].astype(np.float32),
                np.full(32, np.nan, np.float32), False,
            ),
            text=None, text_hash=0, reference=None, segment=None,
        )
        for at in range(len(rows))
    ]  # fmt: skip
    log.append(sent)
    for place, at in enumerate(rng.permutation(len(rows))[: len(rows) // 2]):
        labels.add(
            [NewLabel(sent[at].id, None, rows.model.labels[rows.truth[at]])], int(rows.time.max()) - 1000 + place
        )
