"""A real server on a free port around the stand-in classifier and a real SQLite log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api import create_app
from service.readiness import Readiness
from service.server import Server, bind
from service.store.database import open_database
from tests.api.stand_in import House


@dataclass
class Service:
    """A running service, from the outside (`client`, `port`) and from the inside (`house`)."""

    house: House
    client: httpx.Client
    port: int
    server: Server
    readiness: Readiness
    thread: threading.Thread

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.client.post(path, json=body, headers=headers)

    def stop(self) -> None:
        self.server.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


@contextmanager
def serving(house: House) -> Iterator[Service]:
    app = create_app(house.parts)
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    ready = threading.Event()
    server = Server(app, app.state.readiness, ready.set, settle=0.05)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    assert ready.wait(20)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        service = Service(house, client, port, server, app.state.readiness, thread)
        try:
            yield service
        finally:
            house.classifier.open.set()
            service.stop()


@contextmanager
def new_house(directory: Path, url: str | None = None, **options: Any) -> Iterator[House]:
    """`url`: of a database; without it SQLite in the directory."""
    pages = directory / "pages"
    (pages / "charts").mkdir(parents=True, exist_ok=True)
    (pages / "index.html").write_text("<!doctype html><title>status</title>")
    (pages / "app.js").write_text("export const answer = 42;")
    (pages / "charts" / "line.js").write_text("export const line = 1;")
    with open_database(url or f"sqlite:///{directory}/log.db") as database:
        yield House(database, pages, **options)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a service with options of a test's own; stopped at its end."""
    with ExitStack() as stack:

        def begin(name: str = "service", **options: Any) -> Service:
            directory = tmp_path / name
            directory.mkdir()
            house = stack.enter_context(new_house(directory, **options))
            return stack.enter_context(serving(house))

        yield begin


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for a whole module; its tests leave it as they found it, but for rows."""
    with new_house(tmp_path_factory.mktemp("service")) as house, serving(house) as running:
        yield running
