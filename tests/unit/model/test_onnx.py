"""ONNX engines say what torch says, alone or among neighbours; where their files stand, and that none is stale."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

from model import export
from model.artifact import Artifact, open_artifact
from model.classifier import Classifier
from model.datasets import load_dataset
from model.engines import Unfit
from model.engines.network import read_network
from model.engines.onnx_engine import OnnxEngine
from model.engines.onnx_graph import quantised
from model.engines.onnx_int8_engine import Int8Engine
from model.engines.registry import export_engine, open_engine
from model.engines.torch_engine import TorchEngine
from model.errors import InputError
from tests.foreign_models import make_rows

Foreign = Callable[[str], Path]
TEXTS = [*make_rows(30, seed=31)[0], "", "x", "rain " * 60, "<pad> rain <pad> storm </s>", "東京 🙂 café"]
KINDS = ("bert-fast", "bert-slow", "distilbert", "roberta")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bertwatch"


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Artifact:
    """A copy of an artifact of ours, without a file of an engine."""
    shutil.copytree(trained, tmp_path / "own", ignore=shutil.ignore_patterns("*.onnx"))
    return open_artifact(str(tmp_path / "own"))


def variant(directory: Path, path: Path, **settings: object) -> Path:
    """A copy of a model directory with another configuration."""
    shutil.copytree(directory, path)
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | settings))
    return path


def assert_equal_to_torch(artifact: Artifact) -> None:
    exact = Classifier(artifact, TorchEngine(artifact, device="cpu"))
    quick = Classifier(artifact, OnnxEngine(artifact))
    for size in (1, 3, len(TEXTS)):
        for start in range(0, len(TEXTS), size):
            expected = exact.classify(TEXTS[start : start + size])
            found = quick.classify(TEXTS[start : start + size])
            np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
            np.testing.assert_allclose(found.projections, expected.projections, atol=1e-4)
            np.testing.assert_array_equal(found.labels, expected.labels)
    assert np.ptp(expected.scores, axis=0).max() > 0.05, "the texts must differ, or equality would mean little"


@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_torch_on_batches_of_mixed_length(foreign: Foreign, kind: str) -> None:
    assert_equal_to_torch(open_artifact(str(foreign(kind))))


def test_equal_to_torch_on_our_own_artifact(own: Artifact) -> None:
    assert_equal_to_torch(own)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("bert-fast", {"hidden_act": "relu", "layer_norm_eps": 1e-3, "num_attention_heads": 2}),
        ("bert-fast", {"hidden_act": "gelu_new"}),
        ("distilbert", {"activation": "relu", "n_heads": 2}),
    ],
)
def test_the_configuration_is_read(foreign: Foreign, tmp_path: Path, kind: str, settings: dict[str, object]) -> None:
    assert_equal_to_torch(open_artifact(str(variant(foreign(kind), tmp_path / "m", **settings))))


def test_electra_with_a_small_embedding(foreign: Foreign, tmp_path: Path) -> None:
    import torch
    from transformers import ElectraConfig, ElectraForSequenceClassification

    shutil.copytree(foreign("bert-fast"), tmp_path / "m")
    torch.manual_seed(5)
    config = ElectraConfig(
        vocab_size=open_vocabulary(tmp_path / "m"), embedding_size=24, hidden_size=48, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=40, num_labels=3, initializer_range=0.4,
    )  # fmt: skip
    ElectraForSequenceClassification(config).save_pretrained(tmp_path / "m")
    assert_equal_to_torch(open_artifact(str(tmp_path / "m")))


def open_vocabulary(path: Path) -> int:
    return len(json.loads((path / "tokenizer.json").read_text())["model"]["vocab"])


def test_token_types_are_read_where_there_are_any(foreign: Foreign) -> None:
    artifact = open_artifact(str(foreign("bert-fast")))
    ids = np.array([[2, 7, 9, 3, 8], [2, 8, 3, 0, 0]], np.int64)
    mask = (ids != 0).astype(np.int64)
    types = np.array([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]], np.int64)
    for found, expected in zip(
        OnnxEngine(artifact).run(ids, mask, types), TorchEngine(artifact, "cpu").run(ids, mask, types), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert found.dtype == np.float32


def test_eight_threads_share_one_session(own: Artifact) -> None:
    classifier = Classifier(own, OnnxEngine(own))
    pieces = [TEXTS[start : start + 4] for start in range(0, len(TEXTS), 4)]
    expected = [classifier.classify(piece).scores for piece in pieces]
    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(lambda _: [classifier.classify(piece).scores for piece in pieces], range(16)):
            for answer, known in zip(answers, expected, strict=True):
                np.testing.assert_array_equal(answer, known)


def test_int8_agrees_on_the_sample(tiny_model: Path) -> None:
    artifact = open_artifact(str(tiny_model))
    texts = load_dataset("sample", split="test", rows="1-800").texts
    exact = Classifier(artifact, OnnxEngine(artifact)).classify_many(texts)
    quick = Classifier(artifact, Int8Engine(artifact))
    found = quick.classify_many(texts)
    assert (quick.engine, quick.precision) == ("onnx-int8", "int8")
    assert (found.labels == exact.labels).mean() >= 0.99
    assert np.abs(found.scores - exact.scores).max() > 1e-5, "it must be another engine"


def test_weights_are_rounded_by_column() -> None:
    weight = np.array([[1, 100, 0], [-0.5, -25.1, 0]], np.float32)
    rounded, scale = quantised(weight)
    assert rounded.dtype == np.int8
    assert rounded[:, :2].tolist() == [[127, 127], [-64, -32]]
    assert np.isfinite(rounded * scale).all()
    np.testing.assert_allclose(rounded * scale, weight, atol=scale[:2].max() / 2)


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_our_own_artifact_keeps_its_file(own: Artifact, cache: Path) -> None:
    OnnxEngine(own)
    file = own.path / "model.onnx"
    onnx.checker.check_model(onnx.load(file, load_external_data=False))
    before = file.stat().st_mtime_ns
    OnnxEngine(own)
    assert file.stat().st_mtime_ns == before
    assert not cache.exists()
    assert not list(own.path.glob(".*partial"))


def test_a_foreign_directory_is_not_written_to(foreign: Foreign, cache: Path) -> None:
    directory = foreign("roberta")
    before = sorted(directory.iterdir())
    artifact = open_artifact(str(directory))
    OnnxEngine(artifact)
    Int8Engine(artifact)
    assert sorted(directory.iterdir()) == before
    kept = sorted(file.relative_to(cache).as_posix() for file in cache.rglob("*.onnx"))
    assert kept == [f"{artifact.info.version}/model-int8.onnx", f"{artifact.info.version}/model.onnx"]


def test_a_file_of_other_weights_or_settings_is_made_anew(own: Artifact) -> None:
    expected = Classifier(own, OnnxEngine(own)).classify(TEXTS).scores
    tensors = load_file(own.path / "model.safetensors")
    save_file({**tensors, "classifier.bias": tensors["classifier.bias"] + [3, 0]}, own.path / "model.safetensors")
    changed = open_artifact(str(own.path))
    other = Classifier(changed, OnnxEngine(changed)).classify(TEXTS).scores
    assert (other[:, 0] > expected[:, 0]).all()
    np.testing.assert_allclose(
        other, Classifier(changed, TorchEngine(changed, "cpu")).classify(TEXTS).scores, atol=1e-4
    )

    config = json.loads((own.path / "config.json").read_text())
    (own.path / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    assert_equal_to_torch(open_artifact(str(own.path)))


@pytest.mark.parametrize("damage", [b"", b"not an ONNX file", None])
def test_a_damaged_file_is_made_anew(own: Artifact, damage: bytes | None) -> None:
    file = export_engine("onnx", own, None)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert_equal_to_torch(own)
    assert file.read_bytes() == whole, "the same model gives the same bytes"


def test_where_nothing_can_be_written_the_model_is_served_all_the_same(
    own: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-directory").touch()
    (own.path / "model.onnx").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "no-directory"))
    assert_equal_to_torch(own)
    assert not list(own.path.glob(".*partial"))
    with pytest.raises(InputError, match="choose an --output"):
        export_engine("onnx", own, None)


def test_export_into_a_directory(own: Artifact, tmp_path: Path) -> None:
    assert export_engine("onnx-int8", own, tmp_path / "there") == tmp_path / "there" / "model-int8.onnx"
    assert not list(own.path.glob("*.onnx"))
    with pytest.raises(InputError, match="no file to make"):
        export_engine("torch", own, None)


# ── what is not covered ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "settings", [{"hidden_act": "silu"}, {"position_embedding_type": "relative_key"}, {"is_decoder": True}]
)
def test_auto_leaves_an_unusual_model_to_torch(foreign: Foreign, tmp_path: Path, settings: dict[str, object]) -> None:
    artifact = open_artifact(str(variant(foreign("bert-fast"), tmp_path / "m", **settings)))
    assert open_engine("auto", artifact).name == "torch"
    with pytest.raises(Unfit, match="This engine"):
        open_engine("onnx", artifact)


def test_a_tensor_that_nobody_reads_is_not_overlooked(foreign: Foreign, tmp_path: Path) -> None:
    shutil.copytree(foreign("bert-fast"), tmp_path / "m")
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    extra = {"bert.encoder.layer.2.output.dense.bias": np.zeros(48, np.float32)}
    save_file({**tensors, **extra}, tmp_path / "m" / "model.safetensors")
    with pytest.raises(Unfit, match=r"layer\.2\.output\.dense\.bias, which this engine does not know"):
        read_network(open_artifact(str(tmp_path / "m")))


def test_auto_is_exact_and_onnx_where_it_can_be(own: Artifact) -> None:
    engine = open_engine("auto", own)
    assert (engine.name, engine.precision) == ("onnx", "fp32")


def test_without_the_package_that_writes_files_torch_serves(own: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "model.engines.onnx_graph", raising=False)
    assert open_engine("auto", own).name == "torch"
    with pytest.raises(Unfit, match="install the package onnx"):
        export.make(own, "fp32")


READ_ONLY = """
import sys
sys.modules["onnx"] = None
from model.artifact import open_artifact
from model.classifier import Classifier
from model.engines.registry import open_engine
artifact = open_artifact(sys.argv[1])
print(Classifier(artifact, open_engine("auto", artifact)).classify(["storm"]).scores.shape[1])
print(sorted({"torch", "transformers", "onnx.helper", "scipy"} & set(sys.modules)))
"""


def test_a_second_start_loads_neither_torch_nor_transformers(own: Artifact) -> None:
    export_engine("onnx", own, None)
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, str(own.path)], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.stdout.split("\n")[:2] == ["2", "[]"], done.stderr
