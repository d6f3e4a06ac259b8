"""Bodies that no honest caller sends, for every route that reads one: by name, and at random.

A skeleton is a good body with one hole (`%s`); what is put into it is never a good value there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.api.stand_in import LABELS

VERSION = b'"model_version": "v1", '
SCORES = b'{"World": 0.25, "Sports": 0.25, "Business": 0.25, "Sci/Tech": 0.25}'
UNKNOWN = b"01920b5a-7c3e-7d10-9f3a-2b6c1d4e5f60"

SKELETONS: dict[str, tuple[bytes, ...]] = {
    "/predict": (b'{"text": %s}', b'{"text": "a", "reference": %s}', b'{"text": "a", "segment": %s}'),
    "/predict/batch": (b'{"items": %s}', b'{"items": [{"text": "a"}, {"text": %s}]}'),
    "/predictions": (
        b"{" + VERSION + b'"scores": %s}',
        b"{" + VERSION + b'"scores": {"World": %s, "Sports": 0.5, "Business": 0.25, "Sci/Tech": 0.25}}',
        b"{" + VERSION + b'"scores": ' + SCORES + b', "features": {"characters": %s}}',
        b"{" + VERSION + b'"scores": ' + SCORES + b', "time": %s}',
        b"{" + VERSION + b'"scores": ' + SCORES + b', "text": %s}',
        b"{" + VERSION + b'"scores": ' + SCORES + b', "label": %s}',
        b'{"scores": ' + SCORES + b', "model_version": %s}',
        b'{"items": [{' + VERSION + b'"scores": %s}]}',
    ),
    "/feedback": (
        b'{"prediction_id": %s, "label": "World"}',
        b'{"reference": %s, "label": "World"}',
        b'{"prediction_id": "' + UNKNOWN + b'", "label": %s}',
    ),
    "/feedback/batch": (b'{"items": %s}', b'{"items": [{"reference": "a", "label": %s}]}'),
}
"""Every route that reads a body."""

VALUES: dict[str, bytes] = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "a lone surrogate": b'"\\ud800"',
    "a lone low surrogate": b'"a\\udc00"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "NUL": b'"a\\u0000b"',
    "a raw NUL": b'"a\x00b"',
    "depth of arrays": b"[" * 100_000 + b"]" * 100_000,
    "depth of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "depth that never ends": b"[" * 100_000,
    "5,000 digits": b"9" * 5000,
    "minus 5,000 digits": b"-" + b"9" * 5000,
    "a large exponent": b"1e999999999",
    "broken UTF-8": b'"\xff\xfe"',
    "truncated": b'"a',
    "nothing": b"",
}

GOOD: dict[str, bytes] = {
    "/predict": b'{"text": "a"}',
    "/predict/batch": b'{"items": [{"text": "a"}]}',
    "/predictions": b"{" + VERSION + b'"scores": ' + SCORES + b"}",
    "/feedback": b'{"reference": "nobody", "label": "World"}',
    "/feedback/batch": b'{"items": [{"reference": "nobody", "label": "World"}]}',
}


def bad_bodies(path: str) -> Iterator[tuple[str, bytes]]:
    """What each must be refused for, and the body."""
    for skeleton in SKELETONS[path]:
        for name, value in VALUES.items():
            yield f"{name} in {skeleton.decode()}", skeleton % value
    good = GOOD[path]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"):
        yield encoding, good.decode().encode(encoding)
    for end in range(len(good)):
        yield f"the first {end} bytes", good[:end]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Good ones, and one in ten is anything: or the first bad field would hide all others."""
    return st.one_of(*[good] * 9, JSON_VALUES)


NAMES = mostly(st.text(min_size=1, max_size=20) | st.sampled_from(["a", "b", "nobody"]))
LABEL = mostly(st.sampled_from(LABELS))
SCORING = mostly(
    st.just(json.loads(SCORES))
    | st.dictionaries(st.sampled_from(LABELS) | st.text(), mostly(st.floats(0, 1)), max_size=5)
)
NUMBERS = st.dictionaries(st.sampled_from(["characters", "tokens"]), mostly(st.floats(allow_nan=False, width=32)))
TIMES = mostly(st.datetimes().map(lambda at: at.isoformat() + "Z"))


def _item(known: list[str]) -> dict[str, st.SearchStrategy[dict[str, object]]]:
    """By route, bodies near enough to good ones that many of them reach the database."""
    ids = mostly(st.sampled_from(known) | st.uuids().map(str))
    by_id = st.fixed_dictionaries({"label": LABEL, "prediction_id": ids})
    by_reference = st.fixed_dictionaries({"label": LABEL, "reference": NAMES})
    return {
        "/predict": st.fixed_dictionaries(
            {"text": mostly(st.text(min_size=1))}, optional={"reference": NAMES, "segment": NAMES}
        ),
        "/feedback": by_id | by_reference,
        "/predictions": st.fixed_dictionaries(
            {"scores": SCORING, "model_version": mostly(st.just("v1"))},
            optional={
                "text": mostly(st.text(min_size=1)),
                "reference": NAMES,
                "segment": NAMES,
                "label": LABEL,
                "features": NUMBERS,
                "time": TIMES,
            },
        ),
    }


def requests(known: list[str]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Routes and bodies; `known` are ids of predictions that the log holds."""
    shapes: list[st.SearchStrategy[tuple[str, bytes]]] = []
    for path, item in _item(known).items():
        batch = "/predictions" if path == "/predictions" else f"{path}/batch"
        shapes += [
            st.tuples(st.just(path), item.map(_written)),
            st.tuples(st.just(batch), st.lists(item, max_size=4).map(lambda items: _written({"items": items}))),
            st.tuples(st.just(path), st.binary(max_size=200) | JSON_VALUES.map(_written)),
        ]
    return st.one_of(shapes)


def _written(value: object) -> bytes:
    """JSON as Python writes it: with NaN, and with any surrogate as an escape."""
    return json.dumps(value).encode()
