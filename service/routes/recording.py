"""POST /predictions: predictions made by a model that is served elsewhere enter the same log, windows and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from model.features import FEATURES, NEEDS_TOKENS, text_features
from model.prediction import PROJECTION_SIZE, ModelInfo, Prediction, Record
from service.body import read_body
from service.errors import (
    BodyTooLarge,
    FieldError,
    InvalidInput,
    LogUnavailable,
    NotFound,
    Stopping,
    Unauthorized,
    UnsupportedMedia,
)
from service.ids import uuid7
from service.kept import fingerprint, kept
from service.made_elsewhere import ELSEWHERE, UNKNOWN, NoPredictor, Recorder
from service.parts import Parts
from service.routes.wire import gives, json_response, takes
from service.schemas import (
    RecordAnswer,
    RecordBatchRequest,
    RecordBody,
    RecordRequest,
    read,
)
from service.store.nouns import NewLabel

SUM_TOLERANCE = 0.01
"""How far the scores of a row may be from summing to one, as in an evaluation."""
SECOND = 1_000_000
EARLIEST = 946_684_800 * SECOND
"""The year 2000: a time before it is a unit mistaken."""
AHEAD = 300 * SECOND
"""How far the clock of a caller may be ahead of ours."""

_PROBLEMS = (
    Unauthorized, NotFound, BodyTooLarge, UnsupportedMedia, InvalidInput, Stopping, LogUnavailable,
)  # fmt: skip
_CHURN = {
    "reference": "customer-4711",
    "features": {"tenure_months": 14, "monthly_charge": 79.5},
    "scores": {"stays": 0.31, "leaves": 0.69},
}
_NEWS = {
    "model_version": "3f2a9c1b7d4e",
    "time": "2026-01-05T09:30:00Z",
    "text": "Stocks rise as oil prices fall for a third day",
    "scores": {"World": 0.01, "Sports": 0.01, "Business": 0.97, "Sci/Tech": 0.01},
    "label": "Business",
}
_ANSWER = {
    "prediction_id": "01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60",
    "label": "leaves",
    "confidence": 0.69,
    "model_version": "9b1c44d02e7a",
}


def add(app: FastAPI, parts: Parts, recorder: Recorder) -> None:
    limits = parts.limits

    @app.post(
        "/predictions",
        tags=["predictions"],
        summary="Record what a model elsewhere has said",
        openapi_extra=takes(
            RecordBody,
            {"numbers and scores": _CHURN, "with text and label": _NEWS, "several": {"items": [_CHURN, _CHURN]}},
        ),
        responses=gives(
            200, RecordAnswer, _ANSWER, *_PROBLEMS, words="Committed to the log; `items` give `predictions`."
        ),
    )
    async def record(request: Request) -> Response:
        """The rows are committed before this answers; nothing is classified here.

        `scores` name every class of the model version, `features` any of its features. A label may come along, or
        later to `/feedback`. A request without an answer may have been recorded: sent again, it is recorded again.
        """
        body = await read_body(request, limits.max_body_bytes)
        asked = read(RecordBody, body, max_characters=limits.max_characters, max_items=limits.max_batch_items).root
        if not parts.predictor.accepting:
            raise Stopping
        if isinstance(asked, RecordBatchRequest):
            answers = await run_in_threadpool(_record, parts, recorder, asked.items, "items.")
            return json_response({"predictions": answers})
        [answer] = await run_in_threadpool(_record, parts, recorder, [asked], "")
        return json_response(answer)


def _record(parts: Parts, recorder: Recorder, items: Sequence[RecordRequest], place: str) -> list[dict[str, Any]]:
    """Commit all items, then their labels; the answers."""
    now = parts.clock()
    models = _models(parts, {item.model_version for item in items})
    errors: list[FieldError] = []
    records: list[Record] = []
    for at, item in enumerate(items):
        model = models[item.model_version]
        wrong = _faults(item, model, now)
        errors += [FieldError(f"{place}{at}.{field}" if place else field, reason) for field, reason in wrong]
        if not errors:
            records.append(_as_record(item, model, parts, now))
    if errors:
        raise InvalidInput(errors=errors)
    recorder.record(records)
    labels = [NewLabel(row.id, None, item.label) for row, item in zip(records, items, strict=True) if item.label]
    for outcome in parts.labels.add(labels, parts.clock()):
        parts.metrics.label_arrived(outcome.outcome, outcome.delay)
    return [
        {
            "prediction_id": str(row.id),
            "label": row.label,
            "confidence": row.prediction.confidence,
            "model_version": row.model_version,
        }
        for row in records
    ]


def _models(parts: Parts, versions: set[str | None]) -> Mapping[str | None, ModelInfo]:
    """What each version means. Raises a Problem for a version that is not known, and for none where a model is here."""
    models: dict[str | None, ModelInfo] = {}
    for version in versions:
        if version is None:
            if not isinstance(parts.predictor, NoPredictor):
                raise InvalidInput(errors=[FieldError("model_version", "is missing; this service has its own model")])
            models[version] = parts.model
            continue
        known = parts.model if version == parts.model.version else parts.log.known(version)
        if known is None:
            raise NotFound("No model of that version is known here; start `bertwatch monitor` with its baseline first.")
        models[version] = known
    return models


def _faults(item: RecordRequest, model: ModelInfo, now: int) -> list[tuple[str, str]]:
    """Fields and what is wrong with them, in words of ours."""
    faults = []
    if set(item.scores) != set(model.labels):
        faults.append(("scores", "do not name each class of the model once; /status lists them"))
    elif abs(sum(item.scores.values()) - 1) > SUM_TOLERANCE:
        faults.append(("scores", "do not sum to one"))
    if not set(item.features or ()) <= set(model.features):
        faults.append(("features", "hold a name that is no feature of the model; its baseline.json lists them"))
    if item.label is not None and item.label not in model.labels:
        faults.append(("label", "is not one of the model's labels; /status lists them"))
    if item.time is not None and not EARLIEST <= _microseconds(item) <= now + AHEAD:
        faults.append(("time", "lies before the year 2000 or in the future"))
    return faults


def _as_record(item: RecordRequest, model: ModelInfo, parts: Parts, now: int) -> Record:
    """The row of an item that has no fault."""
    time = now if item.time is None else _microseconds(item)
    scores = np.array([item.scores[label] for label in model.labels])
    served = model.version == parts.model.version
    cut_off = parts.cut_off if served else None
    label = int(scores.argmax()) if cut_off is None else int(cut_off.classes(scores[None])[0])
    return Record(
        id=uuid7(time),
        time=time,
        model_version=model.version,
        baseline_id=parts.predictor.baseline_id if served else None,
        engine=ELSEWHERE,
        precision=UNKNOWN,
        label=model.labels[label],
        prediction=Prediction(
            label=label,
            scores=(scores / scores.sum()).astype(np.float32),
            features=_features(item, model),
            projection=np.full(PROJECTION_SIZE, np.nan, np.float32),
            truncated=False,
        ),
        text=None if item.text is None else kept(item.text, parts.store_text),
        text_hash=0 if item.text is None else fingerprint(item.text, parts.store_text),
        reference=item.reference,
        segment=item.segment,
    )


def _features(item: RecordRequest, model: ModelInfo) -> NDArray[np.float32]:
    """By name as they came, otherwise read off the text, otherwise NaN."""
    known = {name: value for name, value in (item.features or {}).items() if value is not None}
    if item.text is not None and any(name in FEATURES for name in model.features):
        counted = text_features([item.text], None, None)[0]
        known = {name: float(counted[at]) for at, name in enumerate(FEATURES) if name not in NEEDS_TOKENS} | known
    return np.array([known.get(name, np.nan) for name in model.features], np.float32)


def _microseconds(item: RecordRequest) -> int:
    assert item.time is not None
    return round(item.time.timestamp() * SECOND)
