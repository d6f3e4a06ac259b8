"""Puts the application together: parts in, a FastAPI application out. No module-level application.

The routes stand in `routes/`, one file a subject; the door stands around all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.collector import StoredStateCollector, stored_state
from service.connection import ON_REFUSAL, TURN_AWAY
from service.door import Door
from service.errors import Broken, MethodNotAllowed, NotFound, Refused
from service.made_elsewhere import Recorder
from service.parts import Parts, RequestLimits
from service.readiness import Readiness
from service.routes import audit, docs, feedback, pages, predictions, recording, reports, watch
from service.routes.wire import SCHEMA_ROOT, PlainRoute
from service.schemas import (
    BatchRequest,
    FeedbackBatchRequest,
    FeedbackRequest,
    PredictRequest,
    ProblemDocument,
    RecordBatchRequest,
    RecordBody,
)
from service.status import Cached
from service.turnkeeper import Turnkeeper, Turnstile

DESCRIPTION = """
Serves a BERT text classifier, keeps a durable record of every answer, and says whether the model is still right.

A 200 from `/predict` means that the row is committed. Errors are problem documents (RFC 9457) of one shape, and
never quote the input. Of a JSON key that stands twice the last one counts; fields that are not known are refused, and
so is a byte-order mark.
"""


def create_app(parts: Parts) -> FastAPI:
    """The application. Its lifespan starts the predictor, and stops it when the last answer has left.

    `app.state.readiness` is what `server.serve` tells about the start and the end.
    """
    readiness = Readiness()
    app = _Application(
        title="bertwatch",
        version=parts.version,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(parts),
        exception_handlers={HTTPException: _as_problem},
    )
    app.router.route_class = PlainRoute
    app.state.readiness = readiness
    predictions.add(app, parts)
    recorder = Recorder(parts.log.append, parts.metrics)
    recording.add(app, parts, recorder)
    feedback.add(app, parts)
    audit.add(app, parts)
    watch.add(app, parts, readiness, recorder)
    reports.add(app, parts)
    pages.add(app, parts.pages)
    docs.add(app)
    _count(app, parts)
    _complete_openapi(app, parts.limits)
    turnstiles = {
        route.path: Turnstile(parts.predictor.refusal, route.endpoint)
        for route in app.routes
        if isinstance(route, PlainRoute) and route.path in predictions.PATHS
    }
    app.turnkeeper = Turnkeeper(turnstiles, parts.metrics, parts.keys, readiness)
    app.door = partial(Door, metrics=parts.metrics, keys=parts.keys, readiness=readiness, turnkeeper=app.turnkeeper)
    return app


class _Application(FastAPI):
    """FastAPI with the door alone around its router.

    FastAPI's own layers cost every request a fifth of its time in the event loop; what they do the door does (any
    error becomes a problem document), `body` does (its size), or nobody needs here (forms, telemetry).
    """

    door: Callable[[ASGIApp], Door]
    turnkeeper: Turnkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As Starlette's: FastAPI looks into the environment at every request, whether it is to be traced."""
        await Starlette.__call__(self, scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        return self.door(ExceptionMiddleware(self.router, handlers=dict(self.exception_handlers)))


def _lifespan(parts: Parts) -> Any:
    @asynccontextmanager
    async def lifespan(app: _Application) -> AsyncIterator[dict[str, Any]]:
        parts.predictor.start()
        try:
            yield {ON_REFUSAL: parts.metrics.problem, TURN_AWAY: app.turnkeeper}
        finally:
            await run_in_threadpool(parts.predictor.stop)

    return lifespan


async def _as_problem(_: Request, error: Any) -> Response:
    """What the router refuses, as one of ours; the door answers it."""
    if error.status_code == NotFound.status:
        raise NotFound
    if error.status_code == MethodNotAllowed.status:
        raise MethodNotAllowed(headers=[("allow", (error.headers or {}).get("Allow", ""))])
    raise Refused if error.status_code < 500 else Broken


def _count(app: FastAPI, parts: Parts) -> None:
    """Start every counter at 0, and export what the stores hold."""
    metrics, classifier = parts.metrics, parts.predictor.classifier
    routes = [route for route in app.routes if isinstance(route, PlainRoute)]
    metrics.know_routes((route.path, method) for route in routes for method in sorted(route.methods or ()))
    metrics.know_model(parts.model, classifier.engine, classifier.precision, parts.predictor.baseline_id)
    metrics.know_build(parts.version)
    metrics.registry.register(StoredStateCollector(Cached(lambda: stored_state(parts)).get))


def _complete_openapi(app: FastAPI, limits: RequestLimits) -> None:
    """FastAPI knows the models of answers; the bodies, which we read ourselves, limits and keys are added here."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            bodies = (
                PredictRequest, BatchRequest, RecordBody, FeedbackRequest, FeedbackBatchRequest, ProblemDocument,
            )  # fmt: skip
            _, schemas = models_json_schema(
                [(model, "validation") for model in bodies], ref_template=SCHEMA_ROOT + "{model}"
            )
            schemas["$defs"]["PredictRequest"]["properties"]["text"]["maxLength"] = limits.max_characters
            optional = schemas["$defs"]["RecordRequest"]["properties"]["text"]["anyOf"]
            optional[0]["maxLength"] = limits.max_characters
            for batch in (BatchRequest, RecordBatchRequest, FeedbackBatchRequest):
                schemas["$defs"][batch.__name__]["properties"]["items"]["maxItems"] = limits.max_batch_items
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(schemas["$defs"])
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"key": []}, {}]
            app.openapi_schema = document
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents
