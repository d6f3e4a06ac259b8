"""GET /audit: predictions to label, drawn at random; their labels come through /feedback as any others."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.audit import questions
from service.errors import FieldError, Forbidden, InvalidInput, LogUnavailable, Unauthorized
from service.parts import Parts
from service.routes.wire import gives, json_response
from service.store.nouns import Strategy

MOST = 500
_EXAMPLE = [
    {
        "prediction_id": "01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60",
        "text": "Shares fell for the third day",
        "label": "Business",
        "confidence": 0.97,
        "scores": {"World": 0.01, "Sports": 0.01, "Business": 0.97, "Sci/Tech": 0.01},
        "segment": None,
        "probability": 0.05,
    }
]
_COUNT = {"type": "integer", "minimum": 1, "maximum": MOST, "default": 20}
_STRATEGY = {"type": "string", "enum": [str(each) for each in Strategy], "default": str(Strategy.UNIFORM)}


def add(app: FastAPI, parts: Parts) -> None:
    @app.get(
        "/audit",
        tags=["labels"],
        summary="Which predictions to label",
        openapi_extra={
            "parameters": [
                {"name": "count", "in": "query", "required": False, "description": "How many.", "schema": _COUNT},
                {
                    "name": "strategy",
                    "in": "query",
                    "required": False,
                    "description": "uniform: all alike. uncertain: half of them rather where the model is unsure.",
                    "schema": _STRATEGY,
                },
            ]
        },
        responses=gives(
            200, None, _EXAMPLE, Unauthorized, Forbidden, InvalidInput, LogUnavailable, words="In random order."
        ),
    )
    async def audit(request: Request) -> Response:
        """A random sample of the unlabelled predictions of the accuracy window; fewer where there are fewer.

        The log keeps the probability with which each was drawn, and accuracy weights its label by it. What was asked
        before and is not labelled yet is asked again first. `text` is null where texts are not stored.
        """
        if request.headers.get("sec-fetch-site") == "cross-site":  # it may draw, so no other site may ask
            raise Forbidden
        count, strategy = _count(request), _strategy(request)
        asked = partial(questions, parts.log, parts.audits, parts.model.version, parts.clock())
        entries = await run_in_threadpool(asked, count=count, strategy=strategy)
        return json_response(entries)


def _count(request: Request) -> int:
    given = request.query_params.get("count", "20")
    count = int(given) if given.isascii() and given.isdigit() and len(given) <= 6 else 0
    if not 1 <= count <= MOST:
        raise InvalidInput(errors=[FieldError("count", f"is not a whole number from 1 to {MOST}")])
    return count


def _strategy(request: Request) -> Strategy:
    try:
        return Strategy(request.query_params.get("strategy", Strategy.UNIFORM))
    except ValueError:
        raise InvalidInput(errors=[FieldError("strategy", "is neither uniform nor uncertain")]) from None
