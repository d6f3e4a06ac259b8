"""SageMaker's files: captured data and ground truth (JSON Lines), as one table of predictions with their labels.

Reads what SageMaker's own containers write: CSV, and the JSON forms of its algorithms and of Hugging Face's. Knows
nothing of baselines or of where the table goes.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.errors import InputError

_MANY = ("predictions", "instances", "outputs")
_SCORES = ("probabilities", "scores", "score", "probability")
_NUMBERS = ("features", "values", "data")
_TEXTS = ("inputs", "text", "sentence")


@dataclass(frozen=True, slots=True)
class Captured:
    """One answer of an endpoint."""

    id: str
    """The caller's inference id where there is one, else SageMaker's event id."""
    time: str | None
    """ISO 8601."""
    inputs: tuple[float, ...] | str | None
    """Numbers or a text; None where the input is neither, or was not captured."""
    scores: tuple[float, ...]
    classes: tuple[str, ...] = ()
    """Names of the classes, where the answer gives them."""


Progress = Callable[[int], None]
"""Told how many lines are newly read."""


def read_captured(place: Path, progress: Progress = lambda lines: None) -> list[Captured]:
    """All answers of a file, or of all `*.jsonl` below a directory, in order of their names. Raises InputError."""
    found: list[Captured] = []
    for path, line, event in _events(place):
        progress(1)
        said = event.get("captureData")
        if not isinstance(said, dict) or not isinstance(said.get("endpointOutput"), dict):
            raise InputError(f"Line {line} of {path} has no captureData with an endpointOutput; was output captured?")
        try:
            inputs = _inputs(said.get("endpointInput"))
            answers = _answers(said["endpointOutput"])
        except (ValueError, TypeError, KeyError, AttributeError, StopIteration):
            raise InputError(
                f"Line {line} of {path} holds an answer that is no list of scores; known are CSV and the JSON of "
                "SageMaker's algorithms and of Hugging Face's."
            ) from None
        if len(inputs) != len(answers):
            inputs = [None] * len(answers)
        names = _names(_metadata(event, path, line), len(answers))
        time = event["eventMetadata"].get("inferenceTime")
        for name, asked, (classes, scores) in zip(names, inputs, answers, strict=True):
            found.append(Captured(name, time, asked, scores, classes))
    if not found:
        raise InputError(f"{place} holds no captured data.")
    return found


def read_ground_truth(place: Path, progress: Progress = lambda lines: None) -> dict[str, str]:
    """The true class by id, as the file writes it; the last one of an id counts. Raises InputError."""
    truth: dict[str, str] = {}
    for path, line, event in _events(place):
        progress(1)
        data = event.get("groundTruthData")
        if not isinstance(data, dict):
            raise InputError(f"Line {line} of {path} has no groundTruthData.")
        labels = [cell.strip() for row in csv.reader(io.StringIO(_decoded(data))) for cell in row if cell.strip()]
        if labels:
            truth |= zip(_names(_metadata(event, path, line), len(labels)), labels, strict=True)
    return truth


def prediction_table(
    captured: Sequence[Captured], truth: Mapping[str, str], labels: Sequence[str], inputs: Sequence[str]
) -> dict[str, list[Any]]:
    """Columns, a row an answer: `id`, `time`, the inputs (`inputs` names numbers; a text is `text`), scores, `label`.

    With `labels` (in the order of the scores; of two classes with one score: negative, positive) the scores are called
    `score_<label>` and 0, 1, … in the truth become names; without them `score`, or `score_0`, `score_1`, …
    """
    if any(len(each.classes) == 1 for each in captured):
        captured = [_both(each, labels) for each in captured]
    classes = tuple(labels) or captured[0].classes
    width = len(captured[0].scores)
    if any(len(each.scores) != width for each in captured):
        raise InputError(
            "The captured answers do not all have the same number of scores; convert one endpoint at a time."
        )
    if classes and not (len(classes) == width or (width == 1 and len(classes) == 2)):
        raise InputError(f"The captured answers have {width} scores, but there are {len(classes)} --labels.")
    columns: dict[str, list[Any]] = {
        "id": [each.id for each in captured],
        "time": [each.time for each in captured],
        **_input_columns(captured, inputs),
        **_score_columns(captured, classes, width),
    }
    if truth:
        named = {str(place): name for place, name in enumerate(classes)} | {name: name for name in classes}
        found = [truth.get(each.id) for each in captured]
        columns["label"] = [None if value is None else named.get(value, value) for value in found]
    return columns


def _both(answer: Captured, labels: Sequence[str]) -> Captured:
    """An answer that names its best class alone, as one with the scores of both classes."""
    if len(labels) != 2 or answer.classes[0] not in labels:
        raise InputError(
            "The captured answers name their best class alone; give the two --labels by these names, or have the "
            "endpoint answer with all scores (top_k)."
        )
    best = answer.scores[0]
    scores = (best, 1 - best) if answer.classes[0] == labels[0] else (1 - best, best)
    return replace(answer, classes=tuple(labels), scores=scores)


def _input_columns(captured: Sequence[Captured], names: Sequence[str]) -> dict[str, list[Any]]:
    if all(isinstance(each.inputs, str) for each in captured):
        return {"text": [each.inputs for each in captured]}
    rows = [each.inputs if isinstance(each.inputs, tuple) else () for each in captured]
    width = max(map(len, rows))
    if names and len(names) != width:
        raise InputError(f"The captured inputs have {width} numbers, but there are {len(names)} --input-columns.")
    named = tuple(names) or tuple(f"input_{place}" for place in range(width))
    return {name: [row[place] if len(row) == width else None for row in rows] for place, name in enumerate(named)}


def _score_columns(captured: Sequence[Captured], classes: tuple[str, ...], width: int) -> dict[str, list[Any]]:
    if classes and width == 1:
        score = [each.scores[0] for each in captured]
        return {f"score_{classes[0]}": [1 - value for value in score], f"score_{classes[1]}": score}
    if width == 1:
        return {"score": [each.scores[0] for each in captured]}
    names = classes or tuple(map(str, range(width)))
    # an endpoint may call its classes LABEL_0, …: in their order they are those that were named
    rows = [
        dict(zip(each.classes if set(each.classes) == set(names) else names, each.scores, strict=True))
        for each in captured
    ]
    return {f"score_{name}": [row[name] for row in rows] for name in names}


def _events(place: Path) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """File, line number and event of every line."""
    paths = sorted(place.rglob("*.jsonl")) if place.is_dir() else [place]
    if not paths:
        raise InputError(f"There is no .jsonl file below {place}.")
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise InputError(f"There is no file {path}.") from None
        except (OSError, UnicodeDecodeError):
            raise InputError(f"Cannot read {path} as JSON Lines in UTF-8.") from None
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                event = None
            if not isinstance(event, dict):
                raise InputError(f"Line {number} of {path} is not a JSON object.")
            yield path, number, event


def _metadata(event: Mapping[str, Any], path: Path, line: int) -> dict[str, Any]:
    metadata = event.get("eventMetadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("eventId"), str):
        raise InputError(f"Line {line} of {path} has no eventMetadata with an eventId.")
    return metadata


def _names(metadata: Mapping[str, Any], count: int) -> list[str]:
    """The id of each row of an event; ground truth names the caller's inference id where one was given."""
    name = str(metadata.get("inferenceId") or metadata["eventId"])
    return [name] if count == 1 else [f"{name}/{row}" for row in range(count)]


def _decoded(part: Mapping[str, Any]) -> str:
    data = part["data"]
    if part.get("encoding") == "BASE64":
        return base64.b64decode(data).decode("utf-8")
    return data if isinstance(data, str) else json.dumps(data)


def _is_json(part: Mapping[str, Any]) -> bool:
    return part.get("encoding") == "JSON" or "json" in str(part.get("observedContentType", ""))


def _inputs(part: Mapping[str, Any] | None) -> list[tuple[float, ...] | str | None]:
    """One entry a row; empty where the input was not captured or is neither numbers nor texts."""
    if part is None:
        return []
    try:
        content = _decoded(part)
        if _is_json(part):
            return [_input(row) for row in _unpacked(json.loads(content), (*_MANY, *_TEXTS))]
        if "csv" in str(part.get("observedContentType", part.get("encoding", ""))).lower():
            return [tuple(float(cell) for cell in row) for row in csv.reader(io.StringIO(content)) if row]
        return [content]
    except (ValueError, TypeError, KeyError, StopIteration):
        return []


def _input(row: Any) -> tuple[float, ...] | str | None:
    if isinstance(row, str):
        return row
    if isinstance(row, dict):
        return _input(next(row[name] for name in (*_TEXTS, *_NUMBERS) if name in row))
    return tuple(float(value) for value in row)


def _answers(part: Mapping[str, Any]) -> list[tuple[tuple[str, ...], tuple[float, ...]]]:
    """Names of classes (empty where they are not given) and scores, for each row. Raises ValueError."""
    content = _decoded(part)
    if not _is_json(part):
        rows = [row for row in csv.reader(io.StringIO(content)) if row]
        return [((), tuple(float(cell.strip(" []")) for cell in row)) for row in rows]
    answer = json.loads(content)
    if isinstance(answer, list) and answer and all(isinstance(each, int | float) for each in answer):
        answer = [answer]  # the scores of a single row
    if isinstance(answer, list) and answer and all(isinstance(each, dict) and "label" in each for each in answer):
        answer = [answer]
    return [_answer(row) for row in _unpacked(answer, _MANY)]


def _answer(row: Any) -> tuple[tuple[str, ...], tuple[float, ...]]:
    if isinstance(row, dict):
        if "label" in row and "score" in row:
            return (str(row["label"]),), (float(row["score"]),)
        return _answer(next(row[name] for name in _SCORES if name in row))
    if isinstance(row, list) and row and all(isinstance(each, dict) for each in row):
        ranked = sorted((str(each["label"]), float(each["score"])) for each in row)
        return tuple(name for name, _ in ranked), tuple(score for _, score in ranked)
    return (), tuple(float(value) for value in (row if isinstance(row, list) else [row]))


def _unpacked(content: Any, names: Sequence[str]) -> list[Any]:
    """The rows of a request or an answer; a single one is a list of one."""
    if isinstance(content, dict):
        inside = next((content[name] for name in names if name in content), None)
        return [content] if inside is None else inside if isinstance(inside, list) else [inside]
    if isinstance(content, list) and content and isinstance(content[0], list | dict | str):
        return content
    return [content]
