"""The baseline appears whole, with its report, or not at all; what cannot be a baseline is refused in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from model.artifact import Hashes
from model.dataset_stream import TextStream
from model.datasets import LabelledTexts, fingerprints, load_dataset
from model.errors import GateFailed, InputError
from model.features import FEATURES, text_features
from model.gates import enforce
from model.prediction import ModelInfo, Predictions
from model.sample_news import LABELS
from monitors.baseline import load_baseline
from service.offline import make_baseline, strained_rows
from service.release import Words
from service.release_words import release_facts, release_lines

INFO = ModelInfo(version="abc123", labels=LABELS, features=FEATURES, name="reader")


class Reader:
    """Stands in for `model.classifier.Classifier`: its scores depend on the text alone, and are often right."""

    info = INFO
    engine = "torch"
    precision = "fp32"

    def __init__(self, answers, every=7):
        self._answers = answers
        self._every = every

    def classify_many(self, texts, batch_size=32, progress=None, threads=1):
        scores = np.full((len(texts), len(LABELS)), 0.05, np.float32)
        for row, text in enumerate(texts):
            # a text under strain stands in no dataset, and is not understood
            right = LABELS.index(self._answers.get(text, LABELS[0]))
            known = text in self._answers and len(text) % 7 and len(text) % self._every
            scores[row, right if known else (right + 1) % 4] = 0.85
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


def streamed(dataset):
    """Texts at hand as texts that are read."""
    return TextStream(
        dataset.name, dataset.sha256, dataset.labels, dataset.rows, fingerprints(dataset.texts), dataset.segments,
        lambda: iter(dataset.texts),
    )  # fmt: skip


def made(reader, dataset, output, artifact=None, **options):
    return make_baseline(reader, artifact or bare(), streamed(dataset), output, **options).baseline


def test_the_directory_is_a_baseline_with_a_report(reader, dataset, tmp_path):
    done = []
    now = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    baseline = made(reader, dataset, tmp_path / "baseline", progress=done.append, now=lambda: now)
    assert sum(done) == 240
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
        "baseline.json", "reference.parquet", "words.parquet", "strained.parquet", "report.html", "plots",
    }  # fmt: skip
    assert "sample, rows 11 to 130" in (tmp_path / "baseline" / "report.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["baseline"]


def test_the_model_reads_some_texts_under_strain_as_well(reader, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("service.offline._MOST_STRAINED", 40)
    made(reader, dataset, tmp_path / "baseline")
    held = load_baseline(tmp_path / "baseline")
    assert held.strained is not None
    assert (len(held.strained), len(held.reference)) == (40, 120)
    assert held.strained.time.tolist() == (11 + strained_rows(120)).tolist()
    assert held.strained.truth.tolist() == held.reference.truth[strained_rows(120)].tolist()
    assert held.strained.correct.mean() < held.reference.correct.mean()
    assert not held.strained.text_hash.any()  # which could give a word away
    facts = json.loads((tmp_path / "baseline" / "baseline.json").read_text())
    assert facts["counts"]["strained"] == 40


def test_texts_are_classified_part_by_part_in_their_order(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("model.dataset_stream._PART_ROWS", 50)
    sizes = []

    class Counting(Reader):
        def classify_many(self, texts, *more, **options):
            sizes.append(len(texts))
            return super().classify_many(texts, *more, **options)

    answers = dict(zip(dataset.texts, dataset.labels, strict=True))
    found = made(Counting(answers), dataset, tmp_path / "baseline").reference
    assert sizes == [50, 50, 20, 120]
    assert found.text_hash.tolist() == fingerprints(dataset.texts).tolist()
    assert found.scores.tolist() == Reader(answers).classify_many(dataset.texts).scores.tolist()


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


# what a release asks

PACK = """
name: mine
tests:
  - {name: known rows, kind: minimum, at_most: 0.5, cases: [{text: %s, label: %s}]}
  - {name: never passed, kind: minimum, cases: [{text: %s, label: %s}]}
"""


def asked(**words):
    return Words(behavior="none", **words).questions(LABELS)


def with_pack(tmp_path, dataset, **words):
    """Questions with a pack of two tests on rows whose answer is known: one passes, one fails."""
    right, wrong = (
        next(i for i, text in enumerate(dataset.texts) if bool(len(text) % 7) is good) for good in (True, False)
    )
    cases = [json.dumps(word) for at in (right, wrong) for word in (dataset.texts[at], dataset.labels[at])]
    (tmp_path / "pack.yaml").write_text(PACK % tuple(cases))
    return Words(behavior=str(tmp_path / "pack.yaml"), **words).questions(LABELS)


def test_gates_judge_and_the_baseline_is_kept(reader, dataset, tmp_path):
    questions = asked(require=("accuracy>=0.99", "accuracy.low>=0.1"))
    found = make_baseline(reader, bare(), streamed(dataset), tmp_path / "baseline", asked=questions)
    assert [gate.passed for gate in found.answers.gates] == [False, True]
    assert load_baseline(tmp_path / "baseline").id == found.baseline.id
    html = (tmp_path / "baseline" / "report.html").read_text()
    assert "A release gate says no" in html
    assert "accuracy&gt;=0.99" in html
    with pytest.raises(GateFailed, match=r"accuracy>=0\.99 failed: accuracy is 0\.8"):
        enforce(found.answers.gates)


def test_behavior_tests_are_run_shown_and_kept(reader, dataset, tmp_path):
    questions = with_pack(tmp_path, dataset, require=("behavior", "behavior[known rows]<=0"))
    done = []
    found = make_baseline(reader, bare(), streamed(dataset), tmp_path / "baseline", done.append, asked=questions)
    assert sum(done) == 242
    assert load_baseline(tmp_path / "baseline").behavior == found.baseline.behavior
    assert found.baseline.behavior.failed == ("never passed",)
    assert [gate.passed for gate in found.answers.gates] == [False, True]
    html = (tmp_path / "baseline" / "report.html").read_text()
    assert "1 of 2 behavior tests fail" in html
    lines = "\n".join(release_lines(found.baseline, found.answers))
    assert "1 of 2 pass" in lines
    assert "gate behavior: FAILED" in lines


def test_a_comparison_names_what_changed(reader, dataset, tmp_path):
    first = make_baseline(reader, bare(), streamed(dataset), tmp_path / "one", asked=with_pack(tmp_path, dataset))
    worse = Reader(dict(zip(dataset.texts, dataset.labels, strict=True)), every=3)
    questions = with_pack(tmp_path, dataset, compare=str(tmp_path / "one"))
    found = make_baseline(worse, bare(), streamed(dataset), tmp_path / "two", asked=questions)
    compared = found.answers.comparison
    lost = [
        int(row) for row, text in zip(dataset.rows, dataset.texts, strict=True) if len(text) % 7 and not len(text) % 3
    ]
    assert [flip.row for flip in compared.regressed] == lost
    assert compared.change("accuracy").worse
    facts = json.loads(json.dumps(release_facts(found.baseline, found.answers), allow_nan=False))
    assert facts["comparison"]["baseline"] == first.baseline.id
    assert [flip["row"] for flip in facts["comparison"]["flips"]["now_wrong"]] == lost
    assert "accuracy" in facts["comparison"]["worse"]
    lines = "\n".join(release_lines(found.baseline, found.answers))
    assert f"{len(lost)} rows now wrong: {lost[0]}" in lines
    html = (tmp_path / "two" / "report.html").read_text()
    assert f"Clearly worse than {first.baseline.id}" in html
    assert f'<td class="n">{lost[0]}</td>' in html


class Judge(Reader):
    """Two classes; the second one is rare and its scores are low."""

    info = replace(INFO, labels=("stays", "leaves"))

    def classify_many(self, texts, batch_size=32, progress=None, threads=1):
        score = np.array([0.35 if self._answers.get(text) == "leaves" and len(text) % 5 else 0.1 for text in texts])
        scores = np.column_stack([1 - score, score]).astype(np.float32)
        return Predictions(scores.argmax(1), scores, text_features(texts, None, None),
                           np.zeros((len(texts), 32), np.float32), np.zeros(len(texts), np.bool_))  # fmt: skip


@pytest.fixture(scope="module")
def leavers(dataset):
    labels = ["leaves" if row % 4 == 0 else "stays" for row in range(120)]
    return replace(dataset, labels=labels, classes=("stays", "leaves"))


@pytest.mark.parametrize(("words", "value"), [({}, 0.5), ({"cut_off": "0.3"}, 0.3), ({"cut_off": "f1"}, 0.2)])
def test_the_cut_off_is_chosen_kept_and_decides_the_figures(leavers, tmp_path, words, value):
    judge = Judge(dict(zip(leavers.texts, leavers.labels, strict=True)))
    questions = Words(**words).questions(judge.info.labels)
    found = make_baseline(judge, bare(), streamed(leavers), tmp_path / "baseline", asked=questions).baseline
    again = load_baseline(tmp_path / "baseline")
    assert again.cut_off == found.cut_off
    assert found.cut_off.value == value
    assert (again.reference.predicted == (again.reference.scores[:, 1] >= value)).all()
    assert (found.metrics["recall[leaves]"].value > 0.5) is (value < 0.4)
    html = (tmp_path / "baseline" / "report.html").read_text()
    assert ("The cut-off was fitted to these rows" in html) is (words.get("cut_off") == "f1")
    assert f"“leaves” from {value:g} on" in html


@pytest.mark.parametrize(
    ("changes", "words", "says"),
    [
        ({"labels": ["Sports"] * 120}, {}, "Every row of sample is of the class Sports"),
        ({"labels": ["Sports", "World"] * 60}, {}, "no row of Business, Sci/Tech.*--allow-missing-classes"),
        ({"labels": ["Sports"] * 120}, {"allow_missing_classes": True}, "Every row"),
    ],
)
def test_classes_without_rows_are_refused(*, reader, dataset, tmp_path, changes, words, says):
    with pytest.raises(InputError, match=says):
        make_baseline(reader, bare(), streamed(replace(dataset, **changes)), tmp_path / "b", asked=asked(**words))
    assert list(tmp_path.iterdir()) == []


def test_missing_classes_may_be_allowed(reader, dataset, tmp_path):
    two = replace(dataset, labels=["Sports", "World"] * 60)
    questions = asked(allow_missing_classes=True, require=("recall[Business]>=0",))
    found = make_baseline(reader, bare(), streamed(two), tmp_path / "b", asked=questions)
    assert "recall[Business]" in found.baseline.undefined
    assert not found.answers.gates[0].passed


def test_more_repeated_rows_than_new_ones_are_refused(reader, dataset, tmp_path):
    often = replace(dataset, texts=[*dataset.texts[:40], *dataset.texts[:40], *dataset.texts[:40]],
                    labels=dataset.labels[:40] * 3)  # fmt: skip
    with pytest.raises(InputError, match="80 of the 120 rows of sample repeat an earlier row"):
        made(reader, often, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


def test_repetitions_with_other_labels_are_told_of(reader, dataset, tmp_path):
    labels = list(dataset.labels)
    labels[100] = next(label for label in LABELS if label != labels[3])
    texts = list(dataset.texts)
    texts[100] = texts[3].upper()
    made(
        Reader(reader._answers | {texts[100]: labels[100]}),
        replace(dataset, texts=texts, labels=labels),
        tmp_path / "b",
    )
    html = (tmp_path / "b" / "report.html").read_text()
    assert "1 of these texts stand there with different labels" in html


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"require": ("acuracy>=1",)}, "did you mean accuracy"),
        ({"require": ("accuracy",)}, "A gate is a figure"),
        ({"require": ("behavior",)}, "No behavior test is run"),
        ({"cut_off": "0.3"}, "the highest score wins"),
        ({"behavior": "nowhere.yaml"}, "no behavior file"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused_at_once(words, says):
    with pytest.raises(InputError, match=says):
        Words(**{"behavior": "none"} | words).questions(LABELS)
