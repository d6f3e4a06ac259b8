"""What the log keeps of a text, by the setting `store_text`: all of it, its SHA-256, or no trace."""

from __future__ import annotations

import hashlib

from model.prediction import text_fingerprint


def kept(text: str, store_text: str) -> str | None:
    """What stands in the row."""
    if store_text == "full":
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if store_text == "hash" else None


def fingerprint(text: str, store_text: str) -> int:
    """By which a text is known again; 0 where texts must leave no trace."""
    return 0 if store_text == "none" else text_fingerprint(text)
