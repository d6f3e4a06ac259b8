"""The commands: `--help` answers at once, and none is written and then not listed."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import click

from service import commands
from service.cli import main

HEAVY = {"torch", "transformers", "numpy", "pandas", "scipy", "sqlalchemy", "fastapi", "httpx", "rich", "structlog"}


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    script = f"import sys; import service.cli; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_every_command_is_listed() -> None:
    def below(group: click.Group) -> list[click.Command]:
        inner = [found for each in group.commands.values() if isinstance(each, click.Group) for found in below(each)]
        return [*group.commands.values(), *inner]

    files = [
        importlib.import_module(f"service.commands.{each.name}") for each in pkgutil.iter_modules(commands.__path__)
    ]
    written = [each for file in files for each in vars(file).values() if isinstance(each, click.Command)]
    assert len(written) > 20
    assert [each.name for each in written if each not in below(main)] == []
