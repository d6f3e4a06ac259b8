"""The ONNX Runtime engine with int8 weights: faster, and not exact. Asked for by name only."""

from __future__ import annotations

from pathlib import Path

from model import export
from model.artifact import Artifact
from model.engines import Engine
from model.engines.onnx_engine import OnnxEngine


def open_engine(artifact: Artifact) -> Engine:
    return Int8Engine(artifact)


def export_file(artifact: Artifact, output: Path | None) -> Path:
    """Write the engine's file: into the directory `output`, or where the engine looks for it."""
    return export.write(artifact, Int8Engine.precision, output)


class Int8Engine(OnnxEngine):
    """Scores depend a little on the neighbours in a batch, which share the scale that their rows are rounded with."""

    name = "onnx-int8"
    precision = "int8"
