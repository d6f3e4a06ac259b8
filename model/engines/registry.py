"""Engines by name. Adding an engine is adding a file `<name>_engine.py` with a function `open_engine(artifact)`.

Knows nothing of what an engine needs: its file is imported when it is asked for, and not before.
"""

from __future__ import annotations

import importlib
import pkgutil

import model.engines
from model.artifact import Artifact
from model.engines import Engine
from model.errors import InputError, SurroundingsError

_FASTEST_EXACT_FIRST = ("onnx", "torch")
"""What `auto` tries; a name that has no file, or whose library is not installed, is passed over."""
_SUFFIX = "_engine"


def engine_names() -> tuple[str, ...]:
    """Names of the engines that there are, sorted."""
    files = [module.name for module in pkgutil.iter_modules(model.engines.__path__)]
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def open_engine(name: str, artifact: Artifact) -> Engine:
    """The engine of this name over the artifact; `auto` takes the fastest exact one on this machine.

    Raises InputError for an unknown name, SurroundingsError where the engine's library is not installed.
    """
    names = engine_names()
    if name != "auto" and name not in names:
        raise InputError(f"There is no engine {name!r}; choose auto, {', '.join(names)}.")
    candidates = [name] if name != "auto" else [each for each in _FASTEST_EXACT_FIRST if each in names]
    reason = ""
    for candidate in candidates:
        try:
            module = importlib.import_module(f"model.engines.{candidate}_engine")
        except ImportError as error:
            reason = f"engine {candidate} cannot be imported: {error}"
            continue
        engine: Engine = module.open_engine(artifact)
        return engine
    raise SurroundingsError(f"No engine can run here ({reason}); install its library or choose another engine.")
