"""The composition root: the one file that sees everything and puts it together, a function a command.

What heavy parts need is imported when a command runs: `monitor` never loads torch, `serve` never loads Evidently.
"""

from __future__ import annotations

import importlib.metadata
import ipaddress
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import InputError, SurroundingsError
from service.logs import log_to_stderr
from service.settings import PREFIX, NotifyMode, Settings
from service.terminal import progress_bar

if TYPE_CHECKING:
    from model.artifact import Artifact
    from model.classifier import Classifier
    from model.gates import GateResult
    from model.tracking import Tracking
    from monitors.baseline import Baseline
    from monitors.protocols import Channel, Clock
    from monitors.runner import Runner
    from monitors.scored_file import ScoredColumns
    from service.made_elsewhere import NoPredictor
    from service.metrics import Metrics
    from service.offline import Made
    from service.predictor import Predictor
    from service.release import Words
    from service.store.database import Database
    from service.store.predictions import PredictionLog

SECOND = 1_000_000


def clock() -> int:
    """Now, in microseconds since the epoch."""
    return time.time_ns() // 1000


def program_version() -> str:
    return importlib.metadata.version("bertwatch")


# ── offline ──────────────────────────────────────────────────────────────────────────────────────


def train(
    *,
    dataset: str,
    base_model: str,
    output: Path,
    train_rows: int,
    test_rows: int,
    batch_size: int,
    epochs: int,
    seed: int,
    quiet: bool,
) -> dict[str, Any]:
    """`bertwatch train`."""
    if output.exists() and any(output.iterdir()):
        raise InputError(f"{output} exists and is not empty; choose another --output.")
    from model.datasets import load_dataset

    learn = load_dataset(dataset, split="train", train_rows=train_rows, test_rows=test_rows, seed=seed)
    measure = load_dataset(dataset, split="test", train_rows=train_rows, test_rows=test_rows, seed=seed)
    from model.training import train as fine_tune

    steps = epochs * -(-len(learn) // batch_size)
    with progress_bar("Training", steps, quiet=quiet) as advance:
        result = fine_tune(
            learn, measure, base_model, output, batch_size=batch_size, epochs=epochs, seed=seed,
            progress=lambda done, total: advance(1),
        )  # fmt: skip
    dropped = f"; {result.dropped_test_rows} were also training rows and left out" if result.dropped_test_rows else ""
    right = f"right on {result.test_accuracy:.1%} of {result.test_rows} test rows"
    _say(f"{output}: version {result.version}, {right}{dropped}", quiet)
    return {
        "output": str(output), "version": result.version, "test_accuracy": result.test_accuracy,
        "train_rows": result.train_rows, "test_rows": result.test_rows, "dropped_test_rows": result.dropped_test_rows,
    }  # fmt: skip


def baseline(
    settings: Settings,
    dataset: str,
    rows: str | None,
    output: str,
    *,
    words: Words,
    tracking: Tracking | None,
    quiet: bool,
) -> tuple[dict[str, Any], tuple[GateResult, ...]]:
    """`bertwatch baseline`: what `--json` prints, and what became of the gates."""
    from model.remote import send, workplace
    from monitors.baseline.contract import CONTRACT_FILE
    from service.release_words import release_facts

    _check_tracking(tracking)
    with workplace(output, CONTRACT_FILE) as directory:
        made = _baseline(settings, dataset, rows, directory, words, quiet=quiet)
        send(directory, output, CONTRACT_FILE)
        run = _track(tracking, made.baseline, directory, output, quiet=quiet)
    facts = _figures(made.baseline, output) | release_facts(made.baseline, made.answers) | {"mlflow_run": run}
    return facts, made.answers.gates


def _baseline(settings: Settings, dataset: str, rows: str | None, output: Path, words: Words, *, quiet: bool) -> Made:
    from model.datasets import load_dataset
    from service.offline import make_baseline, true_classes
    from service.release_words import release_lines
    from service.terminal import figures

    artifact = open_model(settings)
    texts = load_dataset(dataset, split="all", rows=rows, label_names=artifact.info.labels)
    # refused before anything heavy loads
    asked = words.questions(artifact.info.labels)
    true_classes(texts, artifact.info.labels, allow_missing=asked.allow_missing_classes)
    classifier = open_classifier(settings, artifact)
    exact = _exact_beside(classifier, artifact)
    work = len(texts) * (1 if exact is None else 2) + (len(asked.behavior.texts) if asked.behavior else 0)
    with progress_bar("Evaluating", work, quiet=quiet) as advance:
        made = make_baseline(classifier, artifact, texts, output, progress=advance, asked=asked, exact=exact)
    head = f"{output}: {artifact.info.name}, {len(texts)} rows"
    lines = [head, *figures(made.baseline.metrics), *release_lines(made.baseline, made.answers)]
    _say("\n".join(lines), quiet)
    return made


def evaluate(
    predictions: str,
    columns: ScoredColumns,
    output: str,
    *,
    version: str | None,
    name: str | None,
    words: Words,
    tracking: Tracking | None,
    quiet: bool,
) -> tuple[dict[str, Any], tuple[GateResult, ...]]:
    """`bertwatch evaluate`: what `--json` prints, and what became of the gates."""
    from model.remote import local_file, send, workplace
    from monitors.baseline.contract import CONTRACT_FILE
    from monitors.scored_file import read_scored
    from service.release_words import release_facts, release_lines
    from service.scored_baseline import STEPS, make_scored_baseline
    from service.terminal import figures

    _check_tracking(tracking)
    with workplace(output, CONTRACT_FILE) as directory:
        with progress_bar("Evaluating", STEPS + 1, quiet=quiet) as advance:
            with local_file(predictions) as path:
                rows = read_scored(path, columns, allow_missing=words.allow_missing_classes)
                model = rows.model(version, name or path.stem)
            advance(1)
            made = make_scored_baseline(rows, model, directory, advance, asked=words.questions(rows.labels))
        send(directory, output, CONTRACT_FILE)
        head = f"{output}: {model.name} ({model.version}), {len(rows)} rows"
        lines = [head, *figures(made.baseline.metrics), *release_lines(made.baseline, made.answers)]
        _say("\n".join(lines), quiet)
        run = _track(tracking, made.baseline, directory, output, quiet=quiet)
    facts = _figures(made.baseline, output) | {"model_version": model.version, "labels": list(model.labels)}
    return facts | release_facts(made.baseline, made.answers) | {"mlflow_run": run}, made.answers.gates


def _figures(made: Baseline, output: str) -> dict[str, Any]:
    """What `--json` prints of a baseline; nothing is rounded."""
    return {
        "output": output, "id": made.id, "rows": len(made.reference),
        "metrics": {name: {"value": e.value, "low": e.low, "high": e.high} for name, e in made.metrics.items()},
    }  # fmt: skip


def _check_tracking(tracking: Tracking | None) -> None:
    if tracking is not None:
        from model.tracking import check_installed

        check_installed()


def _track(tracking: Tracking | None, made: Baseline, directory: Path, output: str, *, quiet: bool) -> str | None:
    """Log a baseline that is written already: whatever becomes of this, it is kept. The id of the run."""
    if tracking is None:
        return None
    from model.tracking import Run, log_run

    model = made.model
    parameters = {
        "model": model.name, "model_version": model.version, "classes": ", ".join(model.labels),
        "features": ", ".join(model.features), "engine": f"{made.engine} {made.precision}",
        "baseline": made.id, "output": output,
    }  # fmt: skip
    run = Run(f"{model.name} {made.id}", parameters, made.metrics, made.dataset, directory)
    try:
        run_id = log_run(tracking, run)
    except (InputError, SurroundingsError) as error:
        raise type(error)(f"{error} The baseline {output} is kept.") from None
    _say(f"MLflow: run {run_id}", quiet)
    return run_id


def sagemaker(
    captured: str, ground_truth: str | None, labels: tuple[str, ...], inputs: tuple[str, ...], output: Path
) -> dict[str, Any]:
    """`bertwatch sagemaker`."""
    from model.remote import local_directory, local_file
    from model.sagemaker_files import prediction_table, read_captured, read_ground_truth
    from monitors.table_file import write_table

    def at_hand(place: str) -> Any:
        return local_file(place) if place.endswith(".jsonl") else local_directory(place)

    with at_hand(captured) as place:
        answers = read_captured(place)
    truth: dict[str, str] = {}
    if ground_truth is not None:
        with at_hand(ground_truth) as place:
            truth = read_ground_truth(place)
    columns = prediction_table(answers, truth, labels, inputs)
    labelled = sum(label is not None for label in columns.get("label", ()))
    write_table(columns, output)
    return {"output": str(output), "rows": len(answers), "labelled": labelled, "columns": list(columns)}


def check(settings: Settings, directory: str, predictions: str, *, as_json: bool) -> int:
    """`bertwatch check`: one round on a file; exit status 1 for a ticket or a page."""
    import json
    from dataclasses import replace

    from model.remote import local_directory, local_file
    from monitors.baseline import load_baseline
    from monitors.in_memory import MemoryJournal, MemoryLog, MemoryReports
    from monitors.prediction_file import read_predictions
    from monitors.verdict import Severity
    from service.store.verdict_json import encode_verdict
    from service.terminal import verdict_lines

    log_to_stderr("warning")  # the verdict is all that stands on stdout
    with local_directory(directory) as baseline_at, local_file(predictions) as file:
        held = load_baseline(baseline_at)
        window = read_predictions(file, held.model, held.cut_off)
    log = MemoryLog(held.model)
    log.add(window)
    # The whole file is the window, whenever its rows were made.
    end = int(window.time.max()) + 1
    whole = settings.model_copy(update={"window": 1e9, "accuracy_window": 1e9, "silence": 0.0})
    runner = _runner(
        whole, held, (), now=lambda: end, log=log, journal=MemoryJournal(), reports=MemoryReports()
    )  # fmt: skip
    outcome = runner.run(predictions)
    assert outcome is not None, "nobody else takes slots of this journal"
    verdict = replace(outcome.verdict, start=int(window.time.min()))
    if as_json:
        click.echo(json.dumps(encode_verdict(verdict)))
    else:
        click.echo("\n".join(verdict_lines(verdict)))
    return 1 if verdict.severity.rank >= Severity.TICKET.rank else 0


def calibrate(settings: Settings, *, predictions_per_day: float, label_share: float, seed: int, as_json: bool) -> None:
    """`bertwatch calibrate`."""
    import json

    import numpy as np

    from monitors.baseline import load_baseline
    from monitors.calibration import COMPARISONS, Effort, Traffic, Trial
    from monitors.calibration import calibrate as simulate
    from service.expectation import expectation_json, expectation_lines

    assert settings.baseline is not None, "the command line asks for it"
    with _baseline_at_hand(settings) as at_hand:
        held = load_baseline(Path(str(at_hand.baseline)))
    chosen, effort = checks(settings), Effort()
    traffic = Traffic(
        predictions_per_day, label_share, settings.window, settings.minimum_rows, settings.window_reach
    )  # fmt: skip
    with progress_bar("Simulating", effort.steps, quiet=as_json) as advance:
        trial = Trial(
            baseline=held,
            checks=[check for check in chosen.checks if check.aspect in COMPARISONS],
            alphas=chosen.alphas,
            effort=effort,
            rng=np.random.default_rng(seed),
            progress=advance,
        )
        found = simulate(
            trial, traffic,
            margin=settings.margin, harm="harm", false_notices_per_year=settings.false_notices_per_year,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(expectation_json(found, traffic)))
    else:
        click.echo("\n".join(expectation_lines(found, traffic, settings.margin)))


def replay(
    *,
    url: str,
    dataset: str,
    rows: str | None,
    count: int | None,
    rate: float,
    label_delay: float | None,
    label_share: float,
    scenario: str | None,
    after: int,
    seed: int,
    key_file: Path | None,
    quiet: bool,
) -> dict[str, Any] | None:
    """`bertwatch replay`; None where it only lists the scenarios."""
    from model.scenarios import SCENARIOS

    if scenario == "list":
        for each in SCENARIOS.values():
            click.echo(f"{each.name:<16} {each.description}")
        return None
    import asyncio
    from dataclasses import asdict, replace

    from model.datasets import load_dataset
    from service.replay import Pace, ReplaySummary, drifted, rows_of
    from service.replay import replay as send

    texts = load_dataset(dataset, split="live", rows=rows, count=count, seed=seed)
    if scenario is not None:
        texts = drifted(texts, scenario, after, seed)
    pace = Pace(rate=rate, label_delay=label_delay, label_share=label_share, seed=seed)
    key = _lines(key_file, "key file")[0] if key_file is not None else None
    done = 0
    with progress_bar("Replaying", len(texts), quiet=quiet) as advance:

        def progress(summary: ReplaySummary) -> None:
            nonlocal done
            finished = summary.answered + summary.failed
            advance(finished - done)
            done = finished

        summary = asyncio.run(send(rows_of(texts), url, pace, key=key, progress=progress))
    _say(
        f"{summary.answered} of {summary.sent} answered in {summary.seconds:.1f} s, {summary.correct} as labelled; "
        f"{summary.labelled} labels taken; {summary.refused} tries refused, {summary.failed} rows failed",
        quiet,
    )
    if summary.failed:
        raise SurroundingsError(f"{summary.failed} of {summary.sent} rows got no prediction; see the service's log.")
    return asdict(replace(summary, seconds=round(summary.seconds, 3)))


# ── online ───────────────────────────────────────────────────────────────────────────────────────


def serve(settings: Settings) -> None:
    """`bertwatch serve`. What can be refused is refused before anything loads."""
    keys = _keys(settings)
    _refuse_open_door(settings, keys)
    log_to_stderr(settings.log_level)
    from service.server import bind

    listener = bind(settings.host, settings.port)
    with listener, _baseline_at_hand(settings) as at_hand, _open_log(settings) as database:
        _serve_on(listener, at_hand, keys, database)


def _serve_on(listener: Any, settings: Settings, keys: tuple[str, ...], database: Database) -> None:
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
        pages=Path(__file__).parent / "pages",
        version=program_version(),
        keys=Keys(keys),
        limits=RequestLimits(settings.max_characters, settings.max_batch_items, settings.max_body_bytes),
        cut_off=held.cut_off if held else None,
        store_text=settings.store_text.value,
    )
    app = create_app(parts)
    watching = settings.monitor and held is not None
    companion = Companion(_monitor_command, _environment(settings)) if watching else None
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
    classifier.classify(["The first text takes longer than the others; nobody waits for this one."])
    limits = Limits(
        workers=settings.workers or available_cores(),
        queue_size=settings.queue_size,
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


@contextmanager
def _baseline_at_hand(settings: Settings) -> Iterator[Settings]:
    """The settings with a baseline that is a directory of this machine, also for the monitor beside the service."""
    from model.remote import is_remote, local_directory

    if settings.baseline is None or not is_remote(settings.baseline):
        yield settings
        return
    with local_directory(settings.baseline) as directory:
        yield settings.model_copy(update={"baseline": str(directory)})


def monitor(settings: Settings, *, once: bool, parent_pipe: int | None) -> None:
    """`bertwatch monitor`."""
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
    assert settings.baseline is not None, "the command line asks for it"
    with _baseline_at_hand(settings) as at_hand:
        held = load_baseline(Path(str(at_hand.baseline)))
    channels = open_channels(settings)
    with _open_log(settings) as database:
        log, journal = PredictionLog(database), Verdicts(database)
        log.register(held.model, clock())
        reports = Reports(database, settings.reports_kept)
        runner = _runner(settings, held, tuple(channels), log=log, journal=journal, reports=reports)
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
        )
        if once:
            jobs.round(f"once-{clock()}")
            jobs.deliver()
            jobs.reports()
        else:
            keep_watch(jobs, settings.interval, clock, stop, between_errands=min(5.0, settings.interval))


def _runner(
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


def audit(settings: Settings, *, count: int, uncertain: bool, output: Path | None) -> None:
    """`bertwatch audit`."""
    import json

    import numpy as np

    from service.audit import questions, served_version, write_lines
    from service.store.audits import Audits
    from service.store.nouns import Strategy
    from service.store.predictions import PredictionLog

    with _open_log(settings) as database:
        log = PredictionLog(database)
        audits = Audits(database, np.random.default_rng(), int(settings.accuracy_window * SECOND))
        strategy = Strategy.UNCERTAIN if uncertain else Strategy.UNIFORM
        entries = questions(log, audits, served_version(log), clock(), count=count, strategy=strategy)
    if output is None:
        for entry in entries:
            click.echo(json.dumps(entry))
        return
    write_lines(entries, output)
    click.echo(f"{output}: {len(entries)} predictions to label; send each true label to POST /feedback.")


def upgrade(settings: Settings) -> None:
    """`bertwatch db upgrade`."""
    with _open_log(settings):
        click.echo("The schema is up to date.")


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


# ── parts ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Chosen:
    """The checks that are run, with what the budget allows each, and the judge over them."""

    checks: Any
    streams: Any
    alphas: Any
    judge: Any


def checks(settings: Settings) -> Chosen:
    """Every check and stream that there is, with its share of the budget."""
    from functools import partial

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


def _exact_beside(classifier: Classifier, artifact: Artifact) -> Classifier | None:
    """The same model with an exact engine, for one whose engine is not."""
    from model.classifier import Classifier as Made
    from model.engines import EXACT
    from model.engines.registry import open_engine

    return None if classifier.precision == EXACT else Made(artifact, open_engine("auto", artifact))


def export(settings: Settings, output: Path | None) -> Path:
    """`bertwatch model export`."""
    from model.engines.registry import export_engine

    return export_engine(settings.engine, open_model(settings), output)


def open_channels(settings: Settings) -> dict[str, Channel]:
    """Receivers by number; none where Alertmanager tells people. Raises InputError."""
    if settings.notify_mode is NotifyMode.ALERTMANAGER:
        return {}
    from monitors.notifier import apprise_channels

    urls = settings.notify_urls.split()
    if settings.notify_file is not None:
        urls += _lines(settings.notify_file, "notify file")
    return apprise_channels(urls) if urls else {}


@contextmanager
def _open_log(settings: Settings) -> Iterator[Database]:
    """The database, with its schema up to date."""
    from service.store.database import open_database

    with open_database(settings.database) as database:
        database.upgrade()
        yield database


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _keys(settings: Settings) -> tuple[str, ...]:
    if settings.key_file is None:
        return ()
    keys = tuple(_lines(settings.key_file, "key file"))
    if not keys:
        raise InputError(f"The key file {settings.key_file} holds no key; put one on each line.")
    if any(len(key) < 16 for key in keys):
        raise InputError(f"The key file {settings.key_file} holds a key of fewer than 16 characters; use longer ones.")
    return keys


def _lines(path: Path, what: str) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"Cannot read the {what} {path}: {reason}.") from None
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _refuse_open_door(settings: Settings, keys: tuple[str, ...]) -> None:
    if keys or settings.allow_anonymous or _is_loopback(settings.host):
        return
    raise InputError(
        f"Listening on {settings.host} lets everybody on the network in; give --key-file, "
        "or --allow-anonymous if that is meant."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _environment(settings: Settings) -> dict[str, str]:
    """The settings as the monitor process reads them, in place of ours."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    values = settings.model_dump(mode="json", exclude_defaults=True)
    return mine | {PREFIX + name.upper(): str(value) for name, value in values.items()}


def _monitor_command(pipe: int) -> list[str]:
    return [sys.executable, "-m", "service.cli", "monitor", "--parent-pipe", str(pipe)]


def _say(text: str, quiet: bool) -> None:
    if not quiet:
        click.echo(text)
