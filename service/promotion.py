"""Baselines between directories and the log's database: promoted there, and read from there by who is given none.

Knows nothing of what a baseline says, or of how one is made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import structlog

from model.errors import InputError, SurroundingsError
from monitors.baseline import Baseline, load_baseline, write_baseline
from monitors.baseline.contract import CONTRACT_FILE, REFERENCE_FILE, STRAINED_FILE, WORDS_FILE
from service.store.baselines import Baselines

log = structlog.get_logger(__name__)

ALWAYS = (CONTRACT_FILE, REFERENCE_FILE, WORDS_FILE)
FILES = (*ALWAYS, STRAINED_FILE)
"""What a baseline is; its report and plots stay where they were made. Not every one has strained rows."""


def promote(baselines: Baselines, directory: Path, now: int) -> tuple[Baseline, bool]:
    """The baseline of a directory becomes the one that its model version is held to; whether that is news.

    Raises InputError where it is no baseline, SurroundingsError.
    """
    held = load_baseline(directory)
    files = {name: (directory / name).read_bytes() for name in _files(held)}
    return held, baselines.promote(held.model.version, held.id, files, now)


@contextmanager
def promoted(baselines: Baselines, model_version: str | None) -> Iterator[Path | None]:
    """The newest promoted baseline of a version (of any, without one) as a directory of this machine, for as long as
    the block lasts; None where none was promoted."""
    found = baselines.promotions(model_version)
    if not found:
        yield None
        return
    files = baselines.files(found[0])
    if set(files) - set(FILES):
        raise InputError(f"The promoted baseline {found[0].baseline_id} holds something else; promote it anew.")
    with ExitStack() as held:
        try:
            name = held.enter_context(
                tempfile.TemporaryDirectory(prefix="bertwatch-baseline-", ignore_cleanup_errors=True)
            )
            for file, content in files.items():
                (Path(name) / file).write_bytes(content)
        except OSError as error:
            raise SurroundingsError(
                f"Cannot write the promoted baseline to {tempfile.gettempdir()} ({error.strerror}); make room there, "
                "or name another directory in TMPDIR."
            ) from None
        yield Path(name)


def lay_out_again(baseline: Baseline, directory: Path) -> None:
    """Write it where one of its files is gone; what cannot be written is logged, and tried again when next asked."""
    if all((directory / name).is_file() for name in _files(baseline)):
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_baseline(baseline, directory)
    except OSError as error:
        for name in FILES:
            (directory / name).unlink(missing_ok=True)
        log.error("baseline_not_laid_out", reason=error.strerror)


def _files(baseline: Baseline) -> tuple[str, ...]:
    return ALWAYS if baseline.strained is None else FILES
