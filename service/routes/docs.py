"""GET /openapi.json and /docs: the OpenAPI document as a page, without scripts and without anything from elsewhere.

FastAPI's own page loads its scripts from a network that may not be there and that our
Content-Security-Policy forbids.
"""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from service.routes.wire import json_response
from service.security import PAGE_HEADERS


def add(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        response = Response(render(app.openapi()), media_type="text/html")
        response.raw_headers.extend(PAGE_HEADERS)
        return response

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        return json_response(app.openapi())


def render(document: dict[str, Any]) -> str:
    """The page. Everything in it comes from the document, and is escaped all the same."""
    info = document["info"]
    operations = [
        (path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()
    ]
    listed = "".join(
        f'<li><a href="#{_anchor(path, method)}"><code>{method.upper()} {escape(path)}</code></a> '
        f"{escape(operation.get('summary', ''))}</li>"
        for path, method, operation in operations
    )
    sections = "".join(_section(path, method, operation) for path, method, operation in operations)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>bertwatch: HTTP</title>'
        '<link rel="icon" href="/pages/favicon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/pages/style.css">'
        '<link rel="stylesheet" href="/pages/docs.css"></head><body><main class="docs">'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>{_paragraphs(info.get('description', ''))}"
        '<p>For machines: <a href="/openapi.json"><code>/openapi.json</code></a>. '
        'For people: <a href="/">the status page</a>.</p>'
        f"<ul>{listed}</ul>{sections}</main></body></html>\n"
    )


def _section(path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<section id="{_anchor(path, method)}"><h2><code>{method.upper()} {escape(path)}</code></h2>',
        f"<p><strong>{escape(operation.get('summary', ''))}.</strong></p>",
        _paragraphs(operation.get("description", "")),
    ]
    for name, example in _examples(operation.get("requestBody", {})):
        parts.append(f"<h3>Send {escape(name)}</h3>{_json(example)}")
    for status, answer in operation.get("responses", {}).items():
        shown = "".join(_json(example) for _, example in _examples(answer))
        title = f"{escape(status)} · {escape(answer.get('description', ''))}"
        # What went well is in sight, what may go wrong is one click away.
        parts.append(
            f"<h3>{title}</h3>{shown}" if status < "4" else f"<details><summary>{title}</summary>{shown}</details>"
        )
    return "".join(parts) + "</section>"


def _examples(holder: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for media in holder.get("content", {}).values():
        if media.get("example") is not None:
            found.append(("", media["example"]))
        found += [(name, example["value"]) for name, example in media.get("examples", {}).items()]
    return found


def _json(value: Any) -> str:
    return f"<pre><code>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</code></pre>"


def _paragraphs(text: str) -> str:
    """Paragraphs of Markdown, of which our own words use no more than `code`."""
    parts = (escape(part.strip()) for part in text.split("\n\n") if part.strip())
    return "".join("<p>" + re.sub("`([^`]+)`", r"<code>\1</code>", part) + "</p>" for part in parts)


def _anchor(path: str, method: str) -> str:
    return escape((method + path).replace("/", "-").replace("{", "").replace("}", ""))
