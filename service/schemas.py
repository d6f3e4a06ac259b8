"""What the wire looks like: the bodies that callers send, the answers that they get.

Knows nothing of stores or routes. `read` turns bytes into a body or into InvalidInput, in words of ours:
pydantic's own messages quote the input, and so never leave this file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from service.errors import FieldError, InvalidInput
from service.store.nouns import Outcome

MOST_REFERENCE = 256
MOST_SEGMENT = 64
MOST_LABEL = 256
MOST_VERSION = 64
LARGEST = 3e38
"""Of a feature: the log keeps single precision."""


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

Score = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Scores = Annotated[
    dict[str, Score], Field(min_length=2, description="Probability of each class of the model; they sum to one.")
]
Number = Annotated[float, Field(strict=True, ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
Features = Annotated[
    dict[str, Number | None], Field(description="Numbers by the model's feature names; what is left out is unknown.")
]
ModelVersion = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_VERSION,
        description="Which model said so; this service's own baseline's without it.",
        json_schema_extra={**_NO_NUL},
    ),
    AfterValidator(_no_nul),
]
Moment = Annotated[
    AwareDatetime, Field(strict=True, description="When it was made, ISO 8601 with a zone; now without it.")
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


class RecordRequest(_Body):
    """A prediction made by a model that is served elsewhere."""

    scores: Scores
    model_version: ModelVersion | None = None
    reference: Reference | None = None
    segment: Segment | None = None
    time: Moment | None = None
    text: Text | None = None
    features: Features | None = None
    label: LabelName | None = None


class RecordBatchRequest(_Body):
    """Several of them; committed and answered together or not at all."""

    items: Annotated[list[RecordRequest], AfterValidator(_a_number_of_items), Field(json_schema_extra={"minItems": 1})]


def _form(value: Any) -> str:
    return "batch" if isinstance(value, dict) and "items" in value else "single"


class RecordBody(RootModel[Any]):
    """One prediction, or `items` with several."""

    root: Annotated[
        Annotated[RecordRequest, Tag("single")] | Annotated[RecordBatchRequest, Tag("batch")], Discriminator(_form)
    ]


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


class RecordResponse(BaseModel):
    """A prediction made elsewhere that stands in the log."""

    prediction_id: UUID
    label: str
    confidence: float
    model_version: str


class RecordBatchResponse(BaseModel):
    """In the order of the items."""

    predictions: list[RecordResponse]


class RecordAnswer(RootModel[RecordResponse | RecordBatchResponse]):
    """In the form of the request."""


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
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "dict_type": "is not an object",
    "too_short": "has too few entries",
    "datetime_type": "is not a time in ISO 8601",
    "datetime_from_date_parsing": "is not a time in ISO 8601",
    "datetime_parsing": "is not a time in ISO 8601",
    "timezone_aware": "has no time zone",
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
    """Dotted path of field names and positions; names of the caller's own (an unknown field, a key) are left out."""
    path = detail["loc"][:-1] if detail["type"] == "extra_forbidden" else detail["loc"]
    path = path[1:] if path[:1] in (("single",), ("batch",)) else path
    keyed = next((at for at, part in enumerate(path) if part in ("scores", "features")), len(path))
    path = path[: keyed + 1]
    return ".".join(str(part) for part in path) or "body"
