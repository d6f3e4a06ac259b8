"""The arrays of a sequence classifier under one set of names, whatever its family calls them.

Reads config.json and safetensors with numpy. Knows nothing of torch, of transformers or of how a network is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from model.artifact import Artifact, read_config, weight_files
from model.engines import Unfit

Array = NDArray[np.float32]

ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh", "relu": "relu"}
"""By Hugging Face's name; `gelu` is the exact one, by the error function."""
_COUNTED_FROM_PADDING = frozenset({"camembert", "roberta", "xlm-roberta"})
_POOLED_BY_TANH = frozenset({"camembert", "roberta", "xlm-roberta"})
_NOT_READ = ("position_ids", "token_type_ids", ".pooler.", "lm_head.", "cls.", "discriminator_predictions.")
"""Parts of the names of tensors that a directory may hold and a classifier does not read."""


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """x @ weight + bias."""

    weight: Array
    """Shape (in, out)."""
    bias: Array
    """Shape (out,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """Layer normalisation: scale and shift of shape (hidden,)."""

    scale: Array
    shift: Array
    epsilon: float


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One encoder layer: attention, feed-forward, each with its residual normalised after it."""

    query: Linear
    key: Linear
    value: Linear
    attended: Linear
    attention_norm: Norm
    widened: Linear
    narrowed: Linear
    output_norm: Norm


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A whole sequence classifier."""

    words: Array
    """Shape (vocabulary, embedding)."""
    positions: Array
    """Shape (positions, embedding)."""
    types: Array | None
    """Shape (segments, embedding); None where the family has none."""
    embedding_norm: Norm
    embedding_projection: Linear | None
    """From embedding size to hidden size, where they differ."""
    layers: tuple[Layer, ...]
    heads: int
    activation: str
    """A value of `ACTIVATIONS`."""
    pooler: Linear
    """On the first token's last hidden state."""
    pooler_activation: str
    """`tanh`, `relu` or `gelu`."""
    classifier: Linear
    padding: int | None
    """The padding id where positions are counted from it on (RoBERTa); None where they are counted from 0."""


def read_network(artifact: Artifact) -> Network:
    """The arrays of an artifact in fp32. Raises Unfit for what this reading does not cover, to the last tensor."""
    config = read_config(artifact.path)
    _refuse_unusual(config)
    tensors = _Tensors(artifact)
    family = artifact.family
    network = _distilbert(config, tensors) if family == "distilbert" else _bert(family, config, tensors)
    tensors.refuse_unread()
    return network


class _Tensors:
    """Tensors by name, each read when it is asked for; remembers which were."""

    def __init__(self, artifact: Artifact) -> None:
        self._where: dict[str, Path] = {}
        for file in weight_files(artifact.path):
            with safe_open(file, framework="numpy") as opened:
                self._where |= dict.fromkeys(opened.keys(), file)
        self._path = artifact.path
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._where

    def array(self, name: str) -> Array:
        self._read.add(name)
        if name not in self._where:
            raise Unfit(f"The weights in {self._path} have no tensor {name}, which this engine reads.")
        try:
            with safe_open(self._where[name], framework="numpy") as opened:
                return np.ascontiguousarray(opened.get_tensor(name), np.float32)
        except (OSError, SafetensorError, TypeError, ValueError) as error:  # numpy has no bfloat16
            raise Unfit(f"The tensor {name} in {self._path} is of a kind that this engine does not read.") from error

    def linear(self, name: str) -> Linear:
        return Linear(np.ascontiguousarray(self.array(f"{name}.weight").T), self.array(f"{name}.bias"))

    def norm(self, name: str, epsilon: float) -> Norm:
        return Norm(self.array(f"{name}.weight"), self.array(f"{name}.bias"), epsilon)

    def refuse_unread(self) -> None:
        """A tensor that nobody asked for may be a part of the network that this reading does not know."""
        left = sorted(
            name for name in self._where if name not in self._read and not any(part in name for part in _NOT_READ)
        )
        if left:
            raise Unfit(f"The weights in {self._path} have a tensor {left[0]}, which this engine does not know.")


def _refuse_unusual(config: Mapping[str, Any]) -> None:
    activation = config.get("hidden_act") or config.get("activation") or "gelu"
    if activation not in ACTIVATIONS:
        raise Unfit(f"This engine does not know the activation {activation!r}.")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise Unfit("This engine does not know relative positions.")
    if config.get("is_decoder") or config.get("add_cross_attention"):
        raise Unfit("This engine runs encoders, and the model is a decoder.")


def _bert(family: str, config: Mapping[str, Any], tensors: _Tensors) -> Network:
    """BERT and those built like it: RoBERTa, CamemBERT, XLM-RoBERTa, ELECTRA."""
    base = "roberta" if family in _POOLED_BY_TANH else family
    epsilon = float(config.get("layer_norm_eps", 1e-5 if base == "roberta" else 1e-12))
    layers = []
    for number in range(int(config.get("num_hidden_layers", 12))):
        at = f"{base}.encoder.layer.{number}"
        layers.append(
            Layer(
                query=tensors.linear(f"{at}.attention.self.query"),
                key=tensors.linear(f"{at}.attention.self.key"),
                value=tensors.linear(f"{at}.attention.self.value"),
                attended=tensors.linear(f"{at}.attention.output.dense"),
                attention_norm=tensors.norm(f"{at}.attention.output.LayerNorm", epsilon),
                widened=tensors.linear(f"{at}.intermediate.dense"),
                narrowed=tensors.linear(f"{at}.output.dense"),
                output_norm=tensors.norm(f"{at}.output.LayerNorm", epsilon),
            )
        )
    own_pooler = base == "bert"
    padding = config.get("pad_token_id")
    return Network(
        words=tensors.array(f"{base}.embeddings.word_embeddings.weight"),
        positions=tensors.array(f"{base}.embeddings.position_embeddings.weight"),
        types=tensors.array(f"{base}.embeddings.token_type_embeddings.weight"),
        embedding_norm=tensors.norm(f"{base}.embeddings.LayerNorm", epsilon),
        embedding_projection=(
            tensors.linear(f"{base}.embeddings_project") if f"{base}.embeddings_project.weight" in tensors else None
        ),
        layers=tuple(layers),
        heads=int(config.get("num_attention_heads", 4 if base == "electra" else 12)),
        activation=ACTIVATIONS[config.get("hidden_act", "gelu")],
        pooler=tensors.linear(f"{base}.pooler.dense" if own_pooler else "classifier.dense"),
        pooler_activation="gelu" if base == "electra" else "tanh",
        classifier=tensors.linear("classifier" if own_pooler else "classifier.out_proj"),
        padding=(1 if padding is None else int(padding)) if base == "roberta" else None,
    )


def _distilbert(config: Mapping[str, Any], tensors: _Tensors) -> Network:
    epsilon = 1e-12  # fixed in transformers, whatever the configuration says
    layers = []
    for number in range(int(config.get("n_layers", 6))):
        at = f"distilbert.transformer.layer.{number}"
        layers.append(
            Layer(
                query=tensors.linear(f"{at}.attention.q_lin"),
                key=tensors.linear(f"{at}.attention.k_lin"),
                value=tensors.linear(f"{at}.attention.v_lin"),
                attended=tensors.linear(f"{at}.attention.out_lin"),
                attention_norm=tensors.norm(f"{at}.sa_layer_norm", epsilon),
                widened=tensors.linear(f"{at}.ffn.lin1"),
                narrowed=tensors.linear(f"{at}.ffn.lin2"),
                output_norm=tensors.norm(f"{at}.output_layer_norm", epsilon),
            )
        )
    return Network(
        words=tensors.array("distilbert.embeddings.word_embeddings.weight"),
        positions=tensors.array("distilbert.embeddings.position_embeddings.weight"),
        types=None,
        embedding_norm=tensors.norm("distilbert.embeddings.LayerNorm", epsilon),
        embedding_projection=None,
        layers=tuple(layers),
        heads=int(config.get("n_heads", 12)),
        activation=ACTIVATIONS[config.get("activation", "gelu")],
        pooler=tensors.linear("pre_classifier"),
        pooler_activation="relu",
        classifier=tensors.linear("classifier"),
        padding=None,
    )
