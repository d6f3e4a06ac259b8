"""A model directory as it stands on disk: whose weights, which labels, how long a text may be.

Reads our own directories and any Hugging Face sequence-classification directory or hub name, and writes
into neither. Knows nothing of torch, of tokenizing or of running a model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from model.errors import InputError
from model.features import FEATURES
from model.hub import fetch, is_hub_name
from model.prediction import PROJECTION_SIZE, ModelInfo
from model.projection import random_projection

MANIFEST_FILE = "bertwatch.json"
PROJECTION_FILE = "projection.safetensors"
TRAINING_ROWS_FILE = "training_rows.safetensors"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_INDEX_FILE = "model.safetensors.index.json"
TOKENIZER_FILES = (
    "added_tokens.json", "bpe.codes", "merges.txt", "sentencepiece.bpe.model", "special_tokens_map.json",
    "spiece.model", "spm.model", "tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt",
)  # fmt: skip
VOCABULARY_FILES = frozenset(TOKENIZER_FILES) - {
    "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json", "merges.txt",
}  # fmt: skip

FAMILIES = frozenset({"bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"})
"""Model types whose heads read the last hidden state of the first token, as `engines.Engine` promises."""
_POSITIONS_BEGIN_AFTER_PADDING = frozenset({"camembert", "roberta", "xlm-roberta"})


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256, in hexadecimal, of each thing that makes a model what it is."""

    weights: str
    tokenizer: str
    labels: str


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """A model that can be opened by an engine: checked, hashed and complete."""

    path: Path
    info: ModelInfo
    hashes: Hashes
    family: str
    """Hugging Face's `model_type`: `bert`, `distilbert`, `roberta`, …"""
    max_length: int
    """Most tokens the model takes, special ones included."""
    projection: NDArray[np.float32]
    """Shape (hidden, PROJECTION_SIZE): orthonormal columns; zero columns where hidden < PROJECTION_SIZE."""
    training: NDArray[np.uint64] | None
    """Sorted `text_fingerprint`s of the rows that it was trained on; None where nobody knows."""
    own: bool
    """True where `bertwatch train` wrote the directory."""


def open_artifact(model: str, labels: str | None = None) -> Artifact:
    """Open a directory or a hub name. `labels` ("World,Sports,…") names classes that are called LABEL_0, ….

    A projection that is missing is made anew at each opening: random, but the same for the same hidden size.
    Raises InputError for what is not a model, SurroundingsError for a hub that cannot be reached.
    """
    path = model_directory(model)
    config = read_config(path)
    family = _sequence_classifier_family(path, config)
    names = _label_names(config, labels)
    weights = weight_files(path)
    _require_head(path, weights)
    tokenizer = tokenizer_files(path)
    hashes = Hashes(
        weights=_hash_files(weights),
        tokenizer=_hash_files(tokenizer),
        labels=hashlib.sha256(json.dumps(names).encode()).hexdigest(),
    )
    version = hashlib.sha256(f"{hashes.weights}{hashes.tokenizer}{hashes.labels}".encode()).hexdigest()[:12]
    return Artifact(
        path=path,
        info=ModelInfo(version=version, labels=names, features=tuple(FEATURES), name=_display_name(model, path)),
        hashes=hashes,
        family=family,
        max_length=most_tokens(path, config),
        projection=_projection(path, int(config.get("hidden_size") or config.get("dim") or 768)),
        training=_training_rows(path),
        own=(path / MANIFEST_FILE).is_file(),
    )


def model_directory(model: str) -> Path:
    """The directory that a path or a hub name stands for; a hub model is fetched into the hub's own cache."""
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise InputError(f"{model} is a file; --model takes the directory that holds config.json and the weights.")
    if not is_hub_name(model):
        raise InputError(f"There is no directory {model}; give a model directory or a hub name.")
    return fetch(model)


def read_config(path: Path) -> Mapping[str, Any]:
    """`config.json` of a model directory."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is not a model directory: it has no config.json.") from None
    except (OSError, ValueError):
        raise InputError(f"{path / 'config.json'} cannot be read as JSON; save the model anew.") from None
    if not isinstance(config, dict):
        raise InputError(f"{path / 'config.json'} is not a model's configuration; save the model anew.")
    return config


def weight_files(path: Path) -> list[Path]:
    """The safetensors files of a model directory, each with a readable header."""
    if (path / WEIGHTS_FILE).is_file():
        files = [path / WEIGHTS_FILE]
    elif (path / WEIGHTS_INDEX_FILE).is_file():
        try:
            index = json.loads((path / WEIGHTS_INDEX_FILE).read_text(encoding="utf-8"))
            files = [path / name for name in sorted(set(index["weight_map"].values()))]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path / WEIGHTS_INDEX_FILE} is damaged; save or fetch the model anew.") from None
    elif (path / "pytorch_model.bin").is_file():
        raise InputError(
            f"{path} has only pytorch_model.bin, which is a pickle and is not opened; convert it once with "
            "AutoModelForSequenceClassification.from_pretrained(DIR).save_pretrained(DIR), "
            "which writes model.safetensors."
        )
    else:
        raise InputError(f"{path} has no weights: model.safetensors is missing.")
    for file in files:
        _keys(file)
    return files


def tokenizer_files(path: Path) -> list[Path]:
    """The tokenizer files of a model directory, in order of name."""
    present = [path / name for name in TOKENIZER_FILES if (path / name).is_file()]
    if not any(file.name in VOCABULARY_FILES for file in present):
        raise InputError(f"{path} has no tokenizer: save it beside the weights with tokenizer.save_pretrained(DIR).")
    return present


def most_tokens(path: Path, config: Mapping[str, Any]) -> int:
    """Most tokens that both the positions and the tokenizer of a model directory allow, special ones included."""
    positions = int(config.get("max_position_embeddings") or 512)
    if config.get("model_type") in _POSITIONS_BEGIN_AFTER_PADDING:
        padding = config.get("pad_token_id")
        positions -= (1 if padding is None else int(padding)) + 1
    try:
        tokenizer = json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8"))
        return min(positions, int(tokenizer.get("model_max_length") or positions))
    except FileNotFoundError:
        return positions
    except (OSError, ValueError, TypeError, AttributeError):
        raise InputError(f"{path / 'tokenizer_config.json'} is damaged; save the tokenizer anew.") from None


def _sequence_classifier_family(path: Path, config: Mapping[str, Any]) -> str:
    architectures = [str(name) for name in config.get("architectures") or []]
    if not any(name.endswith("ForSequenceClassification") for name in architectures):
        raise InputError(
            f"{path} is not a sequence classifier (architecture: {', '.join(architectures) or 'none'}); "
            "fine-tune it first with `bertwatch train --base-model`."
        )
    family = str(config.get("model_type", ""))
    if family not in FAMILIES:
        raise InputError(f"{path} is of type {family!r}; the types that are served are {', '.join(sorted(FAMILIES))}.")
    if config.get("problem_type") in ("multi_label_classification", "regression"):
        raise InputError(
            f"{path} does {config['problem_type']}; only models that choose one class of several are served."
        )
    return family


def _label_names(config: Mapping[str, Any], labels: str | None) -> tuple[str, ...]:
    named = config.get("id2label") or {str(i): f"LABEL_{i}" for i in range(int(config.get("num_labels") or 2))}
    try:
        own = [str(named[key]) for key in sorted(named, key=int)]
    except (AttributeError, TypeError, ValueError):
        raise InputError("id2label in config.json does not map class numbers to names; save the model anew.") from None
    names = own if labels is None else [name.strip() for name in labels.split(",")]
    if len(names) != len(own):
        raise InputError(f"--labels gives {len(names)} names, and the model has {len(own)} classes ({', '.join(own)}).")
    if not all(names):
        raise InputError("--labels has an empty name; give one name a class, separated by commas.")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"Two classes are called {repeated[0]!r}; give each its own name with --labels.")
    if len(names) < 2:
        raise InputError("The model has one class only; a classifier needs two or more.")
    return tuple(names)


def _keys(file: Path) -> list[str]:
    try:
        with safe_open(file, framework="numpy") as tensors:
            return list(tensors.keys())
    except (OSError, SafetensorError):
        raise InputError(f"{file} is missing or damaged; save or fetch the model anew.") from None


def _require_head(path: Path, weights: Sequence[Path]) -> None:
    if not any(key.startswith("classifier.") for file in weights for key in _keys(file)):
        raise InputError(
            f"The weights in {path} have no classification head; fine-tune the model with `bertwatch train`."
        )


def _hash_files(files: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            total.update(f"{file.name}:{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def _projection(path: Path, hidden: int) -> NDArray[np.float32]:
    if not (path / PROJECTION_FILE).is_file():
        return random_projection(hidden)
    projection = _one_tensor(path / PROJECTION_FILE, "projection").astype(np.float32)
    if projection.shape != (hidden, PROJECTION_SIZE):
        raise InputError(f"{path / PROJECTION_FILE} does not fit the model; train it anew.")
    return projection


def _training_rows(path: Path) -> NDArray[np.uint64] | None:
    if not (path / TRAINING_ROWS_FILE).is_file():
        return None
    return np.sort(_one_tensor(path / TRAINING_ROWS_FILE, "fingerprints").astype(np.uint64))


def _one_tensor(file: Path, name: str) -> NDArray[Any]:
    try:
        with safe_open(file, framework="numpy") as tensors:
            return np.asarray(tensors.get_tensor(name))
    except (OSError, SafetensorError):
        raise InputError(f"{file} is damaged; train the model anew.") from None


def _display_name(model: str, path: Path) -> str:
    return path.resolve().name if Path(model).expanduser().is_dir() else model
