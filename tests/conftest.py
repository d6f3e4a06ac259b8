"""Fixtures that every room may use: the tiny model and its baseline, made once a run; free ports."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
for _name in [name for name in os.environ if name.startswith("BERTWATCH_")]:
    del os.environ[_name]


@pytest.fixture(scope="session", autouse=True)
def _cache_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files that engines make of foreign models stand in the run's own directory, and not in the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def plain_log_lines() -> Iterator[None]:
    """A command that ran inside this process leaves no configuration of log lines behind."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def free_port() -> int:
    return take_port()


def take_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def bertwatch(*arguments: str | Path | int, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, **environment},
    )


def _made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The directory `name`, made by the first of the parallel test processes that asks for it."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared
    path = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            make(path)
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bertwatch train --dataset sample --base-model tiny`, as the demo does."""

    def make(path: Path) -> None:
        done = bertwatch("train", "--dataset", "sample", "--base-model", "tiny", "--output", path)
        assert done.returncode == 0, done.stderr

    return _made_once(tmp_path_factory, "tiny-model", make)


@pytest.fixture(scope="session")
def tiny_baseline(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """`bertwatch baseline --dataset sample` of the tiny model."""

    def make(path: Path) -> None:
        done = bertwatch("baseline", "--model", tiny_model, "--dataset", "sample", "--output", path)
        assert done.returncode == 0, done.stderr

    return _made_once(tmp_path_factory, "tiny-baseline", make)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'log.db'}"
