"""Parts as the settings ask for them: model, engine, baseline, checks, log, receivers, and the runner over them."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from service.keyring import read_lines
from service.settings import NotifyMode, Settings

if TYPE_CHECKING:
    from model.artifact import Artifact
    from model.classifier import Classifier
    from monitors.baseline import Baseline
    from monitors.protocols import Channel, Clock
    from monitors.runner import Runner
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


def open_channels(settings: Settings) -> dict[str, Channel]:
    """Receivers by number; none where Alertmanager tells people. Raises InputError."""
    if settings.notify_mode is NotifyMode.ALERTMANAGER:
        return {}
    from monitors.notifier import apprise_channels

    urls = settings.notify_urls.split()
    if settings.notify_file is not None:
        urls += read_lines(settings.notify_file, "notify file")
    return apprise_channels(urls) if urls else {}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The checks that are run, with what the budget allows each, and the judge over them."""

    checks: Any
    streams: Any
    alphas: Any
    judge: Any


def checks(settings: Settings) -> Chosen:
    """Every check and stream that there is, with its share of the budget."""
    from monitors.budget import Budget
    from monitors.checks import all_checks, all_streams
    from monitors.judgement import judge

    budget = Budget(
        settings.interval,
        settings.false_pages_per_year,
        settings.false_notices_per_year,
        all_checks(),
        all_streams(),
    )
    return Chosen(
        checks=budget.checks,
        streams=budget.streams,
        alphas=budget.alphas,
        judge=partial(judge, margin=settings.margin, page_without_labels=settings.page_without_labels),
    )


def open_runner(
    settings: Settings, held: Baseline, receivers: tuple[str, ...], now: Clock | None = None, **stores: Any
) -> Runner:
    from monitors.episodes import ResolvePolicy
    from monitors.runner import Policy, Runner

    chosen = checks(settings)
    return Runner(
        baseline=held,
        checks=chosen.checks,
        streams=chosen.streams,
        alphas=chosen.alphas,
        judge=chosen.judge,
        policy=Policy(
            window=int(settings.window * SECOND),
            minimum_rows=settings.minimum_rows,
            window_reach=int(settings.window_reach * SECOND),
            accuracy_window=int(settings.accuracy_window * SECOND),
            margin=settings.margin,
            resolve=ResolvePolicy(
                rounds=settings.resolve_rounds,
                rows=settings.minimum_rows,
                labels=settings.resolve_labels,
                margin=settings.margin,
            ),
            receivers=receivers,
            public_url=settings.public_url,
            silence=settings.silence,
        ),
        clock=now or clock,
        **stores,
    )
