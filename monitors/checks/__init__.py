"""One check a file, none imports another; dropping a file in adds a check. Knows no check by name.

A module exposes one `CHECK` (a question about a window) or one `STREAM` (a sequential test). Modules whose name begins
with an underscore are shared ground.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from monitors.protocols import Check, Stream


def all_checks() -> list[Check]:
    """Every check of this folder, by name."""
    return sorted((module.CHECK for module in _modules() if hasattr(module, "CHECK")), key=lambda check: check.name)


def all_streams() -> list[Stream]:
    """Every sequential test of this folder, by name."""
    return sorted((module.STREAM for module in _modules() if hasattr(module, "STREAM")), key=lambda one: one.name)


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(__path__):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{__name__}.{found.name}")
