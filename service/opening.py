"""Opens what the settings name: model, engine, baseline, log, predictor. Knows nothing of checks, rounds or HTTP."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from model.errors import InputError
from service.settings import Settings

if TYPE_CHECKING:
    from model.artifact import Artifact
    from model.classifier import Classifier
    from monitors.baseline import Baseline
    from service.made_elsewhere import NoPredictor
    from service.metrics import Metrics
    from service.predictor import Predictor
    from service.store.database import Database
    from service.store.predictions import PredictionLog

SECOND = 1_000_000


def clock() -> int:
    """Now, in microseconds since the epoch."""
    return time.time_ns() // 1000


def program_version() -> str:
    return importlib.metadata.version("bertwatch")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_model(settings: Settings) -> Artifact:
    """The model that the settings name, checked and hashed; nothing heavy is loaded for it."""
    from model.artifact import open_artifact

    assert settings.model is not None, "the command line asks for it"
    return open_artifact(settings.model, settings.labels)


def open_classifier(settings: Settings, artifact: Artifact) -> Classifier:
    """The model with the engine that the settings name."""
    from model.classifier import Classifier
    from model.engines.registry import open_engine

    return Classifier(artifact, open_engine(settings.engine, artifact))


def exact_beside(classifier: Classifier, artifact: Artifact) -> Classifier | None:
    """The same model with an exact engine, for one whose engine is not."""
    from model.classifier import Classifier as Made
    from model.engines import EXACT
    from model.engines.registry import open_engine

    return None if classifier.precision == EXACT else Made(artifact, open_engine("auto", artifact))


@contextmanager
def baseline_at_hand(settings: Settings) -> Iterator[Settings]:
    """The settings with a baseline that is a directory of this machine, also for the monitor beside the service.

    Without one: the newest that was promoted for the model (without a model: for any); none where none was.
    """
    from model.remote import is_remote, local_directory

    if settings.baseline is None:
        from service.promotion import promoted
        from service.store.baselines import Baselines

        version = open_model(settings).info.version if settings.model else None
        with ExitStack() as held:
            with open_log(settings) as database:
                directory = held.enter_context(promoted(Baselines(database), version))
            yield settings if directory is None else settings.model_copy(update={"baseline": str(directory)})
        return
    if not is_remote(settings.baseline):
        yield settings
        return
    with local_directory(settings.baseline) as directory:
        yield settings.model_copy(update={"baseline": str(directory)})


@contextmanager
def open_log(settings: Settings) -> Iterator[Database]:
    """The database, with its schema up to date."""
    from service.store.database import open_database

    with open_database(settings.database) as database:
        database.upgrade()
        yield database


def open_predictor(settings: Settings, held: Baseline | None, log: PredictionLog, metrics: Metrics) -> Predictor:
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


def no_predictor(held: Baseline | None, log: PredictionLog) -> NoPredictor:
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
