"""Who may ask, and what a browser may do with the answer. Knows nothing of routes' meaning or of key files."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_NOT_FRAMED = (b"x-frame-options", b"DENY")

DATA_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *_ALWAYS,
    _NOT_FRAMED,
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""For everything that is not a page: an answer that a browser must neither keep, frame nor run."""

PAGE_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *_ALWAYS,
    _NOT_FRAMED,
    (b"cache-control", b"no-cache"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
"""For our own pages: scripts and styles from files of ours only, nothing inline, nothing from elsewhere."""

REPORT_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    *_ALWAYS,
    (b"cache-control", b"private, no-cache"),
    (
        b"content-security-policy",
        b"sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
        b"style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'",
    ),
)
"""For reports: they run scripts of their own in an origin of nobody's, and reach no network."""


class Keys:
    """Bearer keys. Without any, everybody may ask."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [_digest(key.encode()) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admit(self, authorization: bytes | None) -> bool:
        """Whether an `Authorization` header holds one of the keys.

        Takes as long for every key of ours and for every guess: digests have one length, and all are compared.
        """
        if not self._digests:
            return True
        scheme, _, presented = (authorization or b"").partition(b" ")
        guess = _digest(presented.strip())
        matches = [hmac.compare_digest(guess, digest) for digest in self._digests]
        return any(matches) and scheme.lower() == b"bearer"


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
