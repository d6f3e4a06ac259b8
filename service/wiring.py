"""The composition root: the one file that sees everything and puts it together, and the commands that run on.

What heavy parts need is imported when a command runs: `monitor` never loads torch, `serve` never loads Evidently.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import InputError
from service.keyring import read_keys, read_lines, refuse_open_door
from service.logs import log_to_stderr
from service.opening import (
    SECOND,
    baseline_at_hand,
    clock,
    no_predictor,
    open_log,
    open_predictor,
    program_version,
)
from service.settings import PREFIX, NotifyMode, Settings

if TYPE_CHECKING:
    from monitors.baseline import Baseline
    from monitors.protocols import Channel, Clock
    from monitors.runner import Runner
    from service.parts import Parts
    from service.store.database import Database


def serve(settings: Settings) -> None:
    """`bertwatch serve`. What can be refused is refused before anything loads."""
    keys = read_keys(settings.key_file)
    refuse_open_door(settings.host, keys, allowed=settings.allow_anonymous)
    _refuse_short_retention(settings)
    log_to_stderr(settings.log_level)
    from service.server import bind

    listener = bind(settings.host, settings.port)
    with listener, baseline_at_hand(settings) as at_hand, open_log(settings) as database:
        _serve_on(listener, at_hand, keys, database, borrowed=at_hand.baseline != settings.baseline)


def _serve_on(listener: Any, settings: Settings, keys: tuple[str, ...], database: Database, *, borrowed: bool) -> None:
    """`borrowed`: the baseline's directory is a temporary one."""
    import structlog

    from monitors.baseline import load_baseline
    from service import server
    from service.api import create_app
    from service.companion import Companion

    held = None if settings.baseline is None else load_baseline(Path(settings.baseline))
    parts = _parts(settings, held, keys, database)
    app = create_app(parts)
    watching = settings.monitor and held is not None
    command = partial(_monitor_command, held if borrowed else None, Path(settings.baseline or ""))
    companion = Companion(command, _environment(settings)) if watching else None
    host, port = listener.getsockname()[:2]
    lines = structlog.get_logger("serve")

    def ready() -> None:
        lines.info("ready", url=f"http://{host}:{port}", model=parts.model.version, monitor=watching)
        if companion is not None:
            companion.start()

    try:
        server.serve(app, listener, app.state.readiness, ready)
    finally:
        if companion is not None:
            companion.stop()
        lines.info("ended")


def _parts(settings: Settings, held: Baseline | None, keys: tuple[str, ...], database: Database) -> Parts:
    """Everything that the API is made of."""
    import numpy as np
    from prometheus_client import CollectorRegistry

    from service.metrics import Metrics
    from service.parts import Parts, RequestLimits
    from service.security import Keys
    from service.store.audits import Audits
    from service.store.labels import Labels
    from service.store.outbox import Outbox
    from service.store.predictions import PredictionLog
    from service.store.reports import Reports
    from service.store.verdicts import Verdicts

    log = PredictionLog(database)
    metrics = Metrics(CollectorRegistry())
    predictor = open_predictor(settings, held, log, metrics) if settings.model else no_predictor(held, log)
    return Parts(
        model=predictor.classifier.info,
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
        pages=Path(__file__).parent / "pages",
        version=program_version(),
        keys=Keys(keys),
        limits=RequestLimits(settings.max_characters, settings.max_batch_items, settings.max_body_bytes),
        cut_off=held.cut_off if held else None,
        store_text=settings.store_text.value,
    )


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


def monitor(settings: Settings, *, once: bool, parent_pipe: int | None) -> None:
    """`bertwatch monitor`."""
    _refuse_short_retention(settings)
    log_to_stderr(settings.log_level)
    from monitors.baseline import load_baseline
    from monitors.notifier import Notifier
    from monitors.parent import die_with_parent, stop_on_signals, watch_parent
    from monitors.report import make_waiting_reports
    from monitors.schedule import Jobs, keep_watch
    from service.store.outbox import Outbox
    from service.store.predictions import PredictionLog
    from service.store.reports import Reports
    from service.store.verdicts import Verdicts

    stop = threading.Event()
    stop_on_signals(stop)
    if parent_pipe is not None:
        die_with_parent()
        watch_parent(parent_pipe, stop)
    with baseline_at_hand(settings) as at_hand:
        held = load_baseline(_given_or_promoted(at_hand))
    channels = open_channels(settings)
    with open_log(settings) as database:
        log, journal = PredictionLog(database), Verdicts(database)
        log.register(held.model, clock())
        reports = Reports(database, settings.reports_kept)
        runner = open_runner(settings, held, tuple(channels), log=log, journal=journal, reports=reports)
        notifier = Notifier(Outbox(database), channels, clock, random.random)
        jobs = Jobs(
            round=runner.run,
            deliver=notifier.deliver,
            reports=lambda: make_waiting_reports(
                log=log,
                journal=journal,
                reports=reports,
                baseline=held,
                clock=clock,
                rows=settings.report_rows,
                stop=stop,
            ),
            prune=partial(_prune, settings, database, stop) if settings.retention_days else None,
        )
        if once:
            jobs.round(f"once-{clock()}")
            jobs.deliver()
            jobs.reports()
            if jobs.prune is not None:
                jobs.prune()
        else:
            keep_watch(jobs, settings.interval, clock, stop, between_errands=min(5.0, settings.interval))


def _given_or_promoted(settings: Settings) -> Path:
    if settings.baseline is None:
        raise InputError(
            "--baseline is needed (or BERTWATCH_BASELINE, or 'baseline' in a settings file): none was promoted in this "
            "database with `bertwatch baseline promote`."
        )
    return Path(settings.baseline)


def _prune(settings: Settings, database: Database, stop: threading.Event) -> None:
    """Once a day; ends early when the monitor ends."""
    import structlog

    from service.keeping import DAY, prune_old

    gone = prune_old(database, settings.retention_days * DAY, clock(), stop.wait)
    structlog.get_logger("monitor").info("pruned", **gone)


def longest_window(settings: Settings) -> float:
    """Seconds for which some window of the monitor may look back at a row."""
    return max(settings.accuracy_window, settings.window, settings.window_reach)


def _refuse_short_retention(settings: Settings) -> None:
    from service.keeping import DAY, check_retention

    if settings.retention_days:
        check_retention(settings.retention_days * DAY, longest_window(settings))


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


def open_channels(settings: Settings) -> dict[str, Channel]:
    """Receivers by number; none where Alertmanager tells people. Raises InputError."""
    if settings.notify_mode is NotifyMode.ALERTMANAGER:
        return {}
    from monitors.notifier import apprise_channels

    urls = settings.notify_urls.split()
    if settings.notify_file is not None:
        urls += read_lines(settings.notify_file, "notify file")
    return apprise_channels(urls) if urls else {}


def alerts_test(settings: Settings) -> int:
    """`bertwatch alerts test`: one line a receiver; exit status 1 if one of them did not take it."""
    from monitors.messages import test_notification

    channels = open_channels(settings)
    if not channels:
        raise InputError("No receiver is set; give Apprise URLs in BERTWATCH_NOTIFY_URLS or a --notify-file.")
    results = {name: channel.send(test_notification(clock())) for name, channel in channels.items()}
    for name, result in results.items():
        click.echo(f"receiver {name}: {'took it' if result.ok else result.error}")
    return 0 if all(result.ok for result in results.values()) else 1
