"""What an audit asks, as a person or a program reads it. Knows the stores, nothing of HTTP or of how rows are drawn."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from model.errors import InputError, SurroundingsError
from service.store.audits import Audits
from service.store.nouns import Strategy
from service.store.predictions import PredictionLog


def questions(
    log: PredictionLog, audits: Audits, version: str, now: int, *, count: int, strategy: Strategy
) -> list[dict[str, Any]]:
    """One entry a prediction, in random order. `text` is None where it is not stored."""
    asked = audits.ask(version, now, count, strategy)
    ids = [each.prediction_id for each in asked]
    records, texts = log.find(ids), log.texts(ids)
    names = next((info.labels for info in log.models() if info.version == version), ())
    entries = []
    for each in asked:
        if (record := records.get(each.prediction_id)) is None:  # erased meanwhile
            continue
        scores = [float(score) for score in record.prediction.scores]
        entries.append({
            "prediction_id": str(record.id),
            "text": texts.get(record.id),
            "label": record.label,
            "confidence": record.prediction.confidence,
            "scores": dict(zip(names, scores, strict=True)),
            "segment": record.segment,
            "probability": each.probability,
        })  # fmt: skip
    return entries


def served_version(log: PredictionLog) -> str:
    """The version of the newest prediction. Raises InputError where there is none."""
    newest = {info.version: log.newest_time(info.version) for info in log.models()}
    served = [(time, version) for version, time in newest.items() if time is not None]
    if not served:
        raise InputError("The log holds no prediction yet, so there is nothing to ask about.")
    return max(served)[1]


def write_lines(entries: list[dict[str, Any]], output: Path) -> None:
    """JSON lines in UTF-8, the file whole or not at all. Raises InputError where it is there, SurroundingsError."""
    if output.exists():
        raise InputError(f"{output} exists already; choose another --output.")
    unfinished = output.with_name(f".{output.name}.unfinished-{os.getpid()}")
    try:
        unfinished.write_text(
            "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), encoding="utf-8"
        )
        unfinished.rename(output)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise SurroundingsError(f"Cannot write {output}: {error.strerror}.") from None
