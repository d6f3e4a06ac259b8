"""What every route shares: plain endpoints, JSON answers, and the pieces of the OpenAPI document.

Endpoints take the request and give a response. FastAPI's own parsing answers 500 to NaN and to lone
surrogates and quotes the input in its 422, so bodies go through `schemas.read`; FastAPI documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from service.errors import MEDIA_TYPE, Problem
from service.schemas import ProblemDocument

SCHEMA_ROOT = "#/components/schemas/"


class PlainRoute(APIRoute):
    """A route whose endpoint is called with the request as it is."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]  # a coroutine function is enough for Starlette
        endpoint: Callable[[Request], Awaitable[Response]] = self.endpoint
        return endpoint


def json_response(content: Any, status: int = 200) -> Response:
    """UTF-8 JSON; NaN and infinities become null."""
    return Response(to_json(content, inf_nan_mode="null"), status, media_type="application/json")


def takes(model: type[BaseModel], examples: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads a JSON body."""
    named = {name: {"value": value} for name, value in examples.items()}
    schema = {"$ref": SCHEMA_ROOT + model.__name__}
    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": schema, "examples": named}}}
    }


def gives(
    status: int, model: type[BaseModel] | None, example: Any, *problems: type[Problem], words: str = "Done."
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its answer with an example, and the problems that it knows."""
    content = {"application/json": {"example": example}}
    answer: dict[str, Any] = {"description": words, "content": content}
    if model is not None:
        answer["model"] = model
    return {status: answer, **_problems(problems)}


def _problems(problems: tuple[type[Problem], ...]) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {}
    for problem in problems:
        example = {
            "type": f"urn:bertwatch:problem:{problem.slug}",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail_by_default,
        }
        known = found.setdefault(
            problem.status, {"description": problem.title + ".", "content": {MEDIA_TYPE: {"examples": {}}}}
        )
        media = known["content"][MEDIA_TYPE]
        media["schema"] = {"$ref": SCHEMA_ROOT + ProblemDocument.__name__}
        media["examples"][problem.slug] = {"value": example}
    return found
