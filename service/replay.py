"""A client that sends labelled texts to a running service, and their labels when a delay has passed.

Knows the service only by its HTTP contract. Predictions are never sent twice unless they were refused.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import httpx

from model.datasets import LabelledTexts
from model.errors import BertwatchError, InputError, SurroundingsError
from model.scenarios import apply

LABELS_AT_ONCE = 256
"""Most labels in one `/feedback/batch`."""
_OPEN_LOOP_WAITING = 256
_TRIES = 60
_LONGEST_PAUSE = 10.0
_TICK = 0.05
_LOST = 20  # requests in a row without any answer, and the service counts as gone


@dataclass(frozen=True, slots=True)
class Row:
    """One request to come, and what would be the right answer."""

    text: str
    label: str
    reference: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast rows are sent, and which labels follow when."""

    rate: float = 0.0
    """Rows a second, whether or not answers keep up; 0 sends as fast as the service answers."""
    concurrency: int = 16
    """Requests under way at once where `rate` is 0."""
    label_delay: float | None = None
    """Seconds from an answer to its label; None sends no labels."""
    label_share: float = 1.0
    """Share of the answers whose label is sent."""
    seed: int = 0
    """Chooses them."""


@dataclass(frozen=True, slots=True)
class ReplaySummary:
    """What became of the rows: `sent = answered + failed` at the end. Counts of rows, unless said otherwise."""

    sent: int = 0
    answered: int = 0
    refused: int = 0
    """Refusals (503, 429), each followed by another try of the same request."""
    failed: int = 0
    """Rows that got no prediction."""
    labelled: int = 0
    """Labels that the service took."""
    correct: int = 0
    """Predictions that equal the label, also where the label was not sent."""
    seconds: float = 0.0
    """From the first request to the last prediction."""
    labels_failed: int = 0
    """Labels that the service did not take."""


Progress = Callable[[ReplaySummary], None]


def rows_of(texts: LabelledTexts) -> Iterator[Row]:
    """The rows of a dataset; a row without a reference is known by its number."""
    references = texts.references or map(str, texts.rows.tolist())
    for row in zip(texts.texts, texts.labels, references, texts.segments or repeat(None), strict=False):
        yield Row(*row)


def drifted(texts: LabelledTexts, scenario: str, after: int, seed: int = 0) -> LabelledTexts:
    """The same rows with a scenario from position `after` on. Raises InputError for an unknown scenario."""
    changed, labels = apply(scenario, texts.texts[after:], texts.labels[after:], seed)
    return replace(texts, texts=texts.texts[:after] + changed, labels=texts.labels[:after] + labels)


async def replay(
    rows: Iterable[Row],
    url: str,
    pace: Pace,
    *,
    key: str | None = None,
    client: httpx.AsyncClient | None = None,
    progress: Progress | None = None,
) -> ReplaySummary:
    """Send rows, one after the other taken from the iterable, and return when the last label has been sent.

    Raises SurroundingsError for a service that is not there or goes away, InputError for a wrong address or key.
    """
    async with AsyncExitStack() as stack:
        if client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=_OPEN_LOOP_WAITING)
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=60.0, limits=limits))
        run = _Run(client, url.rstrip("/"), pace, key, progress)
        await run.knock()
        return await run.send_all(rows)


class _Run:
    """One replay under way."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, pace: Pace, key: str | None, progress: Progress | None
    ) -> None:
        self._client = client
        self._url = url
        self._pace = pace
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._progress = progress
        self._draw = random.Random(pace.seed)
        self._places = asyncio.Semaphore(_OPEN_LOOP_WAITING if pace.rate > 0 else pace.concurrency)
        self._labels: deque[tuple[float, str, str]] = deque()
        self._all_answered = False
        self._unanswered = 0
        self._error: BertwatchError | None = None
        self._began = time.monotonic()
        self.summary = ReplaySummary()

    async def knock(self) -> None:
        """Find out whether anything is there before the first row leaves."""
        try:
            await self._client.get(f"{self._url}/livez")
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise InputError("The service's URL must begin with http:// or https:// and name a host.") from None
        except httpx.TransportError:
            raise SurroundingsError(f"No service answers at {self._url}; start one with `bertwatch serve`.") from None

    async def send_all(self, rows: Iterable[Row]) -> ReplaySummary:
        labeller = asyncio.create_task(self._send_labels())
        try:
            self._began = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for number, row in enumerate(rows):
                    if self._pace.rate > 0:
                        await asyncio.sleep(max(0.0, self._began + number / self._pace.rate - time.monotonic()))
                    await self._places.acquire()
                    if self._error:
                        break
                    labelled = self._pace.label_delay is not None and self._draw.random() < self._pace.label_share
                    self._count(sent=1)
                    group.create_task(self._send(row, labelled))
            self._all_answered = True
            await labeller
        finally:
            labeller.cancel()
        if self._error:
            raise self._error
        return self.summary

    async def _send(self, row: Row, labelled: bool) -> None:
        """One row: its answer is counted, and its label put on the way."""
        try:
            body = {"text": row.text, "reference": row.reference, "segment": row.segment}
            answer = await self._post("/predict", {name: value for name, value in body.items() if value is not None})
            if answer is None or answer.status_code != httpx.codes.OK:
                self._count(failed=1)
                return
            found = answer.json()
            prediction, label = found["prediction_id"], found["label"]
            self._count(answered=1, correct=int(label == row.label))
            if labelled:
                self._labels.append((time.monotonic() + (self._pace.label_delay or 0.0), prediction, row.label))
        except (ValueError, KeyError, TypeError):
            self._error = self._error or _stranger(f"{self._url}/predict")
        finally:
            self.summary = replace(self.summary, seconds=time.monotonic() - self._began)
            self._places.release()
            if self._progress:
                self._progress(self.summary)

    async def _send_labels(self) -> None:
        """Post labels that have become due, until every answer is in and every label is out."""
        while (self._labels or not self._all_answered) and not self._error:
            now = time.monotonic()
            due: list[dict[str, str]] = []
            while self._labels and self._labels[0][0] <= now and len(due) < LABELS_AT_ONCE:
                _, prediction, label = self._labels.popleft()
                due.append({"prediction_id": prediction, "label": label})
            if due:
                answer = await self._post("/feedback/batch", {"items": due})
                taken = _taken(answer.json()) if answer and answer.status_code == httpx.codes.OK else 0
                self._count(labelled=taken, labels_failed=len(due) - taken)
                if self._progress:
                    self._progress(self.summary)
            if len(due) < LABELS_AT_ONCE:
                await asyncio.sleep(_TICK)

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response | None:
        """The answer to a request, tried again as long as it is refused; None where none comes."""
        content = json.dumps(body)  # ASCII alone, so that lone surrogates reach the service and are its to refuse
        for _ in range(_TRIES):
            if self._error:
                return None
            try:
                answer = await self._client.post(self._url + path, content=content, headers=self._headers)
            except httpx.TransportError:
                self._unanswered += 1
                if self._unanswered >= _LOST:
                    self._error = SurroundingsError(
                        f"The service at {self._url} stopped answering after {self.summary.answered} predictions."
                    )
                return None
            self._unanswered = 0
            if answer.status_code not in {429, 503}:
                self._error = self._error or _refusal(answer.status_code, self._url + path)
                return answer
            self._count(refused=1)
            await asyncio.sleep(_pause(answer))
        return None

    def _count(self, **more: int) -> None:
        self.summary = replace(self.summary, **{name: getattr(self.summary, name) + by for name, by in more.items()})


def _taken(answer: dict[str, Any]) -> int:
    """How many labels of a batch the service took."""
    return sum(not str(result.get("outcome", "")).startswith("unknown") for result in answer.get("results", ()))


def _pause(answer: httpx.Response) -> float:
    """Seconds that a refusal asks to wait."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), _LONGEST_PAUSE) if asked.isdecimal() else 1.0


def _refusal(status: int, url: str) -> BertwatchError | None:
    """What makes every further request vain."""
    if status in {401, 403}:
        return InputError("The service refuses the key; give the right one with --key-file.")
    if status in {404, 405}:
        return _stranger(url)
    return None


def _stranger(url: str) -> SurroundingsError:
    return SurroundingsError(f"{url} does not answer as bertwatch does; is this the right server?")
