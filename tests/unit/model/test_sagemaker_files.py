"""SageMaker's files become a table that the other commands read; the forms are those of its documentation."""

from __future__ import annotations

import base64
import json
import sqlite3

import numpy as np
import pytest
from click.testing import CliRunner

from model.errors import InputError
from model.sagemaker_files import prediction_table, read_captured, read_ground_truth
from service.cli import main
from tests.conftest import take_port
from tests.processes import Service

CSV = {"observedContentType": "text/csv", "mode": "INPUT", "encoding": "CSV"}
JSON = {"observedContentType": "application/json", "mode": "INPUT", "encoding": "JSON"}


def event(name, asked, said, *, form=CSV, answer=None, **metadata):
    return {
        "captureData": {
            "endpointInput": {**form, "data": asked},
            "endpointOutput": {**(answer or form), "mode": "OUTPUT", "data": said},
        },
        "eventMetadata": {"eventId": name, "inferenceTime": "2026-01-05T09:30:00Z", **metadata},
        "eventVersion": "0",
    }


def truth(name, data):
    return {
        "groundTruthData": {"data": data, "encoding": "CSV"},
        "eventMetadata": {"eventId": name},
        "eventVersion": "0",
    }


def written(path, events):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in events))
    return path


def table(tmp_path, events, truths=(), labels=(), inputs=()):
    captured = read_captured(written(tmp_path / "captured.jsonl", events))
    found = read_ground_truth(written(tmp_path / "truth.jsonl", truths)) if truths else {}
    return prediction_table(captured, found, labels, inputs)


def test_xgboosts_csv_with_ground_truth_by_inference_id(tmp_path):
    events = [
        event("e1", "132,25.5", "0.0107", inferenceId="customer-1"),
        event("e2", "7,80", "0.9"),
        event("e3", "1,1", "0.5"),
    ]
    truths = [truth("e2", "1"), truth("customer-1", "1"), truth("customer-1", "0")]
    found = table(tmp_path, events, truths, ("stays", "leaves"), ("tenure", "charge"))
    assert found["id"] == ["customer-1", "e2", "e3"]
    assert found["time"] == ["2026-01-05T09:30:00Z"] * 3
    assert (found["tenure"], found["charge"]) == ([132.0, 7.0, 1.0], [25.5, 80.0, 1.0])
    assert found["score_leaves"] == [0.0107, 0.9, 0.5]
    assert found["score_stays"] == [1 - 0.0107, 1 - 0.9, 0.5]
    assert found["label"] == ["stays", "leaves", None]  # the newest one of customer-1 counts
    plain = table(tmp_path, events)
    assert plain["score"] == [0.0107, 0.9, 0.5]
    assert "label" not in plain


def test_a_request_of_several_rows(tmp_path):
    found = table(tmp_path, [event("e", "1,2\n3,4\n", "0.1,0.9\n0.8,0.2\n")], [truth("e", "b\na")], ("a", "b"))
    assert found["id"] == ["e/0", "e/1"]
    assert found["input_0"] == [1.0, 3.0]
    assert found["score_b"] == [0.9, 0.2]
    assert found["label"] == ["b", "a"]


@pytest.mark.parametrize(
    ("asked", "said", "labels", "scores"),
    [
        ('{"inputs": "Late goal"}', '[[{"label": "B", "score": 0.75}, {"label": "A", "score": 0.25}]]', (),
         (0.25, 0.75)),
        ('{"inputs": "Late goal"}', '[{"label": "B", "score": 0.75}, {"label": "A", "score": 0.25}]', (), (0.25, 0.75)),
        ('"Late goal"', '[{"label": "LABEL_0", "score": 0.25}, {"label": "LABEL_1", "score": 0.75}]', ("A", "B"),
         (0.25, 0.75)),
        ('{"inputs": ["Late goal"]}', '[{"label": "B", "score": 0.75}]', ("A", "B"), (0.25, 0.75)),
        ('{"text": "Late goal"}', '{"probabilities": [0.25, 0.75]}', ("A", "B"), (0.25, 0.75)),
        ('{"text": "Late goal"}', "[0.25, 0.75]", ("A", "B"), (0.25, 0.75)),
        ('{"instances": ["Late goal"]}', '{"predictions": [{"score": 0.75, "predicted_label": 1}]}', ("A", "B"),
         (0.25, 0.75)),
    ],
)  # fmt: skip
def test_texts_and_the_json_of_their_classifiers(tmp_path, asked, said, labels, scores):
    found = table(tmp_path, [event("e", asked, said, form=JSON)], labels=labels)
    assert found["text"] == ["Late goal"]
    assert (found["score_A"], found["score_B"]) == ([scores[0]], [scores[1]])


def test_other_encodings_and_what_was_not_captured(tmp_path):
    coded = {**CSV, "encoding": "BASE64"}
    first = event("e1", base64.b64encode(b"1,2").decode(), base64.b64encode(b"0.25").decode(), form=coded)
    second = event("e2", "", "0.5")
    del second["captureData"]["endpointInput"]
    found = table(tmp_path, [first, second])
    assert found["input_1"] == [2.0, None]
    assert found["score"] == [0.25, 0.5]
    picture = {"observedContentType": "image/png", "mode": "INPUT", "encoding": "BASE64"}
    pixels = base64.b64encode(b"\x89PNG").decode()
    assert set(table(tmp_path, [event("e", pixels, "0.5", form=picture, answer=CSV)])) == {"id", "time", "score"}


def test_a_directory_is_read_file_by_file(tmp_path):
    for hour in ("09", "08"):
        written(tmp_path / "in" / "2026" / hour / "a.jsonl", [event(f"e{hour}", "1", "0.5")])
    assert [each.id for each in read_captured(tmp_path / "in")] == ["e08", "e09"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("not json\n", "Line 1 of .* is not a JSON object"),
        ("[]\n", "is not a JSON object"),
        ("\n\n", "holds no captured data"),
        ('{"captureData": {}}\n', "was output captured"),
        (json.dumps(event("e", "1", "secret words")) + "\n", "is no list of scores"),
        (json.dumps(event("e", "1", '{"secret": 1}', form=JSON)) + "\n", "is no list of scores"),
        (json.dumps({**event("e", "1", "0.5"), "eventMetadata": {}}) + "\n", "eventId"),
    ],
)
def test_what_is_wrong_is_said_without_the_data(tmp_path, lines, words):
    (tmp_path / "captured.jsonl").write_text(lines)
    with pytest.raises(InputError, match=words) as caught:
        read_captured(tmp_path / "captured.jsonl")
    assert "secret" not in str(caught.value)


def test_what_cannot_be_one_table_is_said(tmp_path):
    with pytest.raises(InputError, match="same number of scores"):
        table(tmp_path, [event("e", "1", "0.5"), event("f", "1", "0.5,0.5")])
    with pytest.raises(InputError, match="2 scores, but there are 3"):
        table(tmp_path, [event("e", "1", "0.5,0.5")], labels=("a", "b", "c"))
    with pytest.raises(InputError, match="1 numbers, but there are 2"):
        table(tmp_path, [event("e", "1", "0.5")], inputs=("a", "b"))
    with pytest.raises(InputError, match="best class alone"):
        table(tmp_path, [event("e", '"x"', '[{"label": "B", "score": 0.75}]', form=JSON)])
    with pytest.raises(InputError, match="no file"):
        read_captured(tmp_path / "none.jsonl")


def command(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def recorded_in_a_service(tmp_path):
    """The captured data again, into the log of a service that watches this model."""
    service = Service(
        take_port(), tmp_path / "serve.log", baseline=tmp_path / "baseline", monitor="false",
        database=f"sqlite:///{tmp_path / 'log.db'}",
    )  # fmt: skip
    files = ("sagemaker", "--captured", tmp_path / "first" / "in", "--ground-truth", tmp_path / "first" / "truth.jsonl")
    said = (*files, "--labels", "no,yes", "--input-columns", "tenure", "constant")

    with service:
        done = command(*said, "--url", service.url, "--json")
        assert (done.exit_code, json.loads(done.stdout)["labelled"]) == (0, 600), done.stderr
        assert service.status()["predictions"]["total"] == 600
        refused = command(*files, "--labels", "no,maybe", "--url", service.url)
        assert (refused.exit_code, "refuses row 1: scores do not name each class" in refused.stderr) == (2, True)
        assert service.status()["predictions"]["total"] == 600
    with sqlite3.connect(tmp_path / "log.db") as log:
        [(labels,)] = log.execute("SELECT count(*) FROM labels")
        [(times,)] = log.execute("SELECT count(*) FROM predictions WHERE time = 1767605400000000")
    log.close()
    assert (labels, times) == (600, 600)
    gone = command(*said, "--url", service.url)
    assert (gone.exit_code, "No answer from" in gone.stderr, "0 rows were recorded" in gone.stderr) == (2, True, True)
    assert command(*said).exit_code == 2


def test_stranded_users_come_over(tmp_path):
    """Captured data and ground truth to a table, the table to a baseline, later captured data checked against it."""
    rng = np.random.default_rng(0)

    def day(name, shift):
        rows = [(rng.normal(30 + shift, 10), rng.random()) for _ in range(600)]
        events = [event(f"{name}{at}", f"{tenure},1", f"{score}") for at, (tenure, score) in enumerate(rows)]
        truths = [truth(f"{name}{at}", str(int(rng.random() < score))) for at, (_, score) in enumerate(rows)]
        done = command(
            "sagemaker", "--captured", written(tmp_path / name / "in" / "a.jsonl", events).parent,
            "--ground-truth", written(tmp_path / name / "truth.jsonl", truths), "--labels", "no,yes",
            "--input-columns", "tenure", "constant", "--output", tmp_path / f"{name}.parquet", "--json",
        )  # fmt: skip
        assert done.exit_code == 0, done.stderr
        assert json.loads(done.stdout)["labelled"] == 600
        return tmp_path / f"{name}.parquet"

    done = command(
        "evaluate", "--predictions", day("first", 0), "--label-column", "label", "--score-columns", "score_no",
        "score_yes", "--feature-columns", "tenure", "constant", "--output", tmp_path / "baseline",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    recorded_in_a_service(tmp_path)
    quiet, moved = (
        command("check", "--baseline", tmp_path / "baseline", "--predictions", file, "--json")
        for file in (tmp_path / "first.parquet", day("moved", 25))
    )
    assert (quiet.exit_code, json.loads(quiet.stdout)["kind"]) == (0, "ok"), quiet.stderr
    assert any("tenure" in reason for reason in json.loads(moved.stdout)["reasons"])
