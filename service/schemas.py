"""What the wire looks like: the bodies that callers send, the answers that they get.

Knows nothing of stores or routes. `read` turns bytes into a body or into InvalidInput, in words of ours:
pydantic's own messages quote the input, and so never leave this file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from service.errors import FieldError, InvalidInput
from service.store.nouns import Outcome

MOST_REFERENCE = 256
MOST_SEGMENT = 64
MOST_LABEL = 256


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise PydanticCustomError("nul", "holds a NUL character")
    return value


def _a_text(value: str, info: ValidationInfo) -> str:
    """Not empty, not longer than `max_characters` (passed in as context), without NUL."""
    if not value.strip():
        raise PydanticCustomError("empty_text", "is empty")
    limit = (info.context or {}).get("max_characters")
    if limit is not None and len(value) > limit:
        raise PydanticCustomError("long_text", "is longer than {limit} characters", {"limit": limit})
    return _no_nul(value)


def _a_number_of_items(value: list[Any], info: ValidationInfo) -> list[Any]:
    """At least one, not more than `max_items` (passed in as context)."""
    if not value:
        raise PydanticCustomError("no_items", "holds no item")
    limit = (info.context or {}).get("max_items")
    if limit is not None and len(value) > limit:
        raise PydanticCustomError("many_items", "holds more than {limit} items", {"limit": limit})
    return value


# What our validators check, for readers of the schema.
_NO_NUL = {"pattern": r"^[^\u0000]*$"}
_A_TEXT = {"minLength": 1, "pattern": r"^[^\u0000]*\S[^\u0000]*$"}

Text = Annotated[
    str,
    AfterValidator(_a_text),
    Field(description="The text to classify; not empty.", json_schema_extra={**_A_TEXT}),
]
Reference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_REFERENCE,
        description="Your own key; labels may name it later.",
        json_schema_extra={**_NO_NUL},
    ),
    AfterValidator(_no_nul),
]
Segment = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_SEGMENT,
        description="A slice of the traffic: a customer, a channel.",
        json_schema_extra={**_NO_NUL},
    ),
    AfterValidator(_no_nul),
]
LabelName = Annotated[
    str,
    Field(
        min_length=1, max_length=MOST_LABEL, description="The true class, by its name.", json_schema_extra={**_NO_NUL}
    ),
    AfterValidator(_no_nul),
]


class _Body(BaseModel):
    """Fields that we do not know are errors: a misspelt `reference` must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PredictRequest(_Body):
    """One text."""

    text: Text
    reference: Reference | None = None
    segment: Segment | None = None


class BatchRequest(_Body):
    """Several texts; they are recorded and answered together or not at all."""

    items: Annotated[list[PredictRequest], AfterValidator(_a_number_of_items), Field(json_schema_extra={"minItems": 1})]


class FeedbackRequest(_Body):
    """The true label of one prediction, named by its id or by your own reference."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [one], "properties": {one: {"type": "string"}, other: {"type": "null"}}}
                for one, other in (("prediction_id", "reference"), ("reference", "prediction_id"))
            ]
        }
    )

    prediction_id: UUID | None = None
    reference: Reference | None = None
    label: LabelName

    @model_validator(mode="after")
    def _one_name(self) -> FeedbackRequest:
        if (self.prediction_id is None) == (self.reference is None):
            raise PydanticCustomError("one_name", "needs prediction_id or reference, and not both")
        return self


class FeedbackBatchRequest(_Body):
    """Labels of several predictions; each has an outcome of its own."""

    items: Annotated[
        list[FeedbackRequest], AfterValidator(_a_number_of_items), Field(json_schema_extra={"minItems": 1})
    ]


class PredictResponse(BaseModel):
    """A prediction that stands in the log."""

    prediction_id: UUID
    label: str
    confidence: float
    scores: dict[str, float]
    model_version: str
    truncated: bool


class BatchResponse(BaseModel):
    """Predictions in the order of the items."""

    predictions: list[PredictResponse]


class FeedbackResponse(BaseModel):
    """What became of one label."""

    prediction_id: UUID | None
    reference: str | None
    outcome: Outcome


class FeedbackBatchResponse(BaseModel):
    """Outcomes in the order of the items."""

    results: list[FeedbackResponse]


class ReportResponse(BaseModel):
    """Where a report will stand."""

    id: str
    href: str


class ReportEntry(BaseModel):
    """One report. Times are ISO 8601, UTC."""

    id: str
    asked: str
    made: str | None
    episode: str | None
    state: Literal["waiting", "made", "failed"]


class ReportList(BaseModel):
    reports: list[ReportEntry]


class ProblemDocument(BaseModel):
    """RFC 9457. `errors` stands where fields are at fault. Never quotes the input."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


Body = TypeVar("Body", bound=BaseModel)


def read(model: type[Body], body: bytes, *, max_characters: int, max_items: int) -> Body:
    """Parse and validate a JSON body. Raises InvalidInput, which names fields and reasons and quotes nothing.

    Of a key that stands twice, the last one counts; a byte-order mark is no JSON.
    """
    try:
        return model.model_validate_json(body, context={"max_characters": max_characters, "max_items": max_items})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    raise _invalid(details)


_REASONS = {
    "missing": "is missing",
    "string_type": "is not a string",
    "list_type": "is not an array",
    "model_type": "is not an object",
    "string_unicode": "is not valid Unicode",
    "string_too_short": "is empty",
    "extra_forbidden": "holds a field that is not known here",
    "uuid_parsing": "is not a UUID",
    "uuid_type": "is not a UUID",
}
_OURS = ("nul", "empty_text", "long_text", "no_items", "many_items", "one_name")


def _invalid(details: list[ErrorDetails]) -> InvalidInput:
    if details[0]["type"] == "json_invalid":
        return InvalidInput("The body is not valid JSON in UTF-8.")
    return InvalidInput(errors=[FieldError(_place(detail), _reason(detail)) for detail in details])


def _reason(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind in _OURS:
        return detail["msg"]
    if kind == "string_too_long":
        return f"is longer than {detail['ctx']['max_length']} characters"
    return _REASONS.get(kind, "is not valid")


def _place(detail: ErrorDetails) -> str:
    """Dotted path of field names and positions; the last part of an unknown field is the caller's, and left out."""
    path = detail["loc"][:-1] if detail["type"] == "extra_forbidden" else detail["loc"]
    return ".".join(str(part) for part in path) or "body"
