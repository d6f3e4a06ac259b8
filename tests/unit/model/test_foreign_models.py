"""A stranger's model directory is served untouched, and says exactly what transformers' own pipeline says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, pipeline

from model.artifact import open_artifact
from model.classifier import Classifier
from model.engines.registry import open_engine
from model.features import FEATURES
from tests.foreign_models import FOREIGN, make_rows

Foreign = Callable[[str], Path]
TEXTS = [
    *make_rows(9, seed=7)[0],
    "STORM over the Stadium",
    "zzz unheard-of words: café, 東京, 🙂",
    "x",
    "",
    "rain " * 60,
]


def _contents(directory: Path) -> dict[str, bytes]:
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*")}


@pytest.mark.parametrize("kind", FOREIGN)
def test_equals_the_pipeline_and_writes_nothing(foreign: Foreign, kind: str) -> None:
    directory = foreign(kind)
    before = _contents(directory)
    artifact = open_artifact(str(directory))
    pipe = pipeline("text-classification", model=str(directory), top_k=None, device="cpu")
    pipe.tokenizer.model_max_length = artifact.max_length
    expected = [
        [{entry["label"]: entry["score"] for entry in answer}[label] for label in artifact.info.labels]
        for answer in pipe(TEXTS, truncation=True, batch_size=5)
    ]

    classifier = Classifier(artifact, open_engine("torch", artifact))
    predictions = classifier.classify_many(TEXTS, batch_size=4, threads=2)

    np.testing.assert_allclose(predictions.scores, expected, atol=1e-5)
    np.testing.assert_allclose(classifier.classify(TEXTS).scores, expected, atol=1e-5)
    assert np.ptp(predictions.scores, axis=0).max() > 0.05, "the texts must differ, or equality would mean little"
    assert artifact.info.labels == tuple(f"LABEL_{number}" for number in range(len(artifact.info.labels)))
    whole = [len(pipe.tokenizer(text, verbose=False)["input_ids"]) for text in TEXTS]
    assert predictions.truncated.tolist() == [length > artifact.max_length for length in whole]
    assert predictions.truncated.any()
    assert predictions.features[:, FEATURES.index("tokens")].tolist() == [length - 2 for length in whole]
    assert artifact.training is None
    assert _contents(directory) == before


def test_the_directories_are_what_their_names_say(foreign: Foreign) -> None:
    slow = {kind: AutoTokenizer.from_pretrained(foreign(kind)).is_fast for kind in FOREIGN}
    assert [kind for kind, fast in slow.items() if not fast] == ["bert-slow"]
    assert not (foreign("bert-vocabulary-only") / "tokenizer.json").exists()


@pytest.mark.parametrize("kind", ["distilbert", "roberta"])
def test_labels_are_mapped_in_order(foreign: Foreign, kind: str) -> None:
    plain = open_artifact(str(foreign(kind)))
    named = open_artifact(str(foreign(kind)), "World, Sports,Business,Sci/Tech")
    engine = open_engine("auto", plain)

    assert named.info.labels == ("World", "Sports", "Business", "Sci/Tech")
    assert named.info.version != plain.info.version
    np.testing.assert_array_equal(
        Classifier(named, engine).classify(TEXTS).scores, Classifier(plain, engine).classify(TEXTS).scores
    )


@pytest.mark.parametrize(("kind", "length"), [("bert-vocabulary-only", 40), ("roberta", 24), ("bert-fast", 24)])
def test_length_is_the_smaller_of_tokenizer_and_positions(foreign: Foreign, kind: str, length: int) -> None:
    assert open_artifact(str(foreign(kind))).max_length == length


def test_roberta_positions_begin_after_the_padding_index(foreign: Foreign, tmp_path: Path) -> None:
    for name, content in _contents(foreign("roberta")).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "tokenizer_config.json").unlink()
    assert open_artifact(str(tmp_path)).max_length == 42 - 2
