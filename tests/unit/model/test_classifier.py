"""Texts in, Predictions out: the same answer alone, in a batch, in any order and from many threads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import model.engines
from model.artifact import Artifact, open_artifact
from model.classifier import Classifier, softmax
from model.engines import Engine
from model.engines.registry import engine_names, open_engine
from model.engines.torch_engine import TorchEngine
from model.errors import InputError, SurroundingsError
from model.features import FEATURES
from model.prediction import PROJECTION_SIZE, Predictions
from tests.foreign_models import MAX_LENGTH, make_rows

Foreign = Callable[[str], Path]
TEXTS = make_rows(60, seed=11)[0]
MANY = make_rows(150, seed=13)[0]  # more than are sorted at a time in batches of two


@pytest.fixture(scope="module")
def engine(artifact: Artifact) -> Engine:
    return open_engine("torch", artifact)


@pytest.fixture(scope="module")
def classifier(artifact: Artifact, engine: Engine) -> Classifier:
    return Classifier(artifact, engine)


def assert_same(one: Predictions, other: Predictions, tolerance: float = 1e-5) -> None:
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_allclose(one.scores, other.scores, atol=tolerance)
    np.testing.assert_allclose(one.projections, other.projections, atol=10 * tolerance)
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.truncated, other.truncated)


def test_shapes_and_types(classifier: Classifier) -> None:
    predictions = classifier.classify(TEXTS[:7])
    assert predictions.scores.shape == (7, 2)
    assert predictions.features.shape == (7, len(FEATURES))
    assert predictions.projections.shape == (7, PROJECTION_SIZE)
    assert predictions.scores.dtype == predictions.features.dtype == predictions.projections.dtype == np.float32
    assert predictions.labels.dtype == np.int64
    np.testing.assert_allclose(predictions.scores.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(predictions.labels, predictions.scores.argmax(axis=1))
    assert (classifier.engine, classifier.precision) == ("torch", "fp32")


class Slow:
    """An engine that takes at least PAUSE for a batch."""

    PAUSE = 0.05

    def __init__(self, engine: Engine) -> None:
        self.engine, self.name, self.precision = engine, engine.name, engine.precision

    def run(self, *batch: Any) -> Any:
        time.sleep(self.PAUSE)
        return self.engine.run(*batch)


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_what_tokens_took_is_told_apart_from_inference(artifact: Artifact, name: str) -> None:
    classifier = Classifier(artifact, Slow(open_engine(name, artifact)))
    began = time.perf_counter()
    predictions = classifier.classify(TEXTS[:7])
    assert 0 < predictions.tokenise_seconds <= time.perf_counter() - began - Slow.PAUSE


def test_the_model_has_learnt_something(classifier: Classifier) -> None:
    texts, labels = make_rows(100, seed=12)
    predicted = [classifier.info.labels[label] for label in classifier.classify(texts).labels]
    assert np.mean([one == other for one, other in zip(predicted, labels, strict=True)]) > 0.9


def test_neighbours_in_a_batch_do_not_matter(classifier: Classifier) -> None:
    together = classifier.classify([*TEXTS[:5], "rain " * 50, ""])
    for row, text in enumerate(TEXTS[:5]):
        alone = classifier.classify([text])
        np.testing.assert_allclose(together.scores[row], alone.scores[0], atol=1e-5)
        np.testing.assert_allclose(together.projections[row], alone.projections[0], atol=1e-4)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_come_back_in_the_order_given(classifier: Classifier, threads: int) -> None:
    done: list[int] = []
    expected = classifier.classify(MANY)
    assert_same(classifier.classify_many(MANY, batch_size=2, progress=done.append, threads=threads), expected)
    assert sum(done) == len(MANY)
    assert max(done) == 2


def test_nothing_in_nothing_out(classifier: Classifier) -> None:
    for predictions in (classifier.classify([]), classifier.classify_many([], threads=2)):
        assert len(predictions) == 0
        assert predictions.scores.shape == (0, 2)


@pytest.mark.parametrize("text", ["", " ", "\n\t\u00a0", "\x00", "\ud800 lone surrogate", "🙂" * 300, "a" * 20_000])
def test_any_string_is_a_text(classifier: Classifier, text: str) -> None:
    predictions = classifier.classify([text, "storm and rain"])
    assert np.isfinite(predictions.scores).all()
    assert np.isfinite(predictions.features).all()
    np.testing.assert_allclose(predictions.scores[1], classifier.classify(["storm and rain"]).scores[0], atol=1e-5)


def test_an_empty_text_has_no_token(classifier: Classifier) -> None:
    features = classifier.classify(["", "   "]).features
    assert features[:, FEATURES.index("tokens")].tolist() == [0, 0]
    assert features[:, FEATURES.index("unknown_share")].tolist() == [0, 0]


def test_counts_are_of_the_whole_text(foreign: Foreign) -> None:
    artifact = open_artifact(str(foreign("bert-fast")))
    fitting = " ".join(["rain"] * (MAX_LENGTH - 2))
    texts = [fitting, fitting + " rain", "rain 東 rain 京", " ".join(["rain"] * 90 + ["東"] * 10)]
    predictions = Classifier(artifact, open_engine("torch", artifact)).classify(texts)
    assert predictions.truncated.tolist() == [False, True, False, True]
    assert predictions.features[:, FEATURES.index("tokens")].tolist() == [22, 23, 4, 100]
    np.testing.assert_allclose(predictions.features[:, FEATURES.index("unknown_share")], [0, 0, 0.5, 0.1])
    np.testing.assert_allclose(predictions.scores[1], predictions.scores[0], atol=1e-5)


@pytest.mark.parametrize("kind", ["trained", "bert-slow", "roberta"])
def test_eight_threads_say_what_one_says(foreign: Foreign, trained: Path, kind: str) -> None:
    artifact = open_artifact(str(trained if kind == "trained" else foreign(kind)))
    classifier = Classifier(artifact, open_engine("torch", artifact))
    pieces = [TEXTS[start : start + size] for start in range(0, 48, 3) for size in (1, 2, 7)]
    expected = [classifier.classify(piece) for piece in pieces]
    start = threading.Barrier(8)

    def work(_: int) -> list[Predictions]:
        start.wait()
        return [classifier.classify(piece) for piece in pieces]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(work, range(8)):
            for answer, known in zip(answers, expected, strict=True):
                assert_same(answer, known)


def test_each_calling_thread_computes_on_one_core(engine: Engine) -> None:
    ids = np.ones((1, 4), np.int64)
    seen: list[tuple[int, int]] = []

    def work() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(3)
        engine.run(ids, ids, None)
        seen.append((before, torch.get_num_threads()))

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert [after for _, after in seen] == [1, 1]


def test_embedding_is_the_first_token_of_the_last_layer(foreign: Foreign) -> None:
    for kind in ("bert-fast", "distilbert", "roberta"):
        engine = TorchEngine(open_artifact(str(foreign(kind))), device="cpu")
        ids = np.array([[2, 7, 9, 3], [2, 8, 3, 0]], np.int64)
        mask = np.array([[1, 1, 1, 1], [1, 1, 1, 0]], np.int64)
        with torch.inference_mode():
            hidden = engine._model(
                input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask), output_hidden_states=True
            ).hidden_states[-1]
        logits, embeddings = engine.run(ids, mask, None)
        np.testing.assert_allclose(embeddings, hidden[:, 0].numpy(), atol=1e-5)
        assert logits.dtype == embeddings.dtype == np.float32
        assert embeddings.shape == (2, 48)


def test_weights_that_do_not_fit_the_configuration_are_refused(foreign: Foreign, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    for file in foreign("bert-fast").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    lacking = {name: tensor for name, tensor in tensors.items() if name != "bert.pooler.dense.weight"}
    save_file(lacking, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="lack 1 tensors"):
        open_engine("torch", open_artifact(str(tmp_path)))
    save_file({**tensors, "classifier.weight": np.ones((9, 48), np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="do not fit together"):
        open_engine("torch", open_artifact(str(tmp_path)))


def test_a_damaged_tokenizer_is_refused(foreign: Foreign, tmp_path: Path, engine: Engine) -> None:
    for file in foreign("bert-fast").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match=r"tokenizer in .* cannot be opened"):
        Classifier(open_artifact(str(tmp_path)), engine)


def test_softmax_of_huge_and_tiny_logits() -> None:
    logits: NDArray[np.float32] = np.array([[1e4, 1e4 - 1, -1e4], [0, 0, 0]], np.float32)
    scores = softmax(logits)
    np.testing.assert_allclose(scores, [[0.7310586, 0.2689414, 0], [1 / 3] * 3], atol=1e-6)
    assert scores.dtype == np.float32


def test_an_unknown_engine_is_told_what_there_is(artifact: Artifact) -> None:
    with pytest.raises(InputError, match=r"no engine 'warp'; choose auto, .*torch"):
        open_engine("warp", artifact)


def test_adding_an_engine_is_adding_a_file(artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "echo_engine.py").write_text("def open_engine(artifact):\n    return 'echo of ' + artifact.family\n")
    (tmp_path / "absent_engine.py").write_text("import no_such_library\n")
    monkeypatch.setattr(model.engines, "__path__", [*model.engines.__path__, str(tmp_path)])
    assert {"echo", "absent", "torch"} <= set(engine_names())
    assert open_engine("echo", artifact) == "echo of bert"
    with pytest.raises(SurroundingsError, match="engine absent cannot be imported"):
        open_engine("absent", artifact)
