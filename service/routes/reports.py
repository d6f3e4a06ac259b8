"""GET and POST /reports, GET /reports/{id}: the monitor makes reports, this lists, asks for and shows them.

A report is HTML with scripts of its own; it is served into a sandbox (`security.REPORT_HEADERS`).
"""

from __future__ import annotations

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.errors import Forbidden, LogUnavailable, NotFound, Unauthorized
from service.parts import Parts
from service.routes.wire import gives, json_response
from service.schemas import ReportList, ReportResponse
from service.security import REPORT_HEADERS
from service.status import MOST_REPORTS, report_entry

_ENTRY = {
    "id": "r-20260105-093000",
    "asked": "2026-01-05T09:30:00.000Z",
    "made": "2026-01-05T09:30:21.500Z",
    "episode": None,
    "state": "made",
}


def add(app: FastAPI, parts: Parts) -> None:
    @app.get(
        "/reports",
        tags=["reports"],
        summary="List drift reports",
        responses=gives(
            200, ReportList, {"reports": [_ENTRY]}, Unauthorized, LogUnavailable, words="The newest first."
        ),
    )
    async def list_reports(request: Request) -> Response:
        rows = await run_in_threadpool(parts.reports.listed, parts.model.version, MOST_REPORTS)
        return json_response({"reports": [report_entry(row) for row in rows]})

    @app.post(
        "/reports",
        status_code=202,
        tags=["reports"],
        summary="Ask for a drift report",
        responses=gives(
            202,
            ReportResponse,
            {"id": _ENTRY["id"], "href": f"/reports/{_ENTRY['id']}"},
            Unauthorized,
            Forbidden,
            LogUnavailable,
            words="Asked for; the monitor makes it.",
        ),
    )
    async def ask_report(request: Request) -> Response:
        """Of the newest window. While one waits, asking again names the same one. A body is not read."""
        if request.headers.get("sec-fetch-site") == "cross-site":  # the one POST that needs no JSON content type
            raise Forbidden
        report = await run_in_threadpool(parts.reports.ask, parts.model.version, parts.clock(), None)
        return json_response({"id": report, "href": f"/reports/{report}"}, 202)

    @app.get(
        "/reports/{report}",
        tags=["reports"],
        summary="Show a drift report",
        openapi_extra={
            "parameters": [{"name": "report", "in": "path", "required": True, "schema": {"type": "string"}}]
        },
        responses={200: {"description": "A page.", "content": {"text/html": {}}}, **gives_not_found()},
    )
    async def show_report(request: Request) -> Response:
        """404 while it is not made."""
        report = request.path_params["report"]
        html = await run_in_threadpool(parts.reports.html, report)
        if html is None:
            raise NotFound("There is no such report, or it is not made yet; /reports lists them.")
        response = Response(html, media_type="text/html")
        response.raw_headers.extend(REPORT_HEADERS)
        return response


def gives_not_found() -> dict[int | str, dict[str, object]]:
    return {
        status: answer for status, answer in gives(200, None, None, NotFound, Unauthorized).items() if status != 200
    }
