"""The ONNX Runtime engine in fp32: exact, on the CPU, without torch.

One session for all calling threads: each computes on its own core, and the weights are in memory once.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model import export
from model.artifact import Artifact
from model.engines import EXACT, Engine

log = logging.getLogger(__name__)


def open_engine(artifact: Artifact) -> Engine:
    return OnnxEngine(artifact)


def export_file(artifact: Artifact, output: Path | None) -> Path:
    """Write the engine's file: into the directory `output`, or where the engine looks for it."""
    return export.write(artifact, OnnxEngine.precision, output)


class OnnxEngine:
    """Runs the graph of `model.engines.onnx_graph`; see `model.engines.Engine`."""

    name = "onnx"
    precision = EXACT

    def __init__(self, artifact: Artifact, threads: int = 1) -> None:
        """Takes the file that is there, or makes it. `threads` compute one call together; for trials."""
        self._session = _open(artifact, self.precision, threads)
        inputs = {each.name for each in self._session.get_inputs()}
        self._types = "types" in inputs
        self._padding = int(self._session.get_modelmeta().custom_metadata_map[export.PADDING])

    def run(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        token_type_ids: NDArray[np.int64] | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits (n, classes) and last hidden states of the first tokens (n, hidden). First tokens are never masked."""
        kept = np.flatnonzero(attention_mask)
        rows = np.cumsum(attention_mask.ravel()) - 1
        padded = np.maximum(rows, 0).reshape(attention_mask.shape)
        inputs = {
            "tokens": input_ids.ravel()[kept],
            "positions": self._positions(input_ids).ravel()[kept],
            "padded": padded,
            "kept": kept,
            "first": np.ascontiguousarray(padded[:, 0]),
            "mask": attention_mask.astype(np.int32),
        }
        if self._types:
            inputs["types"] = np.zeros(len(kept), np.int64) if token_type_ids is None else token_type_ids.ravel()[kept]
        logits, embedding = self._session.run(("logits", "embedding"), inputs)
        return logits, embedding

    def _positions(self, input_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._padding < 0:
            return np.broadcast_to(np.arange(input_ids.shape[1]), input_ids.shape)
        # RoBERTa counts the tokens that are not the padding token, wherever that stands, even within a text
        counted = (input_ids != self._padding).astype(np.int64)
        return np.asarray(np.cumsum(counted, axis=1) * counted + self._padding)


def _open(artifact: Artifact, precision: str, threads: int) -> Any:
    """A session over the newest file of the model; makes the file where there is none or an outdated one."""
    wanted = export.fingerprint(artifact, precision)
    for file in export.readable(artifact, precision):
        session = _existing(file, wanted, threads)
        if session is not None:
            return session
    log.info("making the engine's file in %s, once for this model", precision)
    content = export.make(artifact, precision)
    try:
        file = export.keep(content, artifact, precision)
    except OSError as error:
        log.warning("the engine's file cannot be kept, and will be made at every start (%s)", error.strerror)
        return _session(content, threads)
    log.info("made %s", file)
    del content  # as large as the weights
    return _session(str(file), threads)


def _existing(file: Path, wanted: str, threads: int) -> Any | None:
    if not file.is_file():
        return None
    try:
        session = _session(str(file), threads)
    except Exception as error:  # noqa: BLE001 - the library has a class of error for each way to be damaged
        log.warning("%s is damaged and is made anew (%s)", file, type(error).__name__)
        return None
    return session if session.get_modelmeta().custom_metadata_map.get(export.FINGERPRINT) == wanted else None


def _session(source: str | bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
