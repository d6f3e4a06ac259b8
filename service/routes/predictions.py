"""POST /predict and /predict/batch: a 200 means that the row is committed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from model.prediction import ModelInfo, Record
from service.body import read_body, wanted_timeout
from service.connection import ON_DISCONNECT
from service.door import PREDICTION
from service.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    InvalidInput,
    LogUnavailable,
    NoModelHere,
    Overloaded,
    Stopping,
    Unauthorized,
    UnsupportedMedia,
)
from service.parts import Parts
from service.routes.wire import gives, json_response, takes
from service.schemas import BatchRequest, BatchResponse, PredictRequest, PredictResponse, read
from service.tickets import Item

_PROBLEMS = (
    Unauthorized, NoModelHere, BodyTooLarge, UnsupportedMedia, InvalidInput, Overloaded, DeadlineExceeded, Stopping,
    LogUnavailable,
)  # fmt: skip
_QUESTION = {
    "text": "Stocks rise as oil prices fall for a third day",
    "reference": "article-4711",
    "segment": "newsletter",
}
_ANSWER = {
    "prediction_id": "01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60",
    "label": "Business",
    "confidence": 0.97,
    "scores": {"World": 0.01, "Sports": 0.01, "Business": 0.97, "Sci/Tech": 0.01},
    "model_version": "3f2a9c1b7d4e",
    "truncated": False,
}

PATHS = ("/predict", "/predict/batch")
"""What the door may refuse unread while the queue is full."""


def add(app: FastAPI, parts: Parts) -> None:
    limits = parts.limits

    @app.post(
        "/predict",
        tags=["predictions"],
        summary="Classify one text",
        openapi_extra=takes(PredictRequest, {"a text": {"text": _QUESTION["text"]}, "with its context": _QUESTION}),
        responses=gives(200, PredictResponse, _ANSWER, *_PROBLEMS, words="Classified, and committed to the log."),
    )
    async def predict(request: Request) -> Response:
        """The row is committed before this answers: what got a 200 is in the log.

        `X-Request-Timeout` (seconds) shortens the time that the request may wait.
        """
        body = await read_body(request, limits.max_body_bytes)
        asked = read(PredictRequest, body, max_characters=limits.max_characters, max_items=limits.max_batch_items)
        [record] = await _classify(request, parts, [Item(asked.text, asked.reference, asked.segment)])
        return json_response(_answer(record, parts.model))

    @app.post(
        "/predict/batch",
        tags=["predictions"],
        summary="Classify several texts",
        openapi_extra=takes(BatchRequest, {"two texts": {"items": [{"text": _QUESTION["text"]}, _QUESTION]}}),
        responses=gives(
            200, BatchResponse, {"predictions": [_ANSWER]}, *_PROBLEMS, words="All classified, and all committed."
        ),
    )
    async def predict_batch(request: Request) -> Response:
        """Committed and answered together or not at all; answers stand in the order of the items."""
        body = await read_body(request, limits.max_body_bytes)
        asked = read(BatchRequest, body, max_characters=limits.max_characters, max_items=limits.max_batch_items)
        items = [Item(each.text, each.reference, each.segment) for each in asked.items]
        records = await _classify(request, parts, items)
        return json_response({"predictions": [_answer(record, parts.model) for record in records]})


async def _classify(request: Request, parts: Parts, items: Sequence[Item]) -> list[Record]:
    ticket = parts.predictor.submit(items, wanted_timeout(request))
    request.scope[ON_DISCONNECT] = ticket.abandon
    try:
        records = await ticket.answer()
        request.scope[PREDICTION] = records[0].id
        return records
    finally:
        del request.scope[ON_DISCONNECT]


def _answer(record: Record, model: ModelInfo) -> dict[str, Any]:
    scores = record.prediction.scores.tolist()
    return {
        "prediction_id": str(record.id),
        "label": record.label,
        "confidence": scores[record.prediction.label],
        "scores": dict(zip(model.labels, scores, strict=True)),
        "model_version": record.model_version,
        "truncated": record.prediction.truncated,
    }
