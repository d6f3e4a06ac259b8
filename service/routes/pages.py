"""GET / and /pages/…: the status page's own files, read once, served with a strict Content-Security-Policy.

Knows nothing of what the pages show. A request can only name a file that was found at the start.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from service.errors import NotFound
from service.security import PAGE_HEADERS

_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    type: str
    tag: str


def add(app: FastAPI, pages: Path) -> None:
    files = {path.relative_to(pages).as_posix(): _load(path) for path in sorted(pages.rglob("*")) if path.is_file()}

    @app.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        return _serve(request, files.get("index.html"))

    @app.get("/pages/{name:path}", include_in_schema=False)
    async def asset(request: Request) -> Response:
        return _serve(request, files.get(request.path_params["name"]))


def _load(path: Path) -> _File:
    content = path.read_bytes()
    media = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(content, media, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _serve(request: Request, file: _File | None) -> Response:
    if file is None:
        raise NotFound
    if request.headers.get("if-none-match") == file.tag:
        response = Response(status_code=304)
    else:
        response = Response(file.content, media_type=file.type)
    response.headers["etag"] = file.tag
    response.raw_headers.extend(PAGE_HEADERS)
    return response
