"""Reads the body of a request: bounded, plain JSON in UTF-8, or refused before it is read.

Knows nothing of what a body means.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from service.errors import BodyTooLarge, ClientGone, InvalidInput, UnsupportedMedia


async def read_body(request: Request, limit: int) -> bytes:
    """The bytes of a JSON body of at most `limit` bytes. Raises BodyTooLarge as soon as it is known to be one."""
    _check_head(request, limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit)
            chunks.append(chunk)
    except ClientDisconnect:
        raise ClientGone from None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _check_head(request: Request, limit: int) -> None:
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body without compression.")
    if (content_type := headers.get("content-type")) != "application/json":
        media, _, parameters = (content_type or "").partition(";")
        charset = parameters.replace('"', "").replace(" ", "").lower()
        if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
            raise UnsupportedMedia
    length = headers.get("content-length")
    if length is not None and length.isdecimal() and int(length[:20]) > limit:
        raise BodyTooLarge(limit)


def wanted_timeout(request: Request) -> float | None:
    """Seconds that the caller is ready to wait (`X-Request-Timeout`); None where it does not say."""
    value = request.headers.get("x-request-timeout")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise InvalidInput("The header X-Request-Timeout is not a positive number of seconds.")
    return seconds
