"""The commands at the workbench: those that do one thing and end, on files, on a baseline or against a service.

Parts come from `wiring`. What is heavy is imported when a command runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import InputError, SurroundingsError
from service.keyring import read_lines
from service.logs import log_to_stderr
from service.settings import Settings
from service.terminal import progress_bar
from service.wiring import (
    SECOND,
    baseline_at_hand,
    checks,
    clock,
    exact_beside,
    open_classifier,
    open_log,
    open_model,
    open_runner,
)

if TYPE_CHECKING:
    from model.gates import GateResult
    from model.tracking import Tracking
    from monitors.baseline import Baseline
    from monitors.scored_file import ScoredColumns
    from service.offline import Made
    from service.release import Words

_EPISODES = 10_000
"""Episodes of a model version that are looked at, the newest first."""
_COMPARED = {"input_drift", "output_drift", "embedding_drift", "class_mix", "data_faults"}
_LEVEL = 0.05
"""Chance that two baselines of the same traffic are said to have drifted."""


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
    from contextlib import ExitStack

    from model.dataset_stream import open_stream
    from service.offline import make_baseline, strained_rows, true_classes
    from service.release_words import release_lines
    from service.terminal import figures

    artifact = open_model(settings)
    labels = artifact.info.labels
    with ExitStack() as opened:
        with progress_bar("Reading", None, quiet=quiet) as advance:
            texts = opened.enter_context(open_stream(dataset, rows=rows, label_names=labels, progress=advance))
        # refused before anything heavy loads
        asked = words.questions(labels)
        true_classes(texts, labels, allow_missing=asked.allow_missing_classes)
        classifier = open_classifier(settings, artifact)
        exact = exact_beside(classifier, artifact)
        work = len(texts) * (1 if exact is None else 2) + (len(asked.behavior.texts) if asked.behavior else 0)
        work += len(strained_rows(len(texts)))
        with progress_bar("Evaluating", work, quiet=quiet) as advance:
            made = make_baseline(classifier, artifact, texts, output, progress=advance, asked=asked, exact=exact)
    head = f"{output}: {artifact.info.name}, {len(texts)} rows"
    lines = [head, *figures(made.baseline.metrics), *release_lines(made.baseline, made.answers)]
    _say("\n".join(lines), quiet)
    return made


def baseline_from_log(
    settings: Settings, since: str, until: str, output: Path, *, labels_required: int, quiet: bool
) -> dict[str, Any]:
    """`bertwatch baseline from-log`."""
    from monitors.baseline import load_baseline
    from service.audit import served_version
    from service.from_log import Wanted, make_from_log
    from service.store.predictions import PredictionLog
    from service.store.verdicts import Verdicts
    from service.terminal import figures

    start, end = (_moment(time, flag) for time, flag in ((since, "--since"), (until, "--until")))
    if start >= end:
        raise InputError("--since must lie before --until.")
    before = None
    if settings.baseline is not None:
        with baseline_at_hand(settings) as at_hand:
            before = load_baseline(Path(str(at_hand.baseline)))
    with open_log(settings) as database:
        log, verdicts = PredictionLog(database), Verdicts(database)
        version = before.model.version if before else served_version(log)
        model = before.model if before else next(info for info in log.models() if info.version == version)
        episodes = verdicts.episodes(version, most=_EPISODES)
        with progress_bar("Reading", log.count(version, start, end), quiet=quiet) as advance:
            made = make_from_log(
                log, episodes, Wanted(model, start, end, labels_required, before), output, progress=advance
            )  # fmt: skip
    head = f"{output}: {model.name}, {len(made.reference)} rows of the {made.dataset['name']}"
    without = len(made.reference) - made.documents
    remarks = [f"The log holds no text of {without} of them; words are counted over the others."] if without else []
    if not made.documents:
        remarks = ["The log holds no text of most of them; words are not watched."]
    _say("\n".join([head, *figures(made.metrics), *remarks]), quiet)
    return _figures(made, str(output)) | {"model_version": version, "dataset": dict(made.dataset)}


def _moment(time: str, flag: str) -> int:
    """ISO 8601 as microseconds since the epoch."""
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        raise InputError(f"{flag} must be a time as ISO 8601 writes it: 2026-11-21T08:00.") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * SECOND)


def baseline_promote(settings: Settings, directory: str, *, quiet: bool) -> dict[str, Any]:
    """`bertwatch baseline promote`."""
    from model.remote import local_directory
    from service.promotion import promote
    from service.store.baselines import Baselines

    with local_directory(directory) as at_hand, open_log(settings) as database:
        held, news = promote(Baselines(database), at_hand, clock())
    model = f"{held.model.name} ({held.model.version})"
    _say(f"Model {model} is {'now' if news else 'already'} held to baseline {held.id}, if not told otherwise.", quiet)
    return {"baseline": held.id, "model_version": held.model.version, "promoted": news}


def baseline_compare(settings: Settings, old: str, new: str, *, quiet: bool) -> dict[str, Any]:
    """`bertwatch baseline compare`: figures as a release compares them, and the checks with the old one as baseline."""
    from model.remote import local_directory
    from monitors.baseline import compare, load_baseline
    from monitors.protocols import Evidence
    from monitors.verdict import State
    from service.release_words import comparison_facts, comparison_lines

    with local_directory(old) as first, local_directory(new) as second:
        before, after = load_baseline(first), load_baseline(second)
    changes = compare(before, after)
    rows = after.reference
    evidence = Evidence(now=rows.end, window=rows, labelled=rows.take(slice(0)), served=len(rows), margin=0.02)
    alike = before.model.labels == after.model.labels
    asked = [check for check in checks(settings).checks if check.name in _COMPARED] if alike else []
    findings = [check.run(before, evidence, _LEVEL / len(asked)) for check in asked]
    _say("\n".join([*comparison_lines(changes), *(f"{one.check}: {one.summary}" for one in findings)]), quiet)
    drift = {one.check: {"drifted": one.state is State.ALARM, "p_value": one.p_value, "words": one.summary}
             for one in findings}  # fmt: skip
    return comparison_facts(changes) | {"drift": drift}


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
        with progress_bar("Evaluating", STEPS + 1, quiet=quiet) as advance, local_file(predictions) as path:
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
        with progress_bar("Logging to MLflow", None, quiet=quiet):
            run_id = log_run(tracking, run)
    except (InputError, SurroundingsError) as error:
        raise type(error)(f"{error} The baseline {output} is kept.") from None
    _say(f"MLflow: run {run_id}", quiet)
    return run_id


def captured_columns(
    captured: str, ground_truth: str | None, labels: tuple[str, ...], inputs: tuple[str, ...], *, quiet: bool
) -> dict[str, list[Any]]:
    """`bertwatch sagemaker`: what the files hold, as the columns of a table."""
    from model.remote import local_directory, local_file
    from model.sagemaker_files import prediction_table, read_captured, read_ground_truth

    def at_hand(place: str) -> Any:
        return local_file(place) if place.endswith(".jsonl") else local_directory(place)

    truth: dict[str, str] = {}
    with progress_bar("Reading", None, quiet=quiet) as advance:
        with at_hand(captured) as place:
            answers = read_captured(place, advance)
        if ground_truth is not None:
            with at_hand(ground_truth) as place:
                truth = read_ground_truth(place, advance)
    return prediction_table(answers, truth, labels, inputs)


def write_captured(columns: dict[str, list[Any]], output: Path) -> dict[str, Any]:
    """`bertwatch sagemaker --output`."""
    from monitors.table_file import write_table

    write_table(columns, output)
    return {"output": str(output), **_counts(columns), "columns": list(columns)}


def record_captured(
    columns: dict[str, list[Any]], url: str, version: str | None, key_file: Path | None, *, quiet: bool
) -> dict[str, Any]:
    """`bertwatch sagemaker --url`."""
    from service.sending import items_of, send

    key = read_lines(key_file, "key file")[0] if key_file is not None else None
    counts = _counts(columns)
    with progress_bar("Recording", counts["rows"], quiet=quiet) as advance:
        send(items_of(columns, version), url, key=key, progress=advance)
    return {"url": url, **counts, "columns": list(columns)}


def _counts(columns: dict[str, list[Any]]) -> dict[str, int]:
    return {"rows": len(columns["id"]), "labelled": sum(label is not None for label in columns.get("label", ()))}


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
    runner = open_runner(
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
    with baseline_at_hand(settings) as at_hand:
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
            streams=[stream for stream in chosen.streams if stream.reads == "predictions"],
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
    key = read_lines(key_file, "key file")[0] if key_file is not None else None
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


def export(settings: Settings, output: Path | None) -> Path:
    """`bertwatch model export`."""
    from model.engines.registry import export_engine

    return export_engine(settings.engine, open_model(settings), output)


def _say(text: str, quiet: bool) -> None:
    if not quiet:
        click.echo(text)
