"""Engines by name. Adding an engine is adding a file `<name>_engine.py` with a function `open_engine(artifact)`;
a hyphen in a name is an underscore in its file.

Knows nothing of what an engine needs: its file is imported when it is asked for, and not before.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import model.engines
from model.artifact import Artifact
from model.engines import Engine, Unfit
from model.errors import InputError, SurroundingsError

_FASTEST_EXACT_FIRST = ("onnx", "torch")
"""What `auto` tries; a name that has no file, whose library is not installed or that does not run the model is passed
over."""
_SUFFIX = "_engine"
_NVIDIA = Path("/proc/driver/nvidia/version")


def engine_names() -> tuple[str, ...]:
    """Names of the engines that there are, sorted."""
    files = [module.name for module in pkgutil.iter_modules(model.engines.__path__)]
    return tuple(sorted(name.removesuffix(_SUFFIX).replace("_", "-") for name in files if name.endswith(_SUFFIX)))


def open_engine(name: str, artifact: Artifact) -> Engine:
    """The engine of this name over the artifact; `auto` takes the fastest exact one on this machine.

    Raises InputError for an unknown name, SurroundingsError where the engine's library is not installed, Unfit where
    it does not run this model.
    """
    names = engine_names()
    if name != "auto" and name not in names:
        raise InputError(f"There is no engine {name!r}; choose auto, {', '.join(names)}.")
    candidates = [name] if name != "auto" else [each for each in _fastest_exact_first() if each in names]
    reason = ""
    for candidate in candidates:
        try:
            engine: Engine = _module(candidate).open_engine(artifact)
        except ImportError as error:
            reason = f"engine {candidate} cannot be imported: {error}"
        except Unfit as error:
            if name != "auto":
                raise
            reason = f"engine {candidate}: {error}"
        else:
            return engine
    raise SurroundingsError(f"No engine can run here ({reason}); install its library or choose another engine.")


def export_engine(name: str, artifact: Artifact, output: Path | None) -> Path:
    """Write the file that an engine reads, into the directory `output` or where the engine looks for it.

    Raises InputError for an engine that needs none, and what `open_engine` raises.
    """
    try:
        module = _module(name) if name in engine_names() else None
    except ImportError as error:
        raise SurroundingsError(f"Engine {name} cannot be imported ({error}); install its library.") from error
    if module is None or not hasattr(module, "export_file"):
        raise InputError(f"Engine {name!r} has no file to make; choose onnx or onnx-int8.")
    file: Path = module.export_file(artifact, output)
    return file


def _fastest_exact_first() -> tuple[str, ...]:
    if _NVIDIA.exists():  # only then is it worth the seconds to ask torch whether it can compute there
        with contextlib.suppress(ImportError):  # without torch there is nothing to prefer
            if _module("torch").on_gpu():
                return ("torch", *(name for name in _FASTEST_EXACT_FIRST if name != "torch"))
    return _FASTEST_EXACT_FIRST


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"model.engines.{name.replace('-', '_')}{_SUFFIX}")
