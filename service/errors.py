"""The HTTP error family, and the one shape in which a caller sees any of it (RFC 9457).

    Problem
    ├── Refused            the request is not one that can be answered; sending it again changes nothing
    │   ├── Unauthorized       401  no key, or a wrong one
    │   ├── Forbidden          403  a page of another site has made the browser ask
    │   ├── NotFound           404  no such route, prediction or report
    │   ├── MethodNotAllowed   405
    │   ├── RequestTooSlow     408  the body did not arrive in time
    │   ├── NoModelHere        409  a text to classify, where only predictions made elsewhere are taken
    │   ├── BodyTooLarge       413
    │   ├── UnsupportedMedia   415  not JSON, not UTF-8, or compressed
    │   ├── InvalidInput       422  JSON that is no JSON, or fields that are not what they must be
    │   └── HeadersTooLarge    431
    ├── Unavailable        503  not now; `Retry-After` says when
    │   ├── Overloaded         as many texts or tokens wait as may wait
    │   ├── DeadlineExceeded   waited for longer than `request_timeout`
    │   ├── Stopping           the service is going down
    │   └── LogUnavailable     the answer could not be committed, so there is no answer
    └── Broken             500  our fault

A problem never holds a user's text: `detail` is written here, fields are named from the schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic_core import to_json

from model.errors import BertwatchError, InputError

MEDIA_TYPE = "application/problem+json"
MOST_FIELD_ERRORS = 20
"""Field errors listed in one answer; the rest are counted."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a body: which field (`items.3.text`), and what is wrong, in our own words."""

    field: str
    reason: str


class Problem(Exception):
    """Base of everything that becomes a problem document."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "broken"
    """Last part of `type`, and the label value in metrics."""
    title: ClassVar[str] = "Something is broken here"
    detail_by_default: ClassVar[str] = "The request failed for a reason of our own; the service's log says which."
    retry_after: ClassVar[int | None] = None

    def __init__(
        self, detail: str = "", *, headers: Sequence[tuple[str, str]] = (), retry_after: int | None = None
    ) -> None:
        """`retry_after`: seconds, where more is known than the kind of the problem tells."""
        self.detail = detail or self.detail_by_default
        self.headers = list(headers)
        seconds = self.retry_after if retry_after is None else retry_after
        if seconds is not None:
            self.headers.append(("retry-after", str(seconds)))
        super().__init__(self.detail)

    def document(self) -> dict[str, object]:
        """The members of RFC 9457, and `errors` where fields are at fault."""
        return {
            "type": f"urn:bertwatch:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }

    def body(self) -> bytes:
        return to_json(self.document())

    def headers_of(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """What HTTP needs to know of this body, and what the problem has to say."""
        return [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in self.headers),
        ]


class Refused(Problem):
    status = 400
    slug = "bad-request"
    title = "Not a request that can be answered"
    detail_by_default = "This is not an HTTP request that the service understands."


class Unauthorized(Refused):
    status = 401
    slug = "unauthorized"
    title = "A key is needed"
    detail_by_default = "Send one of the service's keys as `Authorization: Bearer <key>`."

    def __init__(self) -> None:
        super().__init__(headers=[("www-authenticate", 'Bearer realm="bertwatch"')])


class Forbidden(Refused):
    status = 403
    slug = "forbidden"
    title = "Not from there"
    detail_by_default = "A page of another site may not ask this."


class NotFound(Refused):
    status = 404
    slug = "not-found"
    title = "Not found"
    detail_by_default = "There is nothing at this address; /docs lists the routes."


class MethodNotAllowed(Refused):
    status = 405
    slug = "method-not-allowed"
    title = "Method not allowed"
    detail_by_default = "This route does not know that method; the Allow header names those it knows."


class RequestTooSlow(Refused):
    status = 408
    slug = "request-too-slow"
    title = "The request took too long to arrive"
    detail_by_default = "Send headers and body without such pauses."


class NoModelHere(Refused):
    status = 409
    slug = "no-model-here"
    title = "No model is served here"
    detail_by_default = "This service classifies nothing; send predictions made elsewhere to /predictions."


class BodyTooLarge(Refused):
    status = 413
    slug = "body-too-large"
    title = "The body is too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A body may hold at most {limit} bytes; send fewer items at a time.")


class UnsupportedMedia(Refused):
    status = 415
    slug = "unsupported-media-type"
    title = "Unsupported media type"
    detail_by_default = "Send plain JSON in UTF-8 with `Content-Type: application/json`."


class InvalidInput(Refused):
    status = 422
    slug = "invalid-input"
    title = "The input is not valid"
    detail_by_default = "The body does not fit the schema; /docs shows it."

    def __init__(self, detail: str = "", errors: Iterable[FieldError] = ()) -> None:
        self.errors = list(errors)
        if self.errors and not detail:
            first = self.errors[0]
            more = f" There are {len(self.errors) - 1} more errors." if len(self.errors) > 1 else ""
            detail = f"{first.field} {first.reason}.{more}"
        super().__init__(detail)

    def document(self) -> dict[str, object]:
        listed = [{"field": error.field, "reason": error.reason} for error in self.errors[:MOST_FIELD_ERRORS]]
        return {**super().document(), "errors": listed}


class HeadersTooLarge(Refused):
    status = 431
    slug = "headers-too-large"
    title = "The request's head is too large"
    detail_by_default = "Send a shorter address or fewer headers."


class Unavailable(Problem):
    status = 503
    slug = "unavailable"
    title = "Not now"
    detail_by_default = "The service cannot answer at the moment; try again."
    retry_after = 1


class Overloaded(Unavailable):
    slug = "overloaded"
    title = "Too many requests wait"
    detail_by_default = "As many requests wait as may wait; try again."


class DeadlineExceeded(Unavailable):
    slug = "deadline-exceeded"
    title = "The answer took too long"
    detail_by_default = "The request waited for as long as it may; try again."


class Stopping(Unavailable):
    slug = "stopping"
    title = "The service is not ready"
    detail_by_default = "The service is starting or going down; another replica, or the next start, will answer."
    retry_after = 5


class LogUnavailable(Unavailable):
    slug = "log-unavailable"
    title = "The prediction log does not answer"
    detail_by_default = "The database could not be read or written, so there is no answer; try again."
    retry_after = 5


class Broken(Problem):
    """Named, so that a raise says whose fault it is."""


PROBLEMS: tuple[type[Problem], ...] = (
    Refused, Unauthorized, Forbidden, NotFound, MethodNotAllowed, RequestTooSlow, NoModelHere, BodyTooLarge,
    UnsupportedMedia, InvalidInput, HeadersTooLarge, Overloaded, DeadlineExceeded, Stopping, LogUnavailable, Broken,
)  # fmt: skip
"""Every problem that a caller can meet; the documentation and the metrics are made from it."""


def problem_for(error: BertwatchError) -> Problem:
    """What a caller sees of an error from another room: its sentence if the input was wrong, else only ours."""
    if isinstance(error, InputError):
        return InvalidInput(str(error))
    return LogUnavailable()


def where(error: BaseException) -> str:
    """File, line and type of an error, without its message: a message may quote a user's text."""
    frame = error.__traceback__
    place = "?"
    while frame is not None:
        code = frame.tb_frame.f_code
        place = f"{code.co_filename.rsplit('/', 1)[-1]}:{frame.tb_lineno}"
        frame = frame.tb_next
    return f"{type(error).__name__} at {place}"


class ClientGone(Exception):
    """The client closed its connection: there is nobody to answer, so this is no problem document."""
