"""Labelled texts by name: the right rows, in file order, and one sentence for every bad input."""

import json
import os
import subprocess
import sys

import boto3
import datasets as hub
import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from model.datasets import _hub_rows, fingerprints, load_dataset, parse_rows
from model.errors import InputError, SurroundingsError
from model.prediction import text_fingerprint

SECRET = "a customer's private words"
AG_NEWS = (
    '"3","Bank buys bank","A \\$5 bank #39;s deal\\\\closes &lt;b&gt;today"\n"1","Vote","All  quot;quiet quot; now"\n'
)


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.fixture
def ten(write):
    return write("ten.csv", "text,label\n" + "".join(f"row {n},{'ab'[n % 2]}\n" for n in range(1, 11)))


def test_ag_news_csv_gives_names_and_plain_text(write):
    found = load_dataset(write("news.csv", AG_NEWS))
    assert found.texts == ["Bank buys bank A $5 bank's deal closes <b>today", 'Vote All "quiet" now']
    assert found.labels == ["Business", "World"]
    assert found.classes == ("World", "Sports", "Business", "Sci/Tech")
    assert found.name == "news.csv"


def test_files_are_split_in_file_order_and_the_parts_share_no_row(ten):
    train = load_dataset(ten, split="train", train_rows=6, test_rows=3)
    test = load_dataset(ten, split="test", train_rows=6, test_rows=3)
    assert train.texts == [f"row {n}" for n in range(1, 7)]
    assert test.rows.tolist() == [7, 8, 9]
    assert len(load_dataset(ten)) == len(load_dataset(ten, split="live")) == 10
    assert train.sha256 == test.sha256


@pytest.mark.parametrize(
    ("rows", "count", "expected"), [("3-5", None, [3, 4, 5]), ("9-", None, [9, 10]), ("3-5", 2, [3, 4]), (None, 1, [1])]
)
def test_rows_are_counted_from_one_and_both_ends_belong(ten, rows, count, expected):
    assert load_dataset(ten, rows=rows, count=count).rows.tolist() == expected


def test_jsonl_and_parquet_and_csv_say_the_same(write, tmp_path):
    rows = [{"text": "one", "label": 1, "reference": "r1"}, {"text": "two\nlines", "label": 0, "reference": None}]
    jsonl = write("d.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    pq.write_table(pa.Table.from_pylist([*rows]).append_column("embedding", [[[1.0], [2.0]]]), tmp_path / "d.parquet")
    csv = write("d.csv", b'\xef\xbb\xbfText, Label,reference\n"one",1,r1\n"two\nlines",0,\n')
    for path in (jsonl, str(tmp_path / "d.parquet"), csv):
        found = load_dataset(path)
        assert (found.texts, found.labels, found.references) == (["one", "two\nlines"], ["1", "0"], ["r1", None])
        assert found.segments is None
        assert load_dataset(path, label_names=["spam", "ham"]).labels == ["ham", "spam"]


def test_the_sample_comes_in_three_streams_and_never_ends():
    train = load_dataset("sample", split="train", train_rows=30)
    test = load_dataset("sample", split="test", test_rows=20)
    live = load_dataset("sample", split="live", rows="100001-100005")
    assert (len(train), len(test), len(live)) == (30, 20, 5)
    assert load_dataset("sample", test_rows=20).texts == test.texts, "a baseline takes the test stream"
    assert live.rows.tolist() == list(range(100_001, 100_006))
    assert set(fingerprints(train.texts)).isdisjoint(fingerprints(test.texts))


def test_fingerprints_are_those_of_the_log():
    assert fingerprints(["Ab  c", "d"]).tolist() == [text_fingerprint("ab c"), text_fingerprint("d")]


def test_a_hub_dataset_gives_label_names():
    features = hub.Features({"text": hub.Value("string"), "label": hub.ClassLabel(names=["neg", "pos"])})
    part = hub.Dataset.from_dict({"text": ["x", "y"], "label": [1, 0]}, features=features)
    found = _hub_rows("owner/set", part)
    assert (found.labels, found.classes) == (["pos", "neg"], ("neg", "pos"))
    with pytest.raises(InputError, match="needs the columns text and label; it has text"):
        _hub_rows("owner/set", part.remove_columns("label"))
    with pytest.raises(InputError, match="Row 1 of owner/set has no label"):
        _hub_rows("owner/set", hub.Dataset.from_dict({"text": ["x"], "label": [-1]}, features=features))


def test_hub_rows_are_drawn_by_seed_and_the_draws_stay_apart(monkeypatch):
    part = hub.Dataset.from_dict({"text": [f"row {n}" for n in range(50)], "label": ["a"] * 25 + ["b"] * 25})
    monkeypatch.setattr("model.datasets.load_hub_dataset", lambda name: {"train": part})
    train = load_dataset("owner/set", split="train", train_rows=30, test_rows=20, seed=3)
    test = load_dataset("owner/set", split="test", train_rows=30, test_rows=20, seed=3)
    assert sorted([*train.rows, *test.rows]) == list(range(1, 51))
    assert len(set(train.labels)) == 2, "a hub file that is sorted by class still trains"
    again = load_dataset("owner/set", split="train", train_rows=30, seed=3)
    assert np.array_equal(again.rows, train.rows)


def test_an_unreachable_hub_says_so_in_one_sentence_with_the_ways_out():
    code = "from model.datasets import load_dataset\nload_dataset('ag_news')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": "/nonexistent-cache"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("model.errors.SurroundingsError: There is no file ag_news, and the dataset hub cannot be")
    assert "--dataset sample" in last
    assert "CSV" in last


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.csv", "", "is empty"),
        ("blank.jsonl", "\n \n", "is empty"),
        ("header.csv", "text,label\n", "has no rows"),
        ("columns.csv", "id,body,label\n1,x,y\n", "needs the columns text and label; it has id, body, label"),
        ("bare.csv", f"{SECRET},positive\n", "has positive, 1 without a usual name"),
        ("class.csv", '"1","a","b"\n"5","a","b"\n', "Row 2 of .* has class index 5; AG News has 1 to 4"),
        ("width.csv", f'"1","a","b"\n"2","{SECRET}"\n', "Row 2 of .* has 2 columns"),
        ("ragged.csv", f"text,label\nx,a\n{SECRET},a,b\n", "Row 2 of .* has 3 columns, the header has 2"),
        ("blank.csv", "text,label\nx,a\n  ,a\n", "The text in row 2 of .* is blank"),
        ("unlabelled.csv", "text,label\nx,\n", "The label in row 1 of .* is blank"),
        ("latin.csv", "text,label\nx,a\nGrüße,a\n".encode("latin-1"), "Line 3 of .* is not UTF-8"),
        ("broken.jsonl", '{"text": "x", "label": "a"}\n{"text": \n', "Line 2 of .* is not JSON"),
        ("list.jsonl", "[1, 2]\n", "Line 1 of .* is not a JSON object"),
        ("number.jsonl", '{"text": 5, "label": "a"}\n', "The text in line 1 of .* is not a string"),
        ("true.jsonl", '{"text": "x", "label": true}\n', "The label in line 1 of .* is not"),
        ("no.parquet", "PAR1 this is none", "is not a Parquet file"),
        ("news.xlsx", "x", "ends in .xlsx; datasets end in .csv, .jsonl, .parquet"),
    ],
)
def test_a_bad_file_gets_one_sentence_that_never_quotes_its_text(write, name, content, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        load_dataset(write(name, content))
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_too_short_is_said(ten, tmp_path):
    for spec, sentence in (
        ("no/such.csv", "There is no file no/such.csv"),
        (str(tmp_path), "is a directory"),
        ("a name with spaces", "is no dataset; give"),
        ("nowhere://bucket/x.csv", "is no URL that can be read"),
    ):
        with pytest.raises(InputError, match=sentence):
            load_dataset(spec)
    with pytest.raises(InputError, match="has 10 rows, fewer than 8 for training and 3 for the test"):
        load_dataset(ten, split="test", train_rows=8, test_rows=3)
    with pytest.raises(InputError, match="10 rows here; --rows 5-11 asks for rows beyond its end"):
        load_dataset(ten, rows="5-11")
    with pytest.raises(InputError, match="10 of the 11 rows"):
        load_dataset(ten, count=11)
    for wrong in ("5-4", "0-3", "abc", "-", "3"):
        with pytest.raises(InputError, match="FIRST-LAST"):
            parse_rows(wrong)
    with pytest.raises(InputError, match="has the label 7, but there are only 2 label names"):
        load_dataset(_numbered(tmp_path), label_names=["x", "y"])


def _numbered(tmp_path):
    (tmp_path / "n.csv").write_text("text,label\nx,7\n")
    return str(tmp_path / "n.csv")


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def at(url):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)

    return at


def test_an_s3_url_is_read_like_a_file(aws, tmp_path):
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        aws(f"http://{host}:{port}")
        client = boto3.client("s3")
        client.create_bucket(Bucket="news")
        client.put_object(Bucket="news", Key="two/news.csv", Body=AG_NEWS.encode())
        found = load_dataset("s3://news/two/news.csv")
        with pytest.raises(InputError, match=r"There is nothing at s3://news/none\.csv"):
            load_dataset("s3://news/none.csv")
    finally:
        server.stop()
    (tmp_path / "news.csv").write_text(AG_NEWS)
    assert (found.texts, found.sha256) == (
        load_dataset(str(tmp_path / "news.csv")).texts,
        load_dataset(str(tmp_path / "news.csv")).sha256,
    )


def test_a_store_that_does_not_answer_is_a_matter_of_surroundings(aws):
    aws("http://127.0.0.1:9")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(SurroundingsError, match=r"s3://bucket/news\.csv cannot be read"):
        load_dataset("s3://bucket/news.csv")
