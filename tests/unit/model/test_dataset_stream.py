"""Texts that are read part by part are those of `load_dataset`, row for row, and they are not held."""

import json
import tracemalloc

import datasets as hub
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model import dataset_stream
from model.dataset_stream import open_stream
from model.datasets import fingerprints, load_dataset
from model.errors import InputError

ROWS = [{"text": f"Row {n}, told\nin two lines", "label": n % 2, "segment": "web" if n % 3 else None} for n in range(9)]


def write(path):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=4)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    else:
        cells = (f'"{row["text"]}",{row["label"]},{row["segment"] or ""}\n' for row in ROWS)
        path.write_text("text,label,segment\n" + "".join(cells))
    return str(path)


@pytest.mark.parametrize("name", ["d.csv", "d.jsonl", "d.parquet", "sample"])
@pytest.mark.parametrize("rows", [None, "3-5", "8-"])
def test_a_stream_is_what_the_whole_dataset_is(tmp_path, name, rows):
    spec = name if name == "sample" else write(tmp_path / name)
    names = ["ham", "spam"]
    whole = load_dataset(spec, rows=rows, label_names=names)
    done = []
    with open_stream(spec, rows=rows, label_names=names, progress=done.append) as stream:
        assert list(stream.texts()) == whole.texts
        assert [text for part in stream.parts() for text in part] == whole.texts
        assert stream.labels == whole.labels
        assert stream.segments == whole.segments
        assert stream.rows.tolist() == whole.rows.tolist()
        assert stream.hashes.tolist() == fingerprints(whole.texts).tolist()
        assert (stream.name, stream.sha256, len(stream), sum(done)) == (
            whole.name, whole.sha256, len(whole), len(whole),
        )  # fmt: skip


def test_a_hub_dataset_is_read_the_same_way(monkeypatch):
    features = hub.Features({"text": hub.Value("string"), "label": hub.ClassLabel(names=["neg", "pos"])})
    part = hub.Dataset.from_dict({"text": [f"row {n}" for n in range(600)], "label": [0, 1] * 300}, features=features)
    monkeypatch.setattr("model.datasets.load_hub_dataset", lambda name: {"train": None, "test": part})
    whole = load_dataset("owner/set")
    with open_stream("owner/set") as stream:
        assert (list(stream.texts()), stream.labels, stream.sha256) == (whole.texts, whole.labels, whole.sha256)
        assert stream.name == "owner/set"


def test_parts_are_of_few_rows_and_few_characters(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_stream, "_PART_ROWS", 4)
    with open_stream(write(tmp_path / "d.csv")) as stream:
        assert [len(part) for part in stream.parts()] == [4, 4, 1]
        monkeypatch.setattr(dataset_stream, "_PART_CHARACTERS", 60)
        assert [len(part) for part in stream.parts()] == [3, 3, 3]


@pytest.mark.parametrize(
    "change", [lambda rows: [*rows, rows[0]], lambda rows: rows[:-1], lambda rows: [rows[1], *rows[1:]]]
)
def test_a_file_that_changes_under_the_reader_is_said(tmp_path, change):
    path = tmp_path / "d.jsonl"
    write(path)
    with open_stream(str(path)) as stream:
        path.write_text("\n".join(map(json.dumps, change(ROWS))))
        with pytest.raises(InputError, match=r"d\.jsonl changed while it was read"):
            list(stream.parts())


@pytest.mark.parametrize(
    ("spec", "rows", "says"),
    [
        ("d.csv", "8-12", "has 9 rows here; --rows 8-12 asks for rows beyond its end"),
        ("d.csv", "12-", "--rows 12- asks for rows beyond"),
        ("none.csv", None, "There is no file"),
        ("a name with spaces", None, "is no dataset"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, spec, rows, says):
    write(tmp_path / "d.csv")
    place = str(tmp_path / spec) if spec.endswith(".csv") else spec
    with pytest.raises(InputError, match=says), open_stream(place, rows=rows):
        pass


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_texts_are_not_held(tmp_path, suffix):
    """Ten megabytes of texts, of which a third is held at no time."""
    path = tmp_path / f"long.{suffix}"
    row = "".join(np.random.default_rng(0).choice(list("abcdefgh "), 20_000))
    rows = [{"text": f"{n} {row}", "label": "ab"[n % 2]} for n in range(500)]
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif suffix == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        path.write_text("text,label\n" + "".join(f"{each['text']},{each['label']}\n" for each in rows))
    del rows
    tracemalloc.start()
    try:
        with open_stream(str(path)) as stream:
            assert sum(map(len, stream.texts())) > 10_000_000
        assert tracemalloc.get_traced_memory()[1] < 3_500_000
    finally:
        tracemalloc.stop()
