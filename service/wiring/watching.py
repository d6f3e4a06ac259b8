"""`bertwatch monitor`: rounds, notifications, reports and retention, on their schedule."""

from __future__ import annotations

import random
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.errors import InputError
from service.logs import log_to_stderr
from service.settings import Settings
from service.wiring.parts import baseline_at_hand, clock, open_channels, open_log, open_runner

if TYPE_CHECKING:
    from service.store.database import Database


def monitor(settings: Settings, *, once: bool, parent_pipe: int | None) -> None:
    """`bertwatch monitor`."""
    refuse_short_retention(settings)
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


def refuse_short_retention(settings: Settings) -> None:
    from service.keeping import DAY, check_retention

    if settings.retention_days:
        check_retention(settings.retention_days * DAY, longest_window(settings))


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
