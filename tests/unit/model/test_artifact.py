"""What is opened as a model, and the sentence that each thing gets which is none."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from model.artifact import Artifact, open_artifact
from model.errors import InputError
from model.features import FEATURES
from model.prediction import PROJECTION_SIZE, text_fingerprint
from model.projection import random_projection

from .conftest import CLASSES, TRAINING

Foreign = Callable[[str], Path]


@pytest.fixture
def copy(foreign: Foreign, tmp_path: Path) -> Path:
    """A foreign directory with three classes that a test may damage."""
    return Path(shutil.copytree(foreign("bert-fast"), tmp_path / "copy"))


def _configure(directory: Path, **changes: object) -> None:
    config = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps({**config, **changes}))


def _without_head(directory: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if "classifier" not in k}, directory / "model.safetensors")


def _without_tokenizer(directory: Path) -> None:
    for file in directory.glob("*token*"):
        file.unlink()


def _cut_weights(directory: Path) -> None:
    whole = (directory / "model.safetensors").read_bytes()
    (directory / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def _pickled_weights(directory: Path) -> None:
    (directory / "model.safetensors").rename(directory / "pytorch_model.bin")


BROKEN = {
    "no config.json": (lambda d: (d / "config.json").unlink(), r"not a model directory: it has no config\.json"),
    "config is no JSON": (lambda d: (d / "config.json").write_text("{"), "cannot be read as JSON"),
    "config is a list": (lambda d: (d / "config.json").write_text("[]"), "not a model's configuration"),
    "base model": (lambda d: _configure(d, architectures=["BertModel"]), r"not a sequence classifier .*BertModel"),
    "no architecture": (lambda d: _configure(d, architectures=None), "not a sequence classifier"),
    "other family": (lambda d: _configure(d, model_type="gpt2"), "'gpt2'; the types that are served are bert"),
    "many labels": (lambda d: _configure(d, problem_type="multi_label_classification"), "choose one class"),
    "no weights": (lambda d: (d / "model.safetensors").unlink(), "no weights"),
    "pickled weights": (_pickled_weights, r"pytorch_model\.bin, which is a pickle .* convert it once with"),
    "cut weights": (_cut_weights, r"model\.safetensors is missing or damaged"),
    "empty weights": (lambda d: (d / "model.safetensors").write_bytes(b""), "missing or damaged"),
    "no head": (_without_head, "no classification head"),
    "no tokenizer": (_without_tokenizer, "has no tokenizer"),
    "damaged tokenizer_config": (lambda d: (d / "tokenizer_config.json").write_text("{"), "tokenizer_config.json"),
}


@pytest.mark.parametrize("flaw", BROKEN)
def test_a_broken_directory_gets_one_sentence(copy: Path, flaw: str) -> None:
    open_artifact(str(copy))
    damage, sentence = BROKEN[flaw]
    damage(copy)
    with pytest.raises(InputError, match=sentence) as caught:
        open_artifact(str(copy))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ("a,b", "gives 2 names, and the model has 3 classes"),
        ("a,b,c,d", "gives 4 names"),
        ("a,b,a", "Two classes are called 'a'"),
        ("a,,c", "empty name"),
    ],
)
def test_labels_that_do_not_fit(copy: Path, labels: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_artifact(str(copy), labels)


def test_duplicate_labels_of_the_model_itself_can_be_renamed(copy: Path) -> None:
    _configure(copy, id2label={"0": "x", "1": "x", "2": "y"})
    with pytest.raises(InputError, match="Two classes are called 'x'; give each its own name with --labels"):
        open_artifact(str(copy))
    assert open_artifact(str(copy), "a,b,c").info.labels == ("a", "b", "c")


def test_ten_classes_keep_the_order_of_their_numbers(copy: Path) -> None:
    _configure(copy, id2label={str(number): f"n{number}" for number in (10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)})
    assert open_artifact(str(copy)).info.labels == tuple(f"n{number}" for number in range(11))


@pytest.mark.parametrize("path", ["/no/such/model", "./no-model", "a/b/c", "~/nowhere", "../x"])
def test_no_such_directory(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="There is no directory"):
        open_artifact(path)


def test_a_file_is_not_a_directory(copy: Path) -> None:
    with pytest.raises(InputError, match="is a file"):
        open_artifact(str(copy / "model.safetensors"))


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A hub that takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("hub", ["silent", "http://hub.invalid"])
def test_an_unreachable_hub_is_said_in_time(hub: str, silent_server: str, tmp_path: Path) -> None:
    """In a process of its own, because the hub's library reads its address when it is imported."""
    script = (
        "from model.artifact import open_artifact\nfrom model.errors import SurroundingsError\n"
        "try:\n    open_artifact('someone/some-model')\nexcept SurroundingsError as error:\n    print(error)"
    )
    environ = {"HF_ENDPOINT": silent_server if hub == "silent" else hub, "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, timeout=25, check=True
    )
    assert "hub cannot be reached; offline, give a model directory, or make one with `bertwatch train" in done.stdout


def test_a_cached_hub_model_is_used_while_the_hub_is_away(foreign: Foreign, tmp_path: Path) -> None:
    commit = "0" * 40
    repository = tmp_path / "hub" / "models--someone--some-model"
    shutil.copytree(foreign("bert-fast"), repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    script = "from model.artifact import open_artifact\nprint(open_artifact('someone/some-model').info.name)"
    environ = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "someone/some-model\n"


def test_opening_imports_neither_torch_nor_transformers(trained: Path) -> None:
    script = (
        "import sys\nfrom model.artifact import open_artifact\nfrom model.tokenization import open_tokenizer\n"
        "open_tokenizer(open_artifact(sys.argv[1]))\nimport model.classifier, model.engines.registry\n"
        "print({'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(trained)], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_our_own_artifact_knows_its_training_rows(artifact: Artifact) -> None:
    fingerprints = {text_fingerprint(text) for text in TRAINING.texts}
    assert artifact.own
    assert artifact.training is not None
    assert artifact.training.dtype == np.uint64
    assert artifact.training.tolist() == sorted(fingerprints)
    assert artifact.info.labels == CLASSES
    assert artifact.info.features == tuple(FEATURES)


def test_the_version_follows_weights_tokenizer_and_labels_alone(copy: Path) -> None:
    before = open_artifact(str(copy))
    assert len(before.info.version) == 12
    (copy / "README.md").write_text("changed")
    assert open_artifact(str(copy)).info.version == before.info.version
    assert open_artifact(str(copy), "a,b,c").info.version != before.info.version
    (copy / "tokenizer.json").write_text((copy / "tokenizer.json").read_text() + "\n")
    changed = open_artifact(str(copy))
    assert changed.hashes.tokenizer != before.hashes.tokenizer
    assert changed.hashes.weights == before.hashes.weights
    assert changed.info.version != before.info.version


@pytest.mark.parametrize("hidden", [768, 48, 32, 8])
def test_the_random_projection_is_orthonormal_and_always_the_same(hidden: int) -> None:
    projection = random_projection(hidden)
    columns = min(hidden, PROJECTION_SIZE)
    assert projection.shape == (hidden, PROJECTION_SIZE)
    gram = np.zeros((PROJECTION_SIZE, PROJECTION_SIZE))
    np.fill_diagonal(gram[:columns, :columns], 1.0)
    np.testing.assert_allclose(projection.T @ projection, gram, atol=1e-6)
    np.testing.assert_array_equal(projection, random_projection(hidden))
