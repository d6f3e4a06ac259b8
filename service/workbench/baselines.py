"""`bertwatch baseline`, from a dataset and from the log, `promote` and `compare`; `bertwatch evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import InputError
from service.opening import SECOND, baseline_at_hand, clock, exact_beside, open_classifier, open_log, open_model
from service.settings import Settings
from service.terminal import progress_bar, say
from service.wiring import checks
from service.workbench.tracking import check_tracking, track

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

    check_tracking(tracking)
    with workplace(output, CONTRACT_FILE) as directory:
        made = _baseline(settings, dataset, rows, directory, words, quiet=quiet)
        send(directory, output, CONTRACT_FILE)
        run = track(tracking, made.baseline, directory, output, quiet=quiet)
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
    say("\n".join(lines), quiet)
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
    say("\n".join([head, *figures(made.metrics), *remarks]), quiet)
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
    say(f"Model {model} is {'now' if news else 'already'} held to baseline {held.id}, if not told otherwise.", quiet)
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
    say("\n".join([*comparison_lines(changes), *(f"{one.check}: {one.summary}" for one in findings)]), quiet)
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

    check_tracking(tracking)
    with workplace(output, CONTRACT_FILE) as directory:
        with progress_bar("Evaluating", STEPS + 1, quiet=quiet) as advance, local_file(predictions) as path:
            rows = read_scored(path, columns, allow_missing=words.allow_missing_classes)
            model = rows.model(version, name or path.stem)
            advance(1)
            made = make_scored_baseline(rows, model, directory, advance, asked=words.questions(rows.labels))
        send(directory, output, CONTRACT_FILE)
        head = f"{output}: {model.name} ({model.version}), {len(rows)} rows"
        lines = [head, *figures(made.baseline.metrics), *release_lines(made.baseline, made.answers)]
        say("\n".join(lines), quiet)
        run = track(tracking, made.baseline, directory, output, quiet=quiet)
    facts = _figures(made.baseline, output) | {"model_version": model.version, "labels": list(model.labels)}
    return facts | release_facts(made.baseline, made.answers) | {"mlflow_run": run}, made.answers.gates


def _figures(made: Baseline, output: str) -> dict[str, Any]:
    """What `--json` prints of a baseline; nothing is rounded."""
    return {
        "output": output, "id": made.id, "rows": len(made.reference),
        "metrics": {name: {"value": e.value, "low": e.low, "high": e.high} for name, e in made.metrics.items()},
    }  # fmt: skip
