"""Predictions from a file, whatever its form, become the same window; what is wrong is said in one sentence."""

from __future__ import annotations

import json
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from model.errors import InputError
from model.features import FEATURES
from model.prediction import ModelInfo, text_fingerprint
from monitors.in_memory import MemoryLog
from monitors.prediction_file import read_predictions
from monitors.window import COLUMNS
from monitors.window_file import numbered_ids, window_table

MODEL = ModelInfo(version="v", labels=("World", "Sports"), features=("characters", "tokens"))
ROWS = pd.DataFrame({"World": [0.75, 0.25, 0.5], "Sports": [0.25, 0.75, 0.5]})


def written(frame, path):
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True, date_format="iso")
        case ".parquet":
            frame.to_parquet(path)
    return path


def window(frame, tmp_path, suffix=".csv", model=MODEL):
    return read_predictions(written(frame, tmp_path / f"predictions{suffix}"), model)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_all_forms_give_the_same_window(tmp_path, suffix):
    frame = ROWS.assign(
        id=["a", "00000000-0000-0000-0000-0000000000ff", "7"],
        time=["2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z", "2026-01-01T01:00:03+01:00"],
        label=["Sports", None, "World"],
        segment=["web", None, "nan"],
        text=["Late goal, “decides” it", "NA", None],
        tokens=[5, None, 1],
        truncated=[True, False, False],
    )
    found = window(frame, tmp_path, suffix)
    start = 1_767_225_600_000_000
    assert found.time.tolist() == [start + 1_000_000, start + 2_000_000, start + 3_000_000]
    assert (found.start, found.end) == (start + 1_000_000, start + 3_000_001)
    assert found.scores.tolist() == [[0.25, 0.75], [0.75, 0.25], [0.5, 0.5]]
    assert found.predicted.tolist() == [1, 0, 0]
    assert found.truth.tolist() == [-1, 1, 0]
    assert found.label_time.tolist() == [0, start + 2_000_000, start + 3_000_000]
    assert found.segment.tolist() == [None, "web", "nan"]
    assert found.features[:, 0].tolist() == [2, 23, 0]
    np.testing.assert_array_equal(found.features[:, 1], [np.nan, 5, 1])
    assert found.text_hash[0] == text_fingerprint("NA")
    assert found.truncated.tolist() == [False, True, False]
    assert bytes(found.ids[0]) == UUID(int=255).bytes
    assert (found.ids[2] == numbered_ids(np.array([7]))).all()
    assert np.isnan(found.projection).all()


def test_scores_alone_are_enough(tmp_path):
    found = window(ROWS.rename(columns={"World": "score_World"}), tmp_path)
    assert found.scores[0].tolist() == [0.75, 0.25]
    assert found.time.tolist() == [0, 1, 2]
    assert found.truth.tolist() == [-1, -1, -1]
    assert found.text_hash.tolist() == [0, 0, 0]
    assert found.features.shape == (3, 2)
    assert len(found) == 3


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_form_of_a_baselines_reference_is_read(tmp_path, suffix):
    model = ModelInfo(version="v", labels=("World", "Sci/Tech"), features=FEATURES)
    rng = np.random.default_rng(0)
    rows = 20
    scores = rng.dirichlet([1, 1], rows)
    made = window(pd.DataFrame(scores, columns=model.labels).assign(label="World"), tmp_path, model=model)
    features = rng.normal(size=(rows, len(FEATURES))).astype(np.float32).astype(np.float64)
    projection = rng.normal(size=(rows, 32)).astype(np.float32).astype(np.float64)
    hashes = rng.integers(0, 2**64, rows, dtype=np.uint64)
    columns = {name: getattr(made, name) for name in COLUMNS}
    columns |= {"features": features, "projection": projection, "text_hash": hashes, "label_time": made.time}
    made = type(made)(model=model, start=0, end=rows, **columns)
    found = window(window_table(made).to_pandas(), tmp_path, suffix, model=model)
    for name in COLUMNS:
        if name in ("scores", "features", "projection"):  # text forms round
            np.testing.assert_allclose(getattr(found, name), getattr(made, name), rtol=1e-5, atol=1e-9)
        else:
            np.testing.assert_array_equal(getattr(found, name), getattr(made, name), err_msg=name)


@pytest.mark.parametrize("unit", [1, 1000, 1_000_000])
def test_times_since_the_epoch_may_have_any_usual_unit(tmp_path, unit):
    found = window(ROWS.assign(time=[1_767_225_602 * unit, 1_767_225_600 * unit, 1_767_225_601 * unit]), tmp_path)
    assert found.time.tolist() == [1_767_225_600_000_000 + i * 1_000_000 for i in range(3)]
    assert found.scores[0].tolist() == [0.25, 0.75]


def test_a_class_may_be_called_like_something_missing(tmp_path):
    model = ModelInfo(version="v", labels=("NA", "None"), features=())
    frame = pd.DataFrame({"NA": [0.1], "None": [0.9], "label": ["NA"]})
    assert window(frame, tmp_path, model=model).truth.tolist() == [0]


def test_a_header_without_a_row_is_said_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="has no row"):
        window(ROWS.head(0), tmp_path, ".csv")


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (ROWS.drop(columns="Sports"), "no score column for Sports"),
        (ROWS.assign(Sports=[0.25, 0.5, 0.5]), "1 row has scores that do not sum to one"),
        (ROWS.assign(Sports=[None, 0.75, 0.5]), "missing or not a number"),
        (ROWS.assign(Sports=["much", 0.75, 0.5]), "'Sports' of .* is not a number"),
        (ROWS.assign(label=["World", "Weather", "Sports"]), "'label' of .* 1 rows with a class .* World, Sports"),
        (ROWS.assign(predicted=["World", None, "Sports"]), "1 rows without a predicted class"),
        (ROWS.assign(time=["noon", "1 pm", "2 pm"]), "ISO 8601"),
        (ROWS.assign(time=[1.0, None, 2.0]), "without a time"),
        (ROWS.assign(time=1.0, label="World", label_time=["", "2026-01-01", "2026-01-01"]), "without a label time"),
        (ROWS.assign(asked=["a", "b", "c"]), "'asked' of .* is not a number"),
        (ROWS.assign(asked=[0.5, 30.0, 0.0]), "'asked' of .* has 2 values that are no probability"),
        (ROWS.assign(tokens=["a", "b", "c"]), "'tokens' of .* is not a number"),
        (ROWS.assign(p0=[0, 0, 0]), "1 of the 32 projection columns"),
        (ROWS.assign(truncated=["perhaps", 0, 1]), "true or false"),
        (ROWS.assign(text_hash=["x", 1, 2]), "whole numbers"),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, frame, says, suffix):
    with pytest.raises(InputError, match=says) as refused:
        window(frame, tmp_path, suffix)
    assert "\n" not in str(refused.value)
    assert "much" not in str(refused.value)
    assert "Weather" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.jsonl", b"", "is empty|has no row"),
        ("a.parquet", b"", "is empty"),
        ("a.parquet", b"no parquet", "cannot be read as PARQUET"),
        ("a.jsonl", b"{", "cannot be read as JSONL"),
        ("a.jsonl", b'["a"]', "no score column|cannot be read"),
        ("a.csv", b"World,Sports\n\xff\xfe,1\n", "cannot be read as CSV"),
        ("a.xlsx", b"", "none of .csv"),
    ],
)
def test_files_that_are_no_predictions_are_refused(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_predictions(tmp_path / name, MODEL)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="no file"):
        read_predictions(tmp_path / "none.csv", MODEL)
    (tmp_path / "directory.csv").mkdir()
    with pytest.raises(InputError, match="Cannot read"):
        read_predictions(tmp_path / "directory.csv", MODEL)


def test_numbers_in_json_lines_keep_their_type(tmp_path):
    path = tmp_path / "a.jsonl"
    row = {"World": 1, "Sports": 0, "text_hash": 2**64 - 1, "label": "World", "time": 1767225600}
    path.write_text(json.dumps(row) + "\n")
    found = read_predictions(path, MODEL)
    assert found.text_hash.tolist() == [2**64 - 1]
    assert found.time.tolist() == [1_767_225_600_000_000]


def test_labels_that_were_drawn_out_of_doubt_are_weighted_and_nothing_else(tmp_path):
    """As the log has it: the window, the streams and whoever counts labels alike see those that fell evenly."""
    frame = ROWS.assign(label=["World", "Sports", "World"], asked=[0.1, 0.4, None], label_time=[30, 20, 10])
    assert window(frame, tmp_path).label_time.tolist() == [0, 1, 2]  # nothing to hold a time against: at once
    found = window(frame.assign(time=[0, 1e-6, 2e-6]), tmp_path)
    log = MemoryLog(MODEL)
    log.add(found)
    np.testing.assert_array_equal(found.asked, [0.1, 0.4, np.nan])
    assert found.label_time.tolist() == [30_000_000, 20_000_000, 10_000_000]
    assert log.labelled("v", 0, 9).asked[1:].tolist() == [0.4, 0.1]
    assert len(log.labelled("v", 0, 9, even=True)) == 1
    assert log.window("v", 0, 9).truth.tolist() == [-1, -1, 0]
    rows, cursor = log.after("v", 0, "labels")
    assert (rows.time.tolist(), cursor) == ([2], 3)
