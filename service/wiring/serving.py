"""`bertwatch serve`: the model, the log and the API put together, with the monitor beside them."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import InputError
from service.keyring import read_keys, refuse_open_door
from service.logs import log_to_stderr
from service.settings import PREFIX, Settings
from service.wiring.parts import (
    SECOND,
    available_cores,
    baseline_at_hand,
    clock,
    open_classifier,
    open_log,
    open_model,
    program_version,
)
from service.wiring.watching import refuse_short_retention

if TYPE_CHECKING:
    from monitors.baseline import Baseline
    from service.made_elsewhere import NoPredictor
    from service.metrics import Metrics
    from service.predictor import Predictor
    from service.store.database import Database
    from service.store.predictions import PredictionLog


def serve(settings: Settings) -> None:
    """`bertwatch serve`. What can be refused is refused before anything loads."""
    keys = read_keys(settings.key_file)
    refuse_open_door(settings.host, keys, allowed=settings.allow_anonymous)
    refuse_short_retention(settings)
    log_to_stderr(settings.log_level)
    from service.server import bind

    listener = bind(settings.host, settings.port)
    with listener, baseline_at_hand(settings) as at_hand, open_log(settings) as database:
        _serve_on(listener, at_hand, keys, database, borrowed=at_hand.baseline != settings.baseline)


def _serve_on(listener: Any, settings: Settings, keys: tuple[str, ...], database: Database, *, borrowed: bool) -> None:
    """`borrowed`: the baseline's directory is a temporary one."""
    import numpy as np
    import structlog
    from prometheus_client import CollectorRegistry

    from monitors.baseline import load_baseline
    from service import server
    from service.api import create_app
    from service.companion import Companion
    from service.metrics import Metrics
    from service.parts import Parts, RequestLimits
    from service.security import Keys
    from service.store.audits import Audits
    from service.store.labels import Labels
    from service.store.outbox import Outbox
    from service.store.predictions import PredictionLog
    from service.store.reports import Reports
    from service.store.verdicts import Verdicts

    held = None if settings.baseline is None else load_baseline(Path(settings.baseline))
    log = PredictionLog(database)
    metrics = Metrics(CollectorRegistry())
    predictor = _predictor(settings, held, log, metrics) if settings.model else _no_predictor(held, log)
    info = predictor.classifier.info
    parts = Parts(
        model=info,
        predictor=predictor,
        log=log,
        labels=Labels(database),
        audits=Audits(database, np.random.default_rng(), int(settings.accuracy_window * SECOND)),
        verdicts=Verdicts(database),
        reports=Reports(database, settings.reports_kept),
        outbox=Outbox(database),
        metrics=metrics,
        clock=clock,
        interval=settings.interval,
        pages=Path(__file__).parents[1] / "pages",
        version=program_version(),
        keys=Keys(keys),
        limits=RequestLimits(settings.max_characters, settings.max_batch_items, settings.max_body_bytes),
        cut_off=held.cut_off if held else None,
        store_text=settings.store_text.value,
    )
    app = create_app(parts)
    watching = settings.monitor and held is not None
    command = partial(_monitor_command, held if borrowed else None, Path(settings.baseline or ""))
    companion = Companion(command, _environment(settings)) if watching else None
    host, port = listener.getsockname()[:2]
    lines = structlog.get_logger("serve")

    def ready() -> None:
        lines.info("ready", url=f"http://{host}:{port}", model=info.version, monitor=watching)
        if companion is not None:
            companion.start()

    try:
        server.serve(app, listener, app.state.readiness, ready)
    finally:
        if companion is not None:
            companion.stop()
        lines.info("ended")


def _predictor(settings: Settings, held: Baseline | None, log: PredictionLog, metrics: Metrics) -> Predictor:
    """The model with its workers; a baseline of another one is refused before anything heavy loads."""
    from monitors.baseline import check_fits
    from service.predictor import Limits, Predictor

    artifact = open_model(settings)
    if held is not None:  # before anything heavy loads, for which the engine does not matter
        check_fits(held, artifact.info, held.engine, held.precision)
    classifier = open_classifier(settings, artifact)
    if held is not None:
        check_fits(held, artifact.info, classifier.engine, classifier.precision)
    log.register(artifact.info, clock())
    # Each worker tokenizes on its own thread: handing a few texts over to a pool of more takes longer than it saves.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    classifier.classify(["The first text takes longer than the others; nobody waits for this one."])
    limits = Limits(
        workers=settings.workers or available_cores(),
        queue_size=settings.queue_size,
        queue_tokens=settings.queue_tokens,
        max_batch=settings.max_batch,
        request_timeout=settings.request_timeout,
    )
    return Predictor(
        classifier, log.append, metrics, clock, limits,
        store_text=settings.store_text.value, baseline_id=held.id if held else None,
        cut_off=held.cut_off if held else None,
    )  # fmt: skip


def _no_predictor(held: Baseline | None, log: PredictionLog) -> NoPredictor:
    """All predictions are made elsewhere, by the model that the baseline is of."""
    from service.made_elsewhere import ELSEWHERE, NoPredictor

    assert held is not None, "the command line asks for a model or a baseline"
    if held.engine != ELSEWHERE:
        raise InputError(
            f"--model is needed: the baseline is of model {held.model.version}, which was served with {held.engine}; "
            "only one made by `bertwatch evaluate` is watched without its model."
        )
    log.register(held.model, clock())
    return NoPredictor(held.model, held.id)


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as the monitor process reads them, in place of ours."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    values = settings.model_dump(mode="json", exclude_defaults=True)
    return mine | {PREFIX + name.upper(): str(value) for name, value in values.items()}


def _monitor_command(borrowed: Baseline | None, directory: Path, pipe: int) -> list[str]:
    """A borrowed baseline is laid out again where it is gone: what cleans temporary directories asks nobody."""
    if borrowed is not None:
        from service.promotion import lay_out_again

        lay_out_again(borrowed, directory)
    return [sys.executable, "-m", "service.cli", "monitor", "--parent-pipe", str(pipe)]
