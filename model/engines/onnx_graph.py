"""A sequence classifier as an ONNX graph of ONNX Runtime's fused operators, in fp32 or with int8 weights.

Written out rather than traced: it needs no torch, does not depend on an exporter's patterns being found again by a
fuser, and leaves out what a classifier does not need. Knows nothing of files or sessions.

Two things make it faster than a traced graph. Tokens of all texts stand behind each other without padding (T rows);
only attention sees a padded batch of shape (B, S). And the last layer is computed for the first token alone, which is
all that the head reads. Neither changes a number beyond rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from model.engines.network import Layer, Linear, Network, Norm

OPSET = 17
_FUSED = "com.microsoft"


def build_model(network: Network, *, int8: bool, facts: Mapping[str, str]) -> onnx.ModelProto:
    """The graph with its weights; `facts` go into its metadata.

    Inputs, all int64 but the mask: `tokens`, `positions` and (where there are types) `types` of shape (T,);
    `padded` (B, S), the row that stands at each place, anything where there is none; `kept` (T,), the place of each
    row in the padded batch, laid flat; `first` (B,), the row of each text's first token; `mask` (B, S), int32.
    Outputs: `logits` (B, classes), `embedding` (B, hidden).
    """
    graph = _Int8Graph() if int8 else _Graph()
    hidden = graph.embeddings(network)
    for layer in network.layers[:-1]:
        hidden = graph.layer(hidden, layer, network)
    first = graph.last_layer(hidden, network.layers[-1], network)
    graph.node("Identity", [first], "embedding")
    pooled = graph.activation(graph.exact(first, network.pooler), network.pooler_activation)
    graph.node("Identity", [graph.exact(pooled, network.classifier)], "logits")
    return _whole(graph, network, facts)


def _whole(graph: _Graph, network: Network, facts: Mapping[str, str]) -> onnx.ModelProto:
    def integers(name: str, *shape: str, kind: int = TensorProto.INT64) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    hidden, classes = network.classifier.weight.shape
    inputs = [
        integers("tokens", "T"),
        integers("positions", "T"),
        *([] if network.types is None else [integers("types", "T")]),
        integers("padded", "B", "S"),
        integers("kept", "T"),
        integers("first", "B"),
        integers("mask", "B", "S", kind=TensorProto.INT32),
    ]
    outputs = [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ("B", classes)),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ("B", hidden)),
    ]
    made = helper.make_graph(graph.nodes, "classifier", inputs, outputs, graph.weights)
    imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(_FUSED, 1)]
    model = helper.make_model(made, opset_imports=imports, ir_version=10, producer_name="bertwatch")
    helper.set_model_props(model, dict(facts))
    return model


class _Graph:
    """Nodes and weights as they are added; each method returns the name of what it computes."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def node(self, kind: str, inputs: list[str], name: str = "", domain: str = "", **attributes: Any) -> str:
        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=f"{name}_node", domain=domain, **attributes))
        return name

    def weight(self, array: NDArray[Any]) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def embeddings(self, network: Network) -> str:
        """(T, hidden)."""
        words = self.node("Gather", [self.weight(network.words), "tokens"])
        places = self.node("Gather", [self.weight(network.positions), "positions"])
        if network.types is not None:
            places = self.node("Add", [places, self.node("Gather", [self.weight(network.types), "types"])])
        hidden = self.norm(words, places, None, network.embedding_norm)
        projection = network.embedding_projection
        return hidden if projection is None else self.exact(hidden, projection)

    def layer(self, hidden: str, layer: Layer, network: Network) -> str:
        """(T, hidden) → (T, hidden)."""
        query, key, value = self.products(hidden, (layer.query, layer.key, layer.value), bias=True)
        query, key, value = (self.node("Gather", [rows, "padded"]) for rows in (query, key, value))
        attended = self.node("Gather", [self.flat(self.attention(query, key, value, network.heads), layer), "kept"])
        return self.feed_forward(hidden, attended, layer, network)

    def last_layer(self, hidden: str, layer: Layer, network: Network) -> str:
        """(T, hidden) → (B, hidden), of the first tokens alone: they ask, all tokens answer."""
        first = self.node("Gather", [hidden, "first"])
        (query,) = self.products(first, (layer.query,), bias=True)
        key, value = self.products(hidden, (layer.key, layer.value), bias=True)
        one = self.node("Unsqueeze", [query, self.weight(np.array([1], np.int64))])
        key, value = (self.node("Gather", [rows, "padded"]) for rows in (key, value))
        attended = self.flat(self.attention(one, key, value, network.heads), layer)
        return self.feed_forward(first, attended, layer, network)

    def attention(self, query: str, key: str, value: str, heads: int) -> str:
        return self.node("MultiHeadAttention", [query, key, value, "", "mask"], domain=_FUSED, num_heads=heads)

    def flat(self, padded: str, layer: Layer) -> str:
        width = len(layer.value.bias)
        return self.node("Reshape", [padded, self.weight(np.array([-1, width], np.int64))])

    def feed_forward(self, hidden: str, attended: str, layer: Layer, network: Network) -> str:
        """What follows attention in a layer, row by row."""
        (turned,) = self.products(attended, (layer.attended,), bias=False)
        hidden = self.norm(turned, hidden, layer.attended.bias, layer.attention_norm)
        (wide,) = self.products(hidden, (layer.widened,), bias=False)
        (narrow,) = self.products(
            self.biased(wide, layer.widened.bias, network.activation), (layer.narrowed,), bias=False
        )
        return self.norm(narrow, hidden, layer.narrowed.bias, layer.output_norm)

    def norm(self, rows: str, skip: str, bias: NDArray[np.float32] | None, norm: Norm) -> str:
        """Normalised sum of rows, skip and bias."""
        inputs = [rows, skip, self.weight(norm.scale), self.weight(norm.shift)]
        inputs += [] if bias is None else [self.weight(bias)]
        return self.node("SkipLayerNormalization", inputs, domain=_FUSED, epsilon=norm.epsilon)

    def biased(self, rows: str, bias: NDArray[np.float32], kind: str) -> str:
        if kind == "relu":
            return self.node("Relu", [self.node("Add", [rows, self.weight(bias)])])
        return self.node("BiasGelu" if kind == "gelu" else "FastGelu", [rows, self.weight(bias)], domain=_FUSED)

    def activation(self, rows: str, kind: str) -> str:
        if kind == "gelu":
            return self.node("Gelu", [rows], domain=_FUSED)
        return self.node({"tanh": "Tanh", "relu": "Relu"}[kind], [rows])

    def exact(self, rows: str, linear: Linear) -> str:
        """rows @ weight + bias in fp32, whatever the precision of the layers."""
        return self.node("Gemm", [rows, self.weight(linear.weight), self.weight(linear.bias)])

    def products(self, rows: str, linears: tuple[Linear, ...], *, bias: bool) -> list[str]:
        """The same rows through several weights."""
        if bias:
            return [self.exact(rows, linear) for linear in linears]
        return [self.node("MatMul", [rows, self.weight(linear.weight)]) for linear in linears]


class _Int8Graph(_Graph):
    """Weights as int8 with a scale an output column; rows are quantised as they come, with one scale a call."""

    def products(self, rows: str, linears: tuple[Linear, ...], *, bias: bool) -> list[str]:
        number = len(self.nodes)
        rounded, scale, zero = (f"{part}_{number}" for part in ("rounded", "scale", "zero"))
        self.nodes.append(
            helper.make_node("DynamicQuantizeLinear", [rows], [rounded, scale, zero], name=f"{rounded}_node")
        )
        made = []
        for linear in linears:
            weight, by_column = quantised(linear.weight)
            zeros = np.zeros(len(by_column), np.int8)
            inputs = [rounded, self.weight(weight), scale, self.weight(by_column), zero, self.weight(zeros)]
            inputs += [self.weight(linear.bias)] if bias else []
            made.append(self.node("MatMulIntegerToFloat", inputs, domain=_FUSED))
        return made


def quantised(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(in, out) → int8 of the same shape, symmetric around 0, and the scale of each column (out,)."""
    scale = np.maximum(np.abs(weight).max(axis=0), np.finfo(np.float32).tiny) / 127
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)
