"""What the API needs, as one frozen value: `wiring` chooses the parts, `api` puts them together.

Store methods block; routes call them in a thread pool.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from model.prediction import CutOff, ModelInfo
from monitors.protocols import Clock
from service.made_elsewhere import NoPredictor
from service.metrics import Metrics
from service.predictor import Predictor
from service.security import Keys
from service.store.audits import Audits
from service.store.labels import Labels
from service.store.outbox import Outbox
from service.store.predictions import PredictionLog
from service.store.reports import Reports
from service.store.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may hold; the settings of the same names."""

    max_characters: int = 50_000
    max_batch_items: int = 256
    max_body_bytes: int = 4_194_304


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that the application is made of."""

    model: ModelInfo
    predictor: Predictor | NoPredictor
    """What classifies; `NoPredictor` where all predictions are made elsewhere."""
    log: PredictionLog
    labels: Labels
    audits: Audits
    verdicts: Verdicts
    reports: Reports
    outbox: Outbox
    metrics: Metrics
    clock: Clock
    interval: float
    """Seconds between two rounds of checks."""
    pages: Path
    """Directory of the status page's files."""
    version: str
    """Of this program."""
    keys: Keys = field(default_factory=lambda: Keys(()))
    limits: RequestLimits = field(default_factory=RequestLimits)
    cut_off: CutOff | None = None
    """How this version's predictions made elsewhere are answered; None is the highest score."""
    store_text: str = "full"
    """What the log keeps of a text of a prediction made elsewhere; the predictor knows it for its own."""
