"""Predictions made by a model that is served elsewhere: they enter the same log, and nothing is classified here.

`Recorder` commits them; `NoPredictor` stands where no model is served. Knows nothing of HTTP.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import structlog

from model.prediction import ModelInfo, Record
from service.errors import LogUnavailable, NoModelHere, where
from service.metrics import Metrics
from service.tickets import Item

log = structlog.get_logger(__name__)

ELSEWHERE = "elsewhere"
"""The engine of a row or baseline whose model runs somewhere else."""
UNKNOWN = "unknown"
"""Its precision."""


@dataclass(frozen=True, slots=True)
class Absent:
    """What stands where a classifier would: what its numbers mean is known, it is not here."""

    info: ModelInfo
    engine: str = ELSEWHERE
    precision: str = UNKNOWN


class NoPredictor:
    """In the place of `service.predictor.Predictor` where no model is served; refuses every text."""

    def __init__(self, info: ModelInfo, baseline_id: str | None) -> None:
        self.classifier = Absent(info)
        self.baseline_id = baseline_id
        self.accepting = False
        self.log_failing = False

    def start(self) -> None:
        self.accepting = True

    def stop(self, patience: float = 30.0) -> None:
        self.accepting = False

    def submit(self, items: Sequence[Item], timeout: float | None = None) -> NoReturn:
        raise NoModelHere

    def refusal(self, expected: int) -> None:
        """Nothing waits here."""

    def log_recovered(self) -> None:
        """It writes nothing, so its log never fails."""


class Recorder:
    """Commits rows that were made elsewhere, and counts them. `append` commits all of them as one transaction."""

    def __init__(self, append: Callable[[Sequence[Record]], None], metrics: Metrics) -> None:
        self._append = append
        self._metrics = metrics
        self._failing = False

    @property
    def log_failing(self) -> bool:
        """True from a failed commit until the next that succeeds, or until `log_recovered`."""
        return self._failing

    def log_recovered(self) -> None:
        self._failing = False
        self._metrics.log_recovered()

    def record(self, records: Sequence[Record]) -> None:
        """On disk when it returns; blocks. Raises LogUnavailable."""
        began = time.perf_counter()
        try:
            self._append(records)
        except Exception as error:  # noqa: BLE001 - whatever a database does, the caller is told
            self._failing = True
            self._metrics.commit_failed()
            log.error("commit_failed", rows=len(records), error=where(error))
            raise LogUnavailable from None
        self._failing = False
        self._metrics.committed(records, time.perf_counter() - began)
