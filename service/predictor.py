"""Queue, workers, commit, answer: a request that gets an answer has its row committed.

Three rooms that pass tickets on: the event loop submits, N single-thread workers classify, one writer
commits what has finished as one transaction and only then lets the answers leave. Knows nothing of HTTP.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from queue import Empty, SimpleQueue
from typing import Protocol

import structlog

from model.prediction import CutOff, ModelInfo, Prediction, Predictions, Record
from monitors.protocols import Clock
from service.admission import Admission
from service.errors import Broken, LogUnavailable, Overloaded, Stopping, where
from service.ids import BYTES_OF_ENTROPY, uuid7
from service.kept import fingerprint, kept
from service.metrics import Metrics
from service.tickets import Item, Ticket

log = structlog.get_logger(__name__)

MOST_TICKETS_A_COMMIT = 512


class Classifier(Protocol):
    """What makes predictions. Safe to call from several threads at the same time."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def engine(self) -> str: ...

    @property
    def precision(self) -> str: ...

    def classify(self, texts: Sequence[str], /) -> Predictions: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, how much one worker takes, and for how long a request may wait (seconds)."""

    workers: int
    queue_size: int = 256
    queue_tokens: int = 32_768
    max_batch: int = 8
    request_timeout: float = 30.0


_Entry = tuple[Ticket, int]
"""A ticket and the position of one of its items."""


class Predictor:
    """Classifies and records. `append` commits all records it is given as one transaction, or raises.

    `cut_off` says which of two classes is answered; without it the highest score wins.
    """

    def __init__(
        self,
        classifier: Classifier,
        append: Callable[[Sequence[Record]], None],
        metrics: Metrics,
        clock: Clock,
        limits: Limits,
        *,
        store_text: str = "full",
        baseline_id: str | None = None,
        cut_off: CutOff | None = None,
    ) -> None:
        self.classifier = classifier
        self.limits = limits
        self.baseline_id = baseline_id
        self._append = append
        self._metrics = metrics
        self._clock = clock
        self._store_text = store_text
        self._cut_off = cut_off
        self._waiting: SimpleQueue[_Entry | None] = SimpleQueue()
        self._finished: SimpleQueue[list[Ticket] | None] = SimpleQueue()
        self._accepting = False
        self._log_failing = False
        self._idle = 0
        self._lock = threading.Lock()
        self._workers = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(max(1, limits.workers))
        ]
        self._writer = threading.Thread(target=self._write, name="writer", daemon=True)
        self._admission = Admission(limits.queue_size, limits.queue_tokens, len(self._workers))
        metrics.watch_queue(self._waiting.qsize, limits.queue_size, len(self._workers))
        metrics.watch_queued_tokens(lambda: self._admission.tokens, limits.queue_tokens)

    @property
    def accepting(self) -> bool:
        return self._accepting

    @property
    def log_failing(self) -> bool:
        """True from a failed commit until the next that succeeds, or until `log_recovered`."""
        return self._log_failing

    def log_recovered(self) -> None:
        """The log was seen to be writable again without a commit of ours."""
        self._log_failing = False
        self._metrics.log_recovered()

    def start(self) -> None:
        for thread in (*self._workers, self._writer):
            thread.start()
        self._accepting = True

    def refuse(self) -> None:
        """Accept nothing more; what was accepted is still answered."""
        with self._lock:
            self._accepting = False

    def stop(self, patience: float = 30.0) -> None:
        """Accept nothing more, answer everything accepted, join all threads. Idempotent; blocks."""
        self.refuse()
        if not self._writer.is_alive():
            return
        until = time.monotonic() + patience
        for _ in self._workers:
            self._waiting.put(None)
        for worker in self._workers:
            worker.join(max(0.0, until - time.monotonic()))
        self._finished.put(None)
        self._writer.join(max(0.0, until - time.monotonic()))

    def refusal(self, expected: int) -> Overloaded | None:
        """What any text would get from `submit` after so many others that are expected: before its request is read."""
        return self._admission.refusal() if self._admission.full(expected) else None

    def submit(self, items: Sequence[Item], timeout: float | None = None) -> Ticket:
        """Put a request on the queue or refuse it at once. Call on the event loop.

        A batch takes as many places as it has items; one that is larger than the whole queue is taken
        while nothing waits. `timeout` (seconds) may shorten `request_timeout`, never lengthen it.
        """
        with self._lock:
            if not self._accepting:
                raise Stopping
            self._admission.admit(items)
            ticket = Ticket(items, min(timeout or self.limits.request_timeout, self.limits.request_timeout))
            for position in range(len(items)):
                self._waiting.put((ticket, position))
        return ticket

    # workers

    def _work(self) -> None:
        while (batch := self._take()) is not None:
            if batch:
                self._finish(batch, self._classify(batch))

    def _take(self) -> list[_Entry] | None:
        """Wait for an entry, then take this worker's share of what waits; None at the end."""
        with self._lock:
            self._idle += 1
        first = self._waiting.get()
        with self._lock:
            self._idle -= 1
            share = fair_share(self._waiting.qsize(), self._idle, self.limits.max_batch)
        if first is None:
            return None
        entries = [first]
        while len(entries) < share:
            try:
                entry = self._waiting.get_nowait()
            except Empty:
                break
            if entry is None:
                self._waiting.put(None)
                break
            entries.append(entry)
        self._admission.leave([ticket.items[position] for ticket, position in entries])
        now = time.monotonic()
        batch = [(ticket, position) for ticket, position in entries if ticket.is_wanted()]
        batch.sort(key=lambda entry: len(entry[0].items[entry[1]].text))
        if batch:
            self._metrics.batch_taken([now - ticket.accepted for ticket, _ in batch])
        return batch

    def _classify(self, batch: Sequence[_Entry]) -> list[Prediction | None]:
        """A prediction for each entry; None where the classifier fails on that text even when it is alone."""
        began = time.perf_counter()
        try:
            predictions = self.classifier.classify([ticket.items[position].text for ticket, position in batch])
        except Exception as error:  # noqa: BLE001 - whatever a text does to a tokenizer, its neighbours are answered
            if len(batch) > 1:
                return [self._classify([entry])[0] for entry in batch]
            log.error("classification_failed", error=where(error))
            return [None]
        seconds = time.perf_counter() - began
        self._admission.classified(len(batch), seconds)
        self._metrics.batch_classified(seconds, predictions.tokenise_seconds)
        return list(predictions if self._cut_off is None else self._cut_off.applied(predictions))

    def _finish(self, batch: Sequence[_Entry], predictions: Sequence[Prediction | None]) -> None:
        """Build the records, and pass on every ticket whose last item this was."""
        done: list[Ticket] = []
        entropy = BytesIO(os.urandom(BYTES_OF_ENTROPY * len(batch))).read  # asked for once: each call lets the GIL go
        for (ticket, position), prediction in zip(batch, predictions, strict=True):
            if prediction is not None:
                ticket.records[position] = self._record(ticket.items[position], prediction, entropy)
        with self._lock:
            for ticket, _ in batch:
                ticket.remaining -= 1
                if ticket.remaining == 0:
                    done.append(ticket)
                    self._admission.enter(ticket.items)
        if done:
            self._finished.put(done)

    def _record(self, item: Item, prediction: Prediction, entropy: Callable[[int], bytes]) -> Record:
        now = self._clock()
        model = self.classifier.info
        return Record(
            id=uuid7(now, entropy),
            time=now,
            model_version=model.version,
            baseline_id=self.baseline_id,
            engine=self.classifier.engine,
            precision=self.classifier.precision,
            label=model.labels[prediction.label],
            prediction=prediction,
            text=kept(item.text, self._store_text),
            text_hash=fingerprint(item.text, self._store_text),
            reference=item.reference,
            segment=item.segment,
        )

    # the writer

    def _write(self) -> None:
        ended = False
        while not ended:
            tickets, ended = self._drain()
            if tickets:
                self._commit(tickets)
                self._admission.leave([item for ticket in tickets for item in ticket.items])

    def _drain(self) -> tuple[list[Ticket], bool]:
        """Wait for finished tickets and take all there are; True when these are the last."""
        tickets: list[Ticket] = []
        finished = self._finished.get()
        while finished is not None:
            tickets += finished
            if len(tickets) >= MOST_TICKETS_A_COMMIT:
                return tickets, False
            try:
                finished = self._finished.get_nowait()
            except Empty:
                return tickets, False
        return tickets, True

    def _commit(self, tickets: Sequence[Ticket]) -> None:
        """Commit the records of all whole tickets as one transaction, then let the answers leave."""
        answers: list[tuple[Ticket, Exception | None]] = []
        whole: list[Ticket] = []
        for ticket in tickets:
            if any(record is None for record in ticket.records):
                answers.append((ticket, Broken()))
            elif ticket.is_wanted():
                whole.append(ticket)
        records = [record for ticket in whole for record in ticket.records if record is not None]
        stored = self._store(records)
        answers += [(ticket, None if stored else LogUnavailable()) for ticket in whole]
        for loop in {ticket.loop for ticket, _ in answers}:
            mine = [(ticket, error) for ticket, error in answers if ticket.loop is loop]
            try:
                loop.call_soon_threadsafe(_settle_all, mine)
            except RuntimeError:
                log.warning("answers_lost", count=len(mine), reason="event loop closed")

    def _store(self, records: Sequence[Record]) -> bool:
        """Whether all records are committed."""
        if not records:
            return True
        began = time.perf_counter()
        try:
            self._append(records)
        except Exception as error:  # noqa: BLE001 - whatever a database does, the callers are told and the writer goes on
            self._metrics.commit_failed()
            self._log_failing = True
            log.error("commit_failed", rows=len(records), error=where(error))
            return False
        self._log_failing = False
        self._metrics.committed(records, time.perf_counter() - began)
        return True


def fair_share(waiting: int, idle: int, most: int) -> int:
    """How many texts a worker takes that has one, while others wait and other workers are idle.

    Not all: with four workers, eight texts are computed two by two, side by side. The busy ones get nothing left for
    them: when they come back others will have come, and texts computed together take a quarter less of a core than one
    by one (measured; see `tests/bench/README.md`).
    """
    return min(most, math.ceil((1 + waiting) / (1 + idle)))


def _settle_all(answers: Sequence[tuple[Ticket, Exception | None]]) -> None:
    for ticket, error in answers:
        ticket.settle(error)
