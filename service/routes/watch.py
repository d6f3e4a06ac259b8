"""GET /status, /status/history, /metrics, /livez, /readyz: how the service is, for people and for machines."""

from __future__ import annotations

from fastapi import FastAPI
from prometheus_client.exposition import choose_encoder
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from model.errors import BertwatchError
from service.errors import FieldError, InvalidInput, LogUnavailable, Stopping, Unauthorized
from service.made_elsewhere import Recorder
from service.parts import Parts
from service.readiness import Readiness
from service.routes.wire import gives, json_response
from service.status import Cached, history, status

MOST_HOURS = 24 * 366
_STATUS_EXAMPLE = {
    "model": {
        "version": "3f2a9c1b7d4e",
        "name": "news",
        "labels": ["World", "Sports", "Business", "Sci/Tech"],
        "engine": "torch",
        "precision": "fp32",
        "baseline": "9b1c44d02e7a",
    },
    "predictions": {
        "total": 3000,
        "last_hour": 412,
        "newest": "2026-01-05T09:30:00.000Z",
        "latency": {"p50": 0.012, "p99": 0.048},
    },
    "accuracy": {
        "value": 0.86,
        "low": 0.84,
        "high": 0.88,
        "labels": 1200,
        "coverage": 0.4,
        "lag_seconds": 5400.0,
        "baseline": 0.87,
    },
    "estimated_accuracy": None,
    "verdict": None,
    "checks": [],
    "episodes": [],
    "monitor": {"last_round": None, "interval_seconds": 300.0, "stale": True},
    "reports": [],
}
_HISTORY_EXAMPLE = {"points": [], "baseline": {"accuracy": 0.87, "class_mix": {"World": 0.25}}}


def add(app: FastAPI, parts: Parts, readiness: Readiness, recorder: Recorder) -> None:
    current = Cached(lambda: status(parts))

    @app.get(
        "/status",
        tags=["status"],
        summary="Is it right?",
        responses=gives(200, None, _STATUS_EXAMPLE, Unauthorized, LogUnavailable, words="null where nothing is known."),
    )
    async def get_status(request: Request) -> Response:
        """Accuracy with its interval, the verdict, the checks, episodes and reports; at most a second old."""
        return json_response(await run_in_threadpool(current.get))

    @app.get(
        "/status/history",
        tags=["status"],
        summary="How has it been?",
        openapi_extra={
            "parameters": [
                {
                    "name": "hours",
                    "in": "query",
                    "required": False,
                    "description": "How far back.",
                    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_HOURS, "default": 24},
                }
            ]
        },
        responses=gives(200, None, _HISTORY_EXAMPLE, Unauthorized, InvalidInput, LogUnavailable, words="Oldest first."),
    )
    async def get_history(request: Request) -> Response:
        """One point a round of checks, thinned evenly to at most 500."""
        hours = _hours(request)
        return json_response(await run_in_threadpool(history, parts, hours))

    @app.get(
        "/metrics",
        tags=["status"],
        summary="For Prometheus",
        responses={200: {"description": "Text exposition.", "content": {"text/plain": {}}}},
    )
    async def metrics(request: Request) -> Response:
        """This replica's counters, and the newest stored verdict."""
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        content = await run_in_threadpool(encoder, parts.metrics.registry)
        return Response(content, headers={"content-type": content_type})

    @app.get("/livez", tags=["probes"], summary="Is the process alive?", responses=gives(200, None, {"status": "ok"}))
    async def livez(request: Request) -> Response:
        """Answers as long as the process does; open to all."""
        return json_response({"status": "ok"})

    @app.get(
        "/readyz",
        tags=["probes"],
        summary="Should it get traffic?",
        responses=gives(200, None, {"status": "ok"}, Stopping, LogUnavailable),
    )
    async def readyz(request: Request) -> Response:
        """503 while it starts or stops, and while the log cannot be written; open to all."""
        if not readiness or not parts.predictor.accepting:
            raise Stopping
        if parts.predictor.log_failing or recorder.log_failing:
            await run_in_threadpool(_probe_log, parts, recorder)
        return json_response({"status": "ok"})


def _probe_log(parts: Parts, recorder: Recorder) -> None:
    """After a failed commit no traffic may come to try the next one, so readiness tries by itself."""
    try:
        parts.log.check_writable()
    except BertwatchError:
        raise LogUnavailable from None
    parts.predictor.log_recovered()
    recorder.log_recovered()


def _hours(request: Request) -> float:
    given = request.query_params.get("hours", "24")
    try:
        hours = float(given)
    except ValueError:
        hours = -1.0
    if not 0 < hours <= MOST_HOURS:
        raise InvalidInput(errors=[FieldError("hours", f"is not a number above 0 and up to {MOST_HOURS}")])
    return hours
