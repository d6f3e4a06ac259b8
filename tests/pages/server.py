"""A small real server for the status page: its files under the strict policy, and canned answers beside them.

Stands in for service/api.py; a test sets what it says, asks for a key, or silences it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.pages.states import State, state

PAGES = Path(__file__).parents[2] / "service" / "pages"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
REPORT = b"<!doctype html><title>Report</title><h1>The report</h1>"


@dataclass
class Service:
    """What a test may change while the page looks."""

    url: str = ""
    now: State = field(default_factory=lambda: state("ok"))
    key: str | None = None
    down: bool = False
    history_down: bool = False
    refuse_reports: bool = False
    asked: list[str] = field(default_factory=list)
    audit: list[dict[str, Any]] = field(default_factory=list)
    """What GET /audit asks for, in this order, as long as it is not labelled."""
    labels: dict[str, list[str]] = field(default_factory=dict)
    """What POST /feedback has brought, by prediction."""
    erased: set[str] = field(default_factory=set)


class _Answers(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        path = self.path.split("?", maxsplit=1)[0]
        self.service.asked.append(self.path)
        if path == "/" or path.startswith("/pages/"):
            self._file("index.html" if path == "/" else path.removeprefix("/pages/"))
        elif self._refused(path):
            pass
        elif path == "/status":
            self._json(200, self.service.now.status)
        elif path == "/audit":
            self._audit()
        elif path == "/status/history":
            self._json(200, self.service.now.history)
        elif path.startswith("/reports/"):
            self._send(200, "text/html; charset=utf-8", REPORT)
        else:
            self._json(404, {"title": "Not found"})

    def do_POST(self) -> None:
        self.service.asked.append(f"POST {self.path}")
        if self._refused(self.path):
            return
        if self.path == "/feedback":
            self._feedback()
            return
        if self.service.refuse_reports:
            self._json(409, {"title": "Conflict", "detail": "There is no baseline to compare with."})
            return
        asked = {"id": "asked-now", "asked": "2026-11-21T10:00:00Z", "made": None, "episode": None, "state": "waiting"}
        self.service.now.status["reports"].insert(0, asked)
        self._json(202, asked)

    def _audit(self) -> None:
        """As the service does: what was asked and is not labelled comes first, and then what comes next."""
        wanted = int(self.path.rpartition("=")[2])
        open_ones = [each for each in self.service.audit if each["prediction_id"] not in self.service.labels]
        self._json(200, open_ones[:wanted])

    def _feedback(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Content-Type"] != "application/json":
            self._json(415, {"title": "Unsupported"})
        elif body["prediction_id"] in self.service.erased:
            self._json(404, {"title": "Not found", "detail": "No prediction has that id or reference."})
        else:
            self.service.labels.setdefault(body["prediction_id"], []).append(body["label"])
            self._json(200, {"outcome": "stored"})

    def _refused(self, path: str) -> bool:
        """A dead service closes the connection; one with a key answers 401."""
        if self.service.down:
            self.close_connection = True
            self.connection.close()
            return True
        if self.service.history_down and path == "/status/history":
            self._json(503, {"title": "Busy", "detail": "The log is busy."})
            return True
        if self.service.key and self.headers.get("Authorization") != f"Bearer {self.service.key}":
            self._json(401, {"title": "Unauthorized", "status": 401})
            return True
        return False

    def _file(self, name: str) -> None:
        file = PAGES / name
        if not file.is_file():
            self._json(404, {"title": "Not found"})
            return
        self._send(200, TYPES[file.suffix], file.read_bytes())

    def _json(self, status: int, body: Any) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, media: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the browser asks every few seconds."""


@contextmanager
def serve_pages(name: str = "ok") -> Iterator[Service]:
    """The page and its data on a free port of the loopback, until the block ends."""
    service = Service(now=state(name))
    answers = type("Answers", (_Answers,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        service.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
