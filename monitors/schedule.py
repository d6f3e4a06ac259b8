"""APScheduler around the rounds, the outbox and the reports.

Slots are multiples of the interval since the epoch, so that two monitors on one database take turns.
Knows nothing of what a job does; one that raises is logged by the type of its error, and comes again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from model.errors import BertwatchError
from monitors.protocols import Clock

logger = structlog.get_logger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Jobs:
    """What is done again and again, each never beside itself."""

    round: Callable[[str], object]
    """A round of checks for the named slot."""
    deliver: Callable[[], object]
    reports: Callable[[], object]
    prune: Callable[[], object] | None = None
    """Takes what is old out of the log; None keeps everything."""


def slot_of(now: int, interval: float) -> str:
    """The name of the slot that `now` (microseconds) lies in; `interval` in seconds."""
    return str(now // _microseconds(interval))


def keep_watch(
    jobs: Jobs, interval: float, clock: Clock, stop: threading.Event, *, between_errands: float = 5.0
) -> None:
    """Do the jobs until `stop` is set: a round at once and then at each slot's beginning, pruning after it and then
    once a day, the others every `between_errands` seconds. Returns when what was in progress is finished.
    """
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it tells of every run
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(len(Jobs.__slots__))},
        # by default a run that starts a second late is dropped
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )

    def do_round() -> None:
        if not stop.is_set():
            jobs.round(slot_of(clock(), interval))

    began = EPOCH + timedelta(microseconds=clock() // _microseconds(interval) * _microseconds(interval))
    for name, job, trigger in (
        ("round", do_round, IntervalTrigger(seconds=interval, start_date=began, timezone=UTC)),
        ("deliver", jobs.deliver, IntervalTrigger(seconds=between_errands, timezone=UTC)),
        ("reports", jobs.reports, IntervalTrigger(seconds=between_errands, timezone=UTC)),
    ):
        scheduler.add_job(_steadily(name, job), trigger, id=name, name=name)
    if jobs.prune is not None:
        now = EPOCH + timedelta(microseconds=clock())  # without it the first day would pass, and each day has a restart
        daily = IntervalTrigger(days=1, timezone=UTC)
        scheduler.add_job(_steadily("prune", jobs.prune), daily, id="prune", name="prune", next_run_time=now)
    _steadily("round", do_round)()
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.shutdown(wait=True)


def _steadily(name: str, job: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        try:
            job()
        except BertwatchError as error:
            logger.error("job_failed", job=name, error=type(error).__name__, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the database may be back at the next run
            logger.error("job_failed", job=name, error=type(error).__name__)

    return run


def _microseconds(interval: float) -> int:
    return max(1, round(interval * 1_000_000))
