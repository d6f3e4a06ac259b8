"""`bertwatch sagemaker`: captured data as a table, or into the log of a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.keyring import read_lines
from service.terminal import progress_bar


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
