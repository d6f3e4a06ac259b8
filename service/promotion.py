"""Baselines between directories and the log's database: promoted there, and read from there by who is given none.

Knows nothing of what a baseline says, or of how one is made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import InputError
from monitors.baseline import Baseline, load_baseline
from monitors.baseline.contract import CONTRACT_FILE, REFERENCE_FILE, WORDS_FILE
from service.store.baselines import Baselines

FILES = (CONTRACT_FILE, REFERENCE_FILE, WORDS_FILE)
"""What a baseline is; its report and plots stay where they were made."""


def promote(baselines: Baselines, directory: Path, now: int) -> tuple[Baseline, bool]:
    """The baseline of a directory becomes the one that its model version is held to; whether that is news.

    Raises InputError where it is no baseline, SurroundingsError.
    """
    held = load_baseline(directory)
    files = {name: (directory / name).read_bytes() for name in FILES}
    return held, baselines.promote(held.model.version, held.id, files, now)


@contextmanager
def promoted(baselines: Baselines, model_version: str | None) -> Iterator[Path | None]:
    """The newest promoted baseline of a version (of any, without one) as a directory of this machine, for as long as
    the block lasts; None where none was promoted."""
    found = baselines.promotions(model_version)
    if not found:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="bertwatch-baseline-") as name:
        for file, content in baselines.files(found[0]).items():
            if file not in FILES:
                raise InputError(f"The promoted baseline {found[0].baseline_id} holds something else; promote it anew.")
            (Path(name) / file).write_bytes(content)
        yield Path(name)
