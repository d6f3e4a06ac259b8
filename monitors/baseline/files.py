"""A baseline as a directory, written whole or not at all, and read with one sentence for whatever is wrong."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.errors import InputError
from model.prediction import CutOff, Estimate, ModelInfo
from monitors.baseline.contract import (
    CONTRACT_FILE,
    REFERENCE_FILE,
    SCHEMA_VERSION,
    STRAINED_FILE,
    WORDS_FILE,
    Baseline,
    contract,
    identity,
)
from monitors.window_file import window_from_table, window_table

if TYPE_CHECKING:
    from model.evaluation.behavior import BehaviorReport


@contextmanager
def whole_directory(directory: Path) -> Iterator[Path]:
    """A new directory that appears complete when the block ends, and not at all when it fails."""
    if directory.exists():
        raise InputError(f"{directory} exists already; give a directory that is not there yet.")
    unfinished = directory.parent / f".{directory.name}.{secrets.token_hex(4)}.part"
    try:
        unfinished.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"Cannot write to {directory.parent}: {error.strerror}.") from None
    try:
        yield unfinished
        unfinished.rename(directory)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def save_baseline(baseline: Baseline, directory: Path) -> None:
    """Write a baseline directory, whole or not at all. Raises InputError when it exists already."""
    with whole_directory(directory) as unfinished:
        write_baseline(baseline, unfinished)


def write_baseline(baseline: Baseline, directory: Path) -> None:
    """Put the files into a directory that exists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    facts = json.dumps(contract(baseline), indent=2, ensure_ascii=False, allow_nan=False)
    (directory / CONTRACT_FILE).write_text(facts + "\n", encoding="utf-8")
    pq.write_table(window_table(baseline.reference), directory / REFERENCE_FILE)
    words = pa.table({"word": pa.array(list(baseline.words), pa.string()), "documents": list(baseline.words.values())})
    pq.write_table(words, directory / WORDS_FILE)
    if baseline.strained is not None:
        pq.write_table(window_table(baseline.strained), directory / STRAINED_FILE)


def load_baseline(directory: Path) -> Baseline:
    """Read a baseline directory. Raises InputError with one sentence if it is not one."""
    facts = _read_contract(directory)
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [REFERENCE_FILE, WORDS_FILE]
    if isinstance(facts.get("counts"), dict) and "strained" in facts["counts"]:
        names.append(STRAINED_FILE)
    for name in names:
        if not (directory / name).is_file():
            raise InputError(f"The baseline {directory} is not complete: {name} is missing; make it anew.")
    try:
        # one thread and no memory map: at this size both cost more than they bring
        tables = [pq.read_table(directory / name, use_threads=False) for name in names]
        baseline = _from_files(facts, *tables)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError):
        raise InputError(f"The baseline {directory} is damaged; make it anew with `bertwatch baseline`.") from None
    if identity(baseline) != baseline.id:
        raise InputError(
            f"The baseline {directory} was changed after it was made (its contents do not give its id); make it anew."
        )
    return baseline


def _read_contract(directory: Path) -> dict[str, Any]:
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "does not exist"
        raise InputError(f"The baseline {directory} {what}; make one with `bertwatch baseline`.")
    try:
        facts = json.loads((directory / CONTRACT_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{directory} is not a baseline: it has no {CONTRACT_FILE}.") from None
    except OSError as error:
        raise InputError(f"Cannot read {directory / CONTRACT_FILE}: {error.strerror}.") from None
    except ValueError:
        raise InputError(f"{directory / CONTRACT_FILE} is not JSON; make the baseline anew.") from None
    version = facts.get("schema_version") if isinstance(facts, dict) else None
    if not isinstance(version, int):
        raise InputError(f"{directory / CONTRACT_FILE} is not a baseline's; make one with `bertwatch baseline`.")
    if version > SCHEMA_VERSION:
        raise InputError(f"The baseline {directory} was made by a newer bertwatch; update bertwatch to read it.")
    return dict(facts)


def _from_files(facts: Mapping[str, Any], reference: Any, words: Any, strained: Any = None) -> Baseline:
    model = ModelInfo(
        version=facts["model"]["version"],
        labels=tuple(facts["model"]["labels"]),
        features=tuple(facts["model"]["features"]),
        name=facts["model"]["name"],
    )
    return Baseline(
        id=facts["id"],
        model=model,
        engine=facts["engine"]["name"],
        precision=facts["engine"]["precision"],
        agreement=facts["engine"].get("agreement"),
        created=facts["created"],
        dataset=facts["dataset"],
        metrics={name: Estimate(**estimate) for name, estimate in facts["metrics"].items()},
        temperature=float(facts["temperature"]),
        confusion=np.array(facts["confusion"], np.int64),
        reference=window_from_table(reference, model),
        strained=None if strained is None else window_from_table(strained, model),
        words=dict(zip(words["word"].to_pylist(), words["documents"].to_pylist(), strict=True)),
        documents=int(facts["counts"]["documents"]),
        undefined=facts["undefined"],
        hashes=facts["model"]["hashes"],
        cut_off=_cut_off(facts["cut_off"], model.labels),
        cut_off_table=facts["cut_off_table"],
        segments={
            segment: {name: Estimate(**estimate) for name, estimate in figures.items()}
            for segment, figures in facts["segments"].items()
        },
        behavior=None if facts["behavior"] is None else _behavior(facts["behavior"]),
    )


def _cut_off(facts: Mapping[str, Any] | None, labels: tuple[str, ...]) -> CutOff | None:
    return None if facts is None else CutOff(**{**facts, "positive": labels.index(facts["positive"])})


def _behavior(facts: Mapping[str, Any]) -> BehaviorReport:
    from model.evaluation.behavior import BehaviorReport, BehaviorResult, FailedCase

    tests = [
        BehaviorResult(
            name=test["name"],
            kind=test["kind"],
            about=test["about"],
            at_most=test["at_most"],
            failures=Estimate(**test["failures"]),
            failed=tuple(test["failed"]),
            examples=tuple(FailedCase(**example) for example in test["examples"]),
            digest=test["digest"],
        )
        for test in facts["tests"]
    ]
    return BehaviorReport(facts["pack"], tuple(tests))
