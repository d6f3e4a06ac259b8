"""Where an engine's file of a model stands, and how it gets there: whole or not at all, and never an outdated one.

Our own artifacts hold the file themselves; for foreign directories, which are never written to, and for those that
cannot be written to, it stands in the user's cache. Knows nothing of torch or of sessions.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from model.artifact import Artifact
from model.engines import EXACT, Unfit
from model.errors import InputError

GRAPH_VERSION = 1
"""Goes up with every change of `model.engines.onnx_graph`; files of other versions are made anew."""
FINGERPRINT = "bertwatch.fingerprint"
"""The key in a file's metadata under which `fingerprint` stands."""
PADDING = "bertwatch.padding"
"""The key under which the padding id stands that positions are counted from on; -1 where they begin at 0."""
_MOST_BYTES = 2_000_000_000
"""What one protobuf message may hold, less a little."""


def file_name(precision: str) -> str:
    return "model.onnx" if precision == EXACT else f"model-{precision}.onnx"


def readable(artifact: Artifact, precision: str) -> Iterator[Path]:
    """Where a file of ours may stand, in order of preference; a stranger's model.onnx is not looked at."""
    if artifact.own:
        yield artifact.path / file_name(precision)
    yield _cached(artifact, precision)


def keep(content: bytes, artifact: Artifact, precision: str) -> Path:
    """Save the file where it will be found. Raises OSError where no place can be written to."""
    if artifact.own:
        with contextlib.suppress(OSError):  # a read-only image, say
            return save(content, artifact.path / file_name(precision))
    return save(content, _cached(artifact, precision))


def write(artifact: Artifact, precision: str, output: Path | None) -> Path:
    """Make the file and save it: in the directory `output`, or where it will be found. Raises InputError."""
    content = make(artifact, precision)
    try:
        if output is None:
            return keep(content, artifact, precision)
        return save(content, output / file_name(precision))
    except OSError as error:
        raise InputError(f"The engine's file cannot be written ({error.strerror}); choose an --output.") from None


def _cached(artifact: Artifact, precision: str) -> Path:
    return cache_directory() / artifact.info.version / file_name(precision)


def cache_directory() -> Path:
    """The user's cache of ours: `XDG_CACHE_HOME` or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "bertwatch"


def fingerprint(artifact: Artifact, precision: str) -> str:
    """What a file was made from, and by which form of the graph."""
    configuration = (artifact.path / "config.json").read_bytes()
    total = hashlib.sha256(f"{GRAPH_VERSION}:{precision}:{artifact.family}:{artifact.hashes.weights}:".encode())
    total.update(configuration)
    return total.hexdigest()


def make(artifact: Artifact, precision: str) -> bytes:
    """The file's content. Raises Unfit for a model that the graph does not cover, or without the package `onnx`."""
    try:
        from model.engines.onnx_graph import build_model
    except ImportError as error:
        raise Unfit(f"An ONNX file cannot be made ({error}); install the package onnx.") from error
    from model.engines.network import read_network

    network = read_network(artifact)
    padding = -1 if network.padding is None else network.padding
    facts = {FINGERPRINT: fingerprint(artifact, precision), PADDING: str(padding)}
    model = build_model(network, int8=precision == "int8", facts=facts)
    if sum(len(weight.raw_data) for weight in model.graph.initializer) > _MOST_BYTES:
        raise Unfit("The model is larger than an ONNX file may be.")
    return bytes(model.SerializeToString(deterministic=True))


def save(content: bytes, file: Path) -> Path:
    """The file, written under another name beside its place and then renamed. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    try:
        with unfinished.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        return unfinished.replace(file)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
