"""A tiny deterministic classifier and a whole application around it, on a real SQLite log."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry

from model.prediction import PROJECTION_SIZE, CutOff, ModelInfo, Predictions, Record
from service.made_elsewhere import NoPredictor
from service.metrics import Metrics
from service.parts import Parts, RequestLimits
from service.predictor import Limits, Predictor
from service.security import Keys
from service.store.audits import Audits
from service.store.database import Database
from service.store.labels import Labels
from service.store.outbox import Outbox
from service.store.predictions import PredictionLog
from service.store.reports import Reports
from service.store.verdicts import Verdicts

LABELS = ("World", "Sports", "Business", "Sci/Tech")
INFO = ModelInfo(version="v1", labels=LABELS, features=("characters", "tokens"), name="stand-in")
START = 1_767_225_600_000_000


class StandIn:
    """Classifies by the length of the text; can be held, slowed, and made to fail on one text."""

    info = INFO
    engine = "stand-in"
    precision = "fp32"

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.poison = "\x01poison"

    def classify(self, texts: Sequence[str]) -> Predictions:
        self.batches.append(list(texts))
        self.entered.release()
        assert self.open.wait(20), "the test never let the classifier go on"
        if self.poison in texts:
            raise ValueError(f"cannot read {texts!r}")
        labels = np.array([len(text) % 4 for text in texts], np.int64)
        scores = np.full((len(texts), 4), 0.1, np.float32)
        scores[np.arange(len(texts)), labels] = 0.7
        lengths = np.array([[len(text), len(text.split())] for text in texts], np.float32)
        projections = np.zeros((len(texts), PROJECTION_SIZE), np.float32)
        return Predictions(labels, scores, lengths, projections, np.array([len(text) > 1000 for text in texts]))

    @property
    def texts(self) -> list[str]:
        return [text for batch in self.batches for text in batch]


def ticking(start: int = START, step: int = 1000) -> Callable[[], int]:
    """A clock that moves by a millisecond whenever it is read."""
    counter = itertools.count(start, step)
    return lambda: next(counter)


class House:
    """All parts, so that a test can look behind the door; `append` may be replaced to make the log fail."""

    def __init__(
        self,
        database: Database,
        pages: Path,
        *,
        keys: Sequence[str] = (),
        limits: Limits | None = None,
        request_limits: RequestLimits | None = None,
        store_text: str = "full",
        record_only: ModelInfo | None = None,
        cut_off: CutOff | None = None,
    ) -> None:
        """`record_only`: no model is served, predictions of this one come from elsewhere."""
        info = record_only or INFO
        self.database = database
        self.log = PredictionLog(database)
        self.append: Callable[[Sequence[Record]], None] = self.log.append
        self.clock = ticking()
        self.log.register(info, START)
        self.info = info
        self.classifier = StandIn()
        self.metrics = Metrics(CollectorRegistry())
        self.predictor = (
            NoPredictor(info, "b7")
            if record_only
            else Predictor(
                self.classifier,
                self._append,
                self.metrics,
                self.clock,
                limits or Limits(workers=2),
                store_text=store_text,
                baseline_id="b1",
            )
        )
        self.parts = Parts(
            model=info,
            predictor=self.predictor,
            log=self.log,
            labels=Labels(database),
            audits=Audits(database, np.random.default_rng(0), 3_600_000_000),
            verdicts=Verdicts(database),
            reports=Reports(database, kept=5),
            outbox=Outbox(database),
            metrics=self.metrics,
            clock=self.clock,
            interval=300.0,
            pages=pages,
            version="0.0-test",
            keys=Keys(keys),
            limits=request_limits or RequestLimits(),
            cut_off=cut_off,
            store_text=store_text,
        )

    def _append(self, records: Sequence[Record]) -> None:
        self.append(records)

    def rows(self) -> int:
        return self.log.total(INFO.version)

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """For what another thread brings about; fails loudly instead of hanging."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.002)
