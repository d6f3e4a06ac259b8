"""Opens what the settings name: model, engine, baseline, log. Knows nothing of checks, rounds or HTTP."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from service.settings import Settings

if TYPE_CHECKING:
    from model.artifact import Artifact
    from model.classifier import Classifier
    from service.store.database import Database

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
