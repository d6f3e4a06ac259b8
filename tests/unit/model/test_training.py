"""Training is repeatable, measures on rows it has not seen, and leaves a whole directory or none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertModel, BertTokenizer

from model.artifact import open_artifact
from model.classifier import Classifier
from model.datasets import LabelledTexts
from model.engines.registry import open_engine
from model.errors import InputError
from model.projection import pca_projection, random_projection
from model.training import train
from tests.foreign_models import MAX_LENGTH

from .conftest import CLASSES, TEST, make_part

TRAIN_24 = make_part(24, seed=5)
TEST_12 = make_part(12, seed=6)


def _weights(directory: Path) -> bytes:
    return (directory / "model.safetensors").read_bytes()


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = train(TRAIN_24, TEST_12, "tiny", tmp_path / "a", epochs=1, seed=5)
    torch.manual_seed(2)
    torch.randn(3)
    second = train(TRAIN_24, TEST_12, "tiny", tmp_path / "b", epochs=1, seed=5)
    other = train(TRAIN_24, TEST_12, "tiny", tmp_path / "c", epochs=1, seed=6)
    assert _weights(tmp_path / "a") == _weights(tmp_path / "b")
    for name in ("tokenizer.json", "projection.safetensors", "config.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert first.version == second.version != other.version


def test_training_leaves_the_callers_randomness_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.randn(2)
    torch.manual_seed(3)
    train(TRAIN_24, TEST_12, "tiny", tmp_path / "a", epochs=1)
    assert torch.equal(torch.randn(2), expected)


def test_what_is_written(trained: Path) -> None:
    manifest = json.loads((trained / "bertwatch.json").read_text())
    config = json.loads((trained / "config.json").read_text())
    assert {file.name for file in trained.iterdir()} == {
        "bertwatch.json", "config.json", "model.safetensors", "projection.safetensors", "tokenizer.json",
        "tokenizer_config.json", "training_rows.safetensors",
    }  # fmt: skip
    assert config["id2label"] == {"0": "Sports", "1": "Weather"}
    assert manifest["parameters"]["epochs"] == 4
    assert manifest["training"] == {"dataset": "part-1", "sha256": f"{1:064}", "rows": 96}
    assert manifest["test"] == {"dataset": "part-2", "sha256": f"{2:064}", "rows": 40, "dropped": 0}
    assert manifest["version"] == open_artifact(str(trained)).info.version
    assert manifest["test_accuracy"] > 0.9
    assert set(manifest["versions"]) == {"bertwatch", "torch", "transformers", "tokenizers"}
    assert not list(trained.parent.glob(".*"))
    assert {oct(file.stat().st_mode & 0o777) for file in trained.iterdir()} == {"0o644"}


def test_the_accuracy_is_that_of_the_served_model(trained: Path) -> None:
    artifact = open_artifact(str(trained))
    labels = Classifier(artifact, open_engine("torch", artifact)).classify(TEST.texts).labels
    right = [CLASSES[label] == truth for label, truth in zip(labels, TEST.labels, strict=True)]
    assert json.loads((trained / "bertwatch.json").read_text())["test_accuracy"] == np.mean(right)


def test_the_artifact_is_a_plain_hugging_face_directory(trained: Path) -> None:
    network = AutoModelForSequenceClassification.from_pretrained(trained)
    tokenizer = AutoTokenizer.from_pretrained(trained)
    texts = ["goal and whistle", "storm over town"]
    with torch.inference_mode():
        scores = network(**tokenizer(texts, padding=True, return_tensors="pt")).logits.softmax(-1).numpy()
    artifact = open_artifact(str(trained))
    ours = Classifier(artifact, open_engine("torch", artifact)).classify(texts).scores
    np.testing.assert_allclose(ours, scores, atol=1e-5)
    assert tokenizer.model_max_length == artifact.max_length == MAX_LENGTH


def test_test_rows_that_were_trained_on_are_dropped_and_counted(tmp_path: Path) -> None:
    leaking = replace(
        TEST_12,
        texts=[TRAIN_24.texts[0].upper(), *TEST_12.texts, f"  {TRAIN_24.texts[5]} "],
        labels=[TRAIN_24.labels[0], *TEST_12.labels, TRAIN_24.labels[5]],
        rows=np.arange(14),
    )
    result = train(TRAIN_24, leaking, "tiny", tmp_path / "a", epochs=1)
    assert (result.train_rows, result.test_rows, result.dropped_test_rows) == (24, 12, 2)


def test_progress_is_told_after_each_step(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    train(TRAIN_24, TEST_12, "tiny", tmp_path / "a", epochs=2, batch_size=5, progress=lambda *step: told.append(step))
    assert told == [(step, 10) for step in range(1, 11)]


@pytest.mark.parametrize("head", [False, True])
def test_fine_tunes_a_directory_of_another_kind(tmp_path: Path, trained: Path, head: bool) -> None:
    """A base without a head, and a classifier of two classes that shall learn three."""
    base = trained
    if not head:
        base = tmp_path / "base"
        BertModel(
            BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
        ).save_pretrained(base)
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
        BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}).save_pretrained(base)
    before = _weights(base)
    names = ("Sports", "Weather", "Other")
    labels = ["Other" if row % 3 == 0 else label for row, label in enumerate(TRAIN_24.labels)]
    training = replace(TRAIN_24, classes=names, labels=labels)
    train(training, TEST_12, str(base), tmp_path / "out", epochs=1, max_length=32)
    artifact = open_artifact(str(tmp_path / "out"))
    assert artifact.info.labels == names
    assert artifact.max_length == min(32, MAX_LENGTH if head else 32)
    assert _weights(base) == before


Change = Callable[[LabelledTexts], LabelledTexts]
NOTHING: Change = lambda rows: rows  # noqa: E731 - reads like the others in the table
UNFIT: dict[str, tuple[Change, Change, str]] = {
    "no training row": (lambda rows: rows.take([]), NOTHING, "no training row"),
    "no test row": (NOTHING, lambda rows: rows.take([]), "no test row"),
    "one class": (lambda rows: rows.take(slice(0, None, 2)), NOTHING, "All training rows have the same label"),
    "class without rows": (lambda rows: replace(rows, classes=(*CLASSES, "X")), NOTHING, r"class 'X' \(0\)"),
    "unseen training label": (lambda rows: replace(rows, labels=["Odd"] * 24), NOTHING, "training rows .* Odd"),
    "unseen test label": (NOTHING, lambda rows: replace(rows, labels=["Odd"] * 12), "test rows .* Odd"),
    "all leaked": (NOTHING, lambda _: TRAIN_24.take(slice(7)), "Every test row is also a training row"),
}


@pytest.mark.parametrize("flaw", UNFIT)
def test_rows_that_cannot_be_trained_on_get_one_sentence(tmp_path: Path, flaw: str) -> None:
    change_training, change_test, sentence = UNFIT[flaw]
    with pytest.raises(InputError, match=sentence):
        train(change_training(TRAIN_24), change_test(TEST_12), "tiny", tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", ["batch_size", "epochs", "learning_rate"])
def test_numbers_must_be_above_zero(tmp_path: Path, number: str) -> None:
    with pytest.raises(InputError, match="must be above zero, not 0"):
        train(TRAIN_24, TEST_12, "tiny", tmp_path / "out", **{number: 0})


@pytest.mark.parametrize("kind", ["bert-vocabulary-only", "roberta"])
def test_a_length_beyond_the_positions_of_the_base_is_cut(
    foreign: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    train(TRAIN_24, TEST_12, str(foreign(kind)), tmp_path / "out", epochs=1, max_length=500)
    assert open_artifact(str(tmp_path / "out")).max_length == open_artifact(str(foreign(kind))).max_length


def test_a_base_without_tokenizer_is_refused(foreign: Callable[[str], Path], tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((foreign("bert-fast") / name).read_bytes())
    with pytest.raises(InputError, match="has no tokenizer"):
        train(TRAIN_24, TEST_12, str(tmp_path), tmp_path / "out")


def test_an_output_that_holds_something_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    train(TRAIN_24, TEST_12, "tiny", tmp_path / "out", epochs=1)
    before = _weights(tmp_path / "out")
    with pytest.raises(InputError, match="already exists and is not empty"):
        train(TRAIN_24, TEST_12, "tiny", tmp_path / "out", progress=lambda *_: pytest.fail("a step was taken"))
    assert _weights(tmp_path / "out") == before


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, steps: int) -> None:
        assert [path.suffix for path in tmp_path.iterdir()] == [".partial"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(TRAIN_24, TEST_12, "tiny", tmp_path / "out", progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_divergence_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="diverged at a learning rate of"):
        train(TRAIN_24, TEST_12, "tiny", tmp_path / "out", learning_rate=1e30)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rows", [1, 5, 300])
def test_the_projection_keeps_the_principal_directions(rows: int) -> None:
    generator = np.random.default_rng(4)
    scales = np.linspace(5, 0.1, 48)
    embeddings = (generator.standard_normal((rows, 48)) * scales + 3).astype(np.float32)
    projection = pca_projection(embeddings)
    np.testing.assert_allclose(projection.T @ projection, np.eye(32), atol=1e-5)
    np.testing.assert_array_equal(projection, pca_projection(embeddings))
    kept = np.var(embeddings @ projection, axis=0).sum()
    arbitrary = np.var(embeddings @ random_projection(48), axis=0).sum()
    if rows > 1:
        assert kept > 1.1 * arbitrary
        assert kept <= np.var(embeddings, axis=0).sum() * 1.001
