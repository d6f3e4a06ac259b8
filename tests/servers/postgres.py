"""A real PostgreSQL server for tests, in a directory of its own, reached through a Unix socket.

PostgreSQL refuses to run as root; there it runs as the system's `postgres`, or as `nobody`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_SECONDS = 60


class PostgresServer:
    """One cluster: `start`, `stop` and `kill` as often as a test likes. `url` stays the same."""

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self.directory = directory
        """Of its data, its socket and its log; gone with it."""
        self._data = directory / "data"
        self._programs = find_programs()
        self._account: dict[str, Any] = _account()
        self._process: subprocess.Popen[bytes] | None = None
        self._options = [] if durable else ["-F"]  # no fsync: the machine will not lose power during a test
        self.url = f"postgresql+psycopg://tester@/postgres?host={directory}"
        """Of the database `postgres`; the user may create others."""
        self.own(directory)
        self._run("initdb", "-D", str(self._data), "-U", "tester", "-E", "UTF8", "--locale=C", "-A", "trust", "-N")

    def start(self) -> None:
        """Ready when it returns. After `kill` it is tried again while children of the killed one are still ending."""
        deadline = time.monotonic() + START_SECONDS
        self._launch()
        while self._ready() != 0:
            assert self._process is not None
            ended = self._process.poll() is not None
            log = (self.directory / "server.log").read_text()
            if time.monotonic() > deadline or (ended and "shared memory block" not in log[-1000:]):
                raise RuntimeError("PostgreSQL did not start:\n" + log)
            time.sleep(0.05)
            if ended:
                self._launch()

    def _launch(self) -> None:
        listen = ["-c", "listen_addresses=", "-k", str(self.directory)]
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *listen, *self._options],
                stdout=log, stderr=log, cwd=self.directory, **self._account,
            )  # fmt: skip

    def stop(self) -> None:
        """End it in order; connections are closed from its side."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as the kernel would when memory is short; its children notice by themselves."""
        self._end(signal.SIGKILL)

    def new_database(self, name: str) -> str:
        """The URL of a new, empty database."""
        self._run("createdb", "-h", str(self.directory), "-U", "tester", name)
        return self.url.replace("/postgres?", f"/{name}?")

    def own(self, directory: Path) -> None:
        """Give a directory to the user that the server runs as."""
        if self._account:
            shutil.chown(directory, self._account["user"], self._account["group"])

    @property
    def pid(self) -> int:
        """Of the postmaster."""
        assert self._process is not None
        return self._process.pid

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def _ready(self) -> int:
        asked = [self._programs / "pg_isready", "-q", "-h", self.directory]
        return subprocess.run(asked, check=False).returncode

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True, text=True, check=False, cwd=self.directory, **self._account,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")


@contextlib.contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[str]:
    """Start a server of one's own, yield its URL, and take it away again."""
    with running_postgres(durable=durable) as server:
        yield server.url


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """As `postgres_server`, for tests that stop or kill it."""
    directory = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path may have 107 characters
    try:
        server = PostgresServer(directory, durable=durable)
        server.start()
        try:
            yield server
        finally:
            server._end(signal.SIGQUIT)  # at once: nothing of its data is kept
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def find_programs() -> Path:
    """The newest PostgreSQL of the system. Debian keeps its server programs off the PATH."""
    on_path = shutil.which("postgres")
    found = [Path(on_path).parent] if on_path else []
    found += [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not found:
        raise RuntimeError("These tests need a PostgreSQL server: apt-get install postgresql")
    return max(found, key=lambda path: [int(part) for part in path.parts if part.isdigit()])


def _account() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
