"""A baseline taken from a quiet stretch of the log: what was predicted there, and the labels that came for it.

Keeps no text: of those that the log holds, document counts of words, as every baseline does. Knows nothing of
engines, or of how the log is stored.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from model.errors import InputError
from model.evaluation import evaluate
from model.prediction import ModelInfo, Predictions, Record
from monitors.baseline import Baseline, fit_baseline, whole_directory, write_baseline
from monitors.baseline.contract import identity
from monitors.protocols import Episode
from monitors.window import COLUMNS, Window
from service.offline import refuse_repeated_rows, write_baseline_report

ROWS_AT_A_TIME = 20_000
FEWEST_OF_A_CLASS = 5
ALL = 1 << 62
"""More rows than any part of a stretch holds."""


class Stretch(Protocol):
    """What is read of the log; `service.store.predictions.PredictionLog` does it."""

    def count(self, version: str, start: int, end: int) -> int: ...

    def window(self, version: str, start: int, end: int, most: int = ...) -> Window: ...

    def find(self, ids: Sequence[UUID]) -> Any: ...

    def texts(self, ids: Sequence[UUID]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """The stretch, [start, end) in microseconds, and what it must hold."""

    model: ModelInfo
    start: int
    end: int
    labels_required: int
    before: Baseline | None = None
    """The baseline that was in force: cut-off and hashes are of the model, and stay."""


def make_from_log(
    log: Stretch,
    episodes: Sequence[Episode],
    wanted: Wanted,
    output: Path,
    *,
    progress: Callable[[int], None] = lambda rows: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Baseline:
    """Evaluate the labelled predictions of the stretch, fit the baseline, and write it with its report as `output`.

    `episodes` are those of the model version. `progress` is told of predictions that were read. Labels that an audit
    asked for out of doubt are left out, whose errors are too many; where an audit asked evenly for enough of them, its
    labels alone are taken, since what people volunteer is what struck them. The origin stands in `dataset`.

    Raises InputError in one sentence, and leaves nothing behind: an episode was open in the stretch, fewer labels than
    required, a class without `FEWEST_OF_A_CLASS` of them, predictions of several engines, answers that are not those
    of the highest scores where no baseline says by which cut-off they came about.
    """
    refuse_trouble(episodes, wanted)
    with whole_directory(output) as unfinished:
        rows = _labelled(log, wanted, progress)
        audited = rows.take(np.asarray(np.isfinite(rows.asked)))
        even = len(audited) >= wanted.labels_required
        rows = audited if even else rows
        _refuse_too_few(rows, wanted)
        engine, precision = _engine(log, rows)
        cut_off = wanted.before.cut_off if wanted.before else None
        if cut_off is None and (rows.predicted != rows.scores.argmax(axis=1)).any():
            raise InputError(
                "Some answers of this stretch are not those of the highest score, so they came about by a cut-off; "
                "give the --baseline that was in force, which says by which."
            )
        if rows.text_hash.any():
            refuse_repeated_rows(rows.text_hash[rows.text_hash != 0], "this stretch of the log")
        segments = list(rows.segment) if any(name is not None for name in rows.segment) else None
        labels = wanted.model.labels
        evaluation = evaluate(rows.truth, rows.scores, labels, predicted=rows.predicted, segments=segments)
        texts, without = _texts(log, rows)
        baseline = fit_baseline(
            model=wanted.model,
            engine=engine,
            precision=precision,
            predictions=_predictions(rows),
            truth=rows.truth,
            texts=texts,
            dataset=_origin(rows, wanted, audited=even),
            created=now().isoformat(timespec="seconds"),
            segments=segments,
            hashes=wanted.before.hashes if wanted.before else None,
            evaluation=evaluation,
            cut_off=cut_off,
            agreement=wanted.before.agreement if wanted.before else None,
        )
        if without:  # the log may keep fingerprints where it keeps no text
            counted = 0 if texts is None else len(rows) - without
            reference = replace(baseline.reference, text_hash=rows.text_hash)
            baseline = replace(baseline, reference=reference, documents=counted, id="")
            baseline = replace(baseline, id=identity(baseline))
        write_baseline(baseline, unfinished)
        how = "asked for by audits" if even else "volunteered, or too few of them asked for by audits"
        more = {"Taken from": str(baseline.dataset["name"]), "Labels": f"{len(rows)}, {how}"}
        write_baseline_report(evaluation, baseline, unfinished, more)
    return baseline


def moment(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"


def refuse_trouble(episodes: Sequence[Episode], wanted: Wanted) -> None:
    """Raise InputError where one of the episodes was open at any moment of the stretch."""
    for episode in episodes:
        if episode.opened < wanted.end and (episode.resolved is None or episode.resolved > wanted.start):
            until = "is still open" if episode.resolved is None else f"was resolved {moment(episode.resolved)}"
            raise InputError(
                f"An episode ({episode.kind.value.replace('_', ' ')}) opened {moment(episode.opened)} and {until}, so "
                "this stretch is not what normal looks like; choose --since and --until outside of it."
            )


def _labelled(log: Stretch, wanted: Wanted, progress: Callable[[int], None]) -> Window:
    """Rows with a label, in order of time; a part of the stretch in memory at a time."""
    count = log.count(wanted.model.version, wanted.start, wanted.end)
    parts = max(1, -(-count // ROWS_AT_A_TIME))
    cuts = [wanted.start + (wanted.end - wanted.start) * part // parts for part in range(parts + 1)]
    kept = []
    for first, last in pairwise(cuts):
        part = log.window(wanted.model.version, first, last, ALL)
        kept.append(part.take(part.known & np.isfinite(part.scores).all(axis=1)))
        progress(len(part))
    columns = {name: np.concatenate([getattr(part, name) for part in kept]) for name in COLUMNS}
    return Window(model=wanted.model, start=wanted.start, end=wanted.end, **columns)


def _refuse_too_few(rows: Window, wanted: Wanted) -> None:
    if len(rows) < wanted.labels_required:
        raise InputError(
            f"Between {moment(wanted.start)} and {moment(wanted.end)} {len(rows)} predictions of model "
            f"{wanted.model.version} have a label, and {wanted.labels_required} are required; choose a longer stretch, "
            "or label more of it (`bertwatch audit`)."
        )
    counts = np.bincount(rows.truth, minlength=len(wanted.model.labels))
    few = [f"{label} ({count})" for label, count in zip(wanted.model.labels, counts, strict=True)
           if count < FEWEST_OF_A_CLASS]  # fmt: skip
    if few:
        raise InputError(
            f"Too few labels of {', '.join(few)}: each class takes {FEWEST_OF_A_CLASS}; choose a longer stretch."
        )


def _engine(log: Stretch, rows: Window) -> tuple[str, str]:
    """The commonest engine of the rows; engines in fp32 are one another's equals."""
    found: Counter[tuple[str, str]] = Counter()
    ids = [_id(row) for row in rows.ids]
    for first in range(0, len(ids), ROWS_AT_A_TIME):
        records: Sequence[Record] = list(log.find(ids[first : first + ROWS_AT_A_TIME]).values())
        found.update((record.engine, record.precision) for record in records)
    if not found:
        raise InputError("The predictions of this stretch were erased; choose another one.")
    if len(found) > 1 and {precision for _, precision in found} != {"fp32"}:
        names = ", ".join(f"{engine} {precision}" for engine, precision in sorted(found))
        raise InputError(f"Several engines answered in this stretch ({names}), whose scores differ; choose another.")
    return found.most_common(1)[0][0]


def _texts(log: Stretch, rows: Window) -> tuple[Iterator[str] | None, int]:
    """The texts of the rows, a part at a time, empty where none is stored; None unless most are. How many are not."""
    ids = [_id(row) for row in rows.ids]
    parts = [ids[first : first + 1000] for first in range(0, len(ids), 1000)]
    without = len(ids) - sum(len(log.texts(part)) for part in parts)
    if 2 * without >= len(ids):
        return None, without
    return (texts.get(row, "") for part in parts for texts in (log.texts(part),) for row in part), without


def _predictions(rows: Window) -> Predictions:
    return Predictions(
        labels=rows.predicted,
        scores=rows.scores.astype(np.float32),
        features=rows.features.astype(np.float32),
        projections=rows.projection.astype(np.float32),
        truncated=rows.truncated,
    )


def _origin(rows: Window, wanted: Wanted, *, audited: bool) -> dict[str, object]:
    """Where the rows come from; the hash is of the rows' ids and labels, since texts may not be kept."""
    digest = hashlib.sha256(rows.ids.tobytes() + _bytes(rows.truth))
    return {
        "name": f"log {moment(wanted.start)} to {moment(wanted.end)}",
        "sha256": digest.hexdigest(),
        "rows": len(rows),
        "origin": {
            "kind": "log",
            "since": moment(wanted.start),
            "until": moment(wanted.end),
            "labels": "audited" if audited else "all",
            "before": wanted.before.id if wanted.before else None,
        },
    }


def _bytes(truth: NDArray[np.int64]) -> bytes:
    return truth.astype("<i8").tobytes()


def _id(row: NDArray[np.uint8]) -> UUID:
    return UUID(bytes=row.tobytes())
