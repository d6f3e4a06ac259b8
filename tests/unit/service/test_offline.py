"""The baseline appears whole, with its report, or not at all; what cannot be a baseline is refused in one sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from model.artifact import Hashes
from model.datasets import LabelledTexts, fingerprints, load_dataset
from model.errors import InputError
from model.features import FEATURES, text_features
from model.prediction import ModelInfo, Predictions
from model.sample_news import LABELS
from monitors.baseline import load_baseline
from service.offline import make_baseline

INFO = ModelInfo(version="abc123", labels=LABELS, features=FEATURES, name="reader")


class Reader:
    """Stands in for `model.classifier.Classifier`: its scores depend on the text alone, and are often right."""

    info = INFO
    engine = "torch"
    precision = "fp32"

    def __init__(self, answers):
        self._answers = answers

    def classify_many(self, texts, batch_size=32, progress=None, threads=1):
        scores = np.full((len(texts), len(LABELS)), 0.05, np.float32)
        for row, text in enumerate(texts):
            right = LABELS.index(self._answers[text])
            scores[row, right if len(text) % 7 else (right + 1) % 4] = 0.85
            if progress is not None:
                progress(1)
        return Predictions(
            labels=scores.argmax(1),
            scores=scores,
            features=text_features(texts, np.array([len(text) // 4 for text in texts]), None),
            projections=np.zeros((len(texts), 32), np.float32),
            truncated=np.zeros(len(texts), np.bool_),
        )


def bare(training=None):
    """What `make_baseline` reads of an artifact."""
    return SimpleNamespace(training=training, hashes=Hashes(weights="w", tokenizer="t", labels="l"))


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("sample", rows="11-130")


@pytest.fixture(scope="module")
def reader(dataset):
    return Reader(dict(zip(dataset.texts, dataset.labels, strict=True)))


def made(reader, dataset, output, artifact=None, **options):
    return make_baseline(reader, artifact or bare(), dataset, output, **options).baseline


def test_the_directory_is_a_baseline_with_a_report(reader, dataset, tmp_path):
    done = []
    now = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    baseline = made(reader, dataset, tmp_path / "baseline", progress=done.append, now=lambda: now)
    assert sum(done) == 120
    again = load_baseline(tmp_path / "baseline")
    assert again.id == baseline.id
    assert again.created == "2026-01-02T03:04:00+00:00"
    assert again.dataset == {"name": "sample", "sha256": dataset.sha256, "rows": 120}
    assert again.hashes == {"weights": "w", "tokenizer": "t", "labels": "l"}
    assert again.reference.time.tolist() == list(range(11, 131))
    assert again.reference.text_hash.tolist() == fingerprints(dataset.texts).tolist()
    assert again.reference.segment.tolist() == dataset.segments
    right = sum(bool(len(text) % 7) for text in dataset.texts)
    assert again.accuracy.value == pytest.approx(right / 120)
    assert {path.name for path in (tmp_path / "baseline").iterdir()} == {
        "baseline.json", "reference.parquet", "words.parquet", "report.html", "plots",
    }  # fmt: skip
    assert "sample, rows 11 to 130" in (tmp_path / "baseline" / "report.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["baseline"]


def test_no_text_reaches_a_file(reader, dataset, tmp_path):
    made(reader, dataset, tmp_path / "baseline")
    stored = b"".join(path.read_bytes() for path in (tmp_path / "baseline").rglob("*") if path.is_file())
    for text in dataset.texts:
        assert text.encode() not in stored
        assert text[:40].encode() not in stored


@pytest.mark.parametrize(
    ("changes", "trained", "says"),
    [
        (
            {"labels": ["Weather"] * 120},
            False,
            "120 of the 120 rows of sample .* are World, Sports, Business, Sci/Tech",
        ),
        ({}, True, "120 of the 120 rows"),
        ({"texts": [], "labels": [], "segments": None, "rows": np.zeros(0, np.int64)}, False, "sample has no row"),
    ],
    ids=["unknown labels", "training rows", "no row"],
)
def test_what_cannot_be_a_baseline_is_refused_and_nothing_is_left(*, reader, dataset, tmp_path, changes, trained, says):
    artifact = bare(np.sort(fingerprints(dataset.texts)) if trained else None)
    with pytest.raises(InputError, match=says) as refused:
        made(reader, replace(dataset, **changes), tmp_path / "baseline", artifact)
    assert "Weather" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_while_the_report_is_written_leaves_nothing(reader, dataset, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.offline.write_report", fail)
    with pytest.raises(OSError, match="No space"):
        made(reader, dataset, tmp_path / "baseline")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_exists_is_not_touched(reader, dataset, tmp_path):
    (tmp_path / "baseline").mkdir()
    with pytest.raises(InputError, match="exists already"):
        made(reader, dataset, tmp_path / "baseline")
    assert list((tmp_path / "baseline").iterdir()) == []


def test_repeated_rows_are_told_of(reader, dataset, tmp_path):
    twice = replace(
        dataset,
        texts=dataset.texts[:60] * 2,
        labels=dataset.labels[:60] * 2,
    )
    assert isinstance(twice, LabelledTexts)
    made(reader, twice, tmp_path / "baseline")
    assert "<dt>Repeated rows</dt><dd>60</dd>" in (tmp_path / "baseline" / "report.html").read_text()
