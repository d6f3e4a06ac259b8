"""POST /feedback and /feedback/batch: labels that arrive late; the latest wins, the history is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.body import read_body
from service.errors import (
    BodyTooLarge,
    FieldError,
    InvalidInput,
    LogUnavailable,
    NotFound,
    Unauthorized,
    UnsupportedMedia,
)
from service.parts import Parts
from service.routes.wire import gives, json_response, takes
from service.schemas import FeedbackBatchRequest, FeedbackBatchResponse, FeedbackRequest, FeedbackResponse, read
from service.store.nouns import LabelOutcome, NewLabel, Outcome

_PROBLEMS = (Unauthorized, BodyTooLarge, UnsupportedMedia, InvalidInput, LogUnavailable)
_BY_ID = {"prediction_id": "01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60", "label": "Business"}
_BY_REFERENCE = {"reference": "article-4711", "label": "Business"}
_ANSWER = {"prediction_id": _BY_ID["prediction_id"], "reference": None, "outcome": "stored"}


def add(app: FastAPI, parts: Parts) -> None:
    limits = parts.limits

    @app.post(
        "/feedback",
        tags=["labels"],
        summary="Say what was right",
        openapi_extra=takes(FeedbackRequest, {"by id": _BY_ID, "by your own reference": _BY_REFERENCE}),
        responses=gives(200, FeedbackResponse, _ANSWER, *_PROBLEMS, NotFound, words="The label is committed."),
    )
    async def feedback(request: Request) -> Response:
        """`stored`, `corrected` (an earlier label said otherwise) or `repeated` (the same again, nothing changes).

        It may be sent again, however late and in any order: of one prediction's labels the latest to arrive counts.
        """
        body = await read_body(request, limits.max_body_bytes)
        asked = read(FeedbackRequest, body, max_characters=limits.max_characters, max_items=limits.max_batch_items)
        [outcome] = await _store(parts, [asked])
        if outcome.outcome is Outcome.UNKNOWN_PREDICTION:
            raise NotFound("No prediction has that id or reference.")
        if outcome.outcome is Outcome.UNKNOWN_LABEL:
            raise InvalidInput(errors=[FieldError("label", "is not one of the model's labels; /status lists them")])
        return json_response(_result(asked, outcome))

    @app.post(
        "/feedback/batch",
        tags=["labels"],
        summary="Say what was right, many times",
        openapi_extra=takes(FeedbackBatchRequest, {"two labels": {"items": [_BY_ID, _BY_REFERENCE]}}),
        responses=gives(200, FeedbackBatchResponse, {"results": [_ANSWER]}, *_PROBLEMS, words="An outcome for each."),
    )
    async def feedback_batch(request: Request) -> Response:
        """Each label has its own outcome, also `unknown_prediction` and `unknown_label`; the others are committed."""
        body = await read_body(request, limits.max_body_bytes)
        asked = read(FeedbackBatchRequest, body, max_characters=limits.max_characters, max_items=limits.max_batch_items)
        outcomes = await _store(parts, asked.items)
        results = [_result(item, outcome) for item, outcome in zip(asked.items, outcomes, strict=True)]
        return json_response({"results": results})


async def _store(parts: Parts, asked: Sequence[FeedbackRequest]) -> Sequence[LabelOutcome]:
    labels = [NewLabel(each.prediction_id, each.reference, each.label) for each in asked]
    outcomes = await run_in_threadpool(parts.labels.add, labels, parts.clock())
    for outcome in outcomes:
        parts.metrics.label_arrived(outcome.outcome, outcome.delay)
    return outcomes


def _result(asked: FeedbackRequest, outcome: LabelOutcome) -> dict[str, Any]:
    known = outcome.prediction_id or asked.prediction_id
    return {"prediction_id": known, "reference": asked.reference, "outcome": outcome.outcome}
