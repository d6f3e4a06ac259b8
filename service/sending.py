"""Predictions that were made elsewhere, sent to a running service with their times and labels.

Knows the service only by its HTTP contract, and nothing of where the rows come from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import httpx

from model.errors import InputError, SurroundingsError
from monitors.window_file import SCORE_PREFIX

_ITEMS = 100
"""In a request, or fewer where a service takes fewer."""
_OURS = {"id", "time", "text", "label"}


def items_of(columns: Mapping[str, Sequence[Any]], version: str | None) -> Iterator[dict[str, Any]]:
    """Bodies for `POST /predictions`: `id` is the reference, `score_<label>` a score, `time`, `text` and `label` are
    themselves, and every other column is a feature. What is None is left out.
    """
    names = list(columns)
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(names, values, strict=True))
        scores = {name.removeprefix(SCORE_PREFIX): row[name] for name in names if name.startswith(SCORE_PREFIX)}
        features = {name: row[name] for name in names if name not in _OURS and not name.startswith(SCORE_PREFIX)}
        item = {
            "reference": row.get("id"), "time": row.get("time"), "text": row.get("text"), "label": row.get("label"),
            "features": features or None, "model_version": version,
        }  # fmt: skip
        yield {"scores": scores, **{name: value for name, value in item.items() if value is not None}}


def send(
    items: Iterable[Mapping[str, Any]], url: str, *, key: str | None = None, progress: Callable[[int], None]
) -> int:
    """Record all of them, in order; gives how many. `progress` is told how many newly are.

    Raises InputError for what the service refuses and SurroundingsError for a service that is not there; both say how
    many rows were recorded before, for nothing is sent twice.
    """
    recorded, size = 0, _ITEMS
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    rows = iter(items)
    waiting: list[Mapping[str, Any]] = []
    with httpx.Client(timeout=60.0, headers=headers) as client:
        while waiting := waiting or list(islice(rows, _ITEMS)):
            batch = waiting[:size]
            answer = _post(client, url, batch, recorded)
            if len(batch) > 1 and _is_too_much(answer):
                size = len(batch) // 2
                continue
            _check(answer, url, recorded)
            recorded += len(batch)
            progress(len(batch))
            waiting = waiting[size:]
    return recorded


def _post(client: httpx.Client, url: str, batch: Sequence[Mapping[str, Any]], before: int) -> httpx.Response:
    try:
        return client.post(f"{url.rstrip('/')}/predictions", json={"items": batch})
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise InputError(f"{url} is no address of a service; give http://HOST:PORT.") from None
    except httpx.HTTPError as error:
        raise SurroundingsError(
            f"No answer from {url} ({type(error).__name__}); is it running? {_told(before)}"
        ) from None


def _check(answer: httpx.Response, url: str, before: int) -> None:
    if answer.is_success:
        return
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise InputError(f"{url} asks for a key; give --key-file.")
    if answer.is_server_error:
        raise SurroundingsError(
            f"{url} did not record a row (status {answer.status_code}); see its log. {_told(before)}"
        )
    raise InputError(f"{url} refuses row {_refused(answer, before)} {_told(before)}")


def _told(before: int) -> str:
    return f"{before} rows were recorded before."


def _is_too_much(answer: httpx.Response) -> bool:
    """Whether it is the request that is too large for the service, not a row that it refuses."""
    if answer.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
        return answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    try:
        return [error["field"] for error in answer.json()["errors"]] == ["items"]
    except (ValueError, KeyError, TypeError):
        return False


def _refused(answer: httpx.Response, before: int) -> str:
    """`12: score does not sum to one.`; what the service says is words of ours, never a row's."""
    try:
        problem = answer.json()
        error = next(iter(problem.get("errors") or ()), None)
        if error is None:
            return f"{before + 1}: {problem['detail']}"
        _, at, field = error["field"].split(".", 2)
        return f"{before + 1 + int(at)}: {field} {error['reason']}."
    except (ValueError, KeyError, TypeError, AttributeError, json.JSONDecodeError):
        return f"{before + 1} (status {answer.status_code})."
