"""Labelled texts that are read part by part, as often as asked: a number or a name a row is held, never the texts.

For work whose memory must not grow with its texts. Knows nothing of models.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from model.dataset_files import LabelledRow, is_file_spec, open_file
from model.datasets import SAMPLE, evaluation_split, hub_rows, named_label, parse_rows, refuse_rows, refuse_spec
from model.errors import InputError
from model.prediction import text_fingerprint
from model.sample import generate

_SAMPLE_ROWS = 800
_PART_ROWS = 2048
_PART_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class TextStream:
    """n labelled texts, in order. Lists and arrays have n entries."""

    name: str
    """`sample`, a hub name, or the name of the file without its folder."""
    sha256: str
    """Of the file's bytes; of these texts and labels where there is no file."""
    labels: list[str]
    rows: NDArray[np.int64]
    """Row numbers in the dataset, from 1."""
    hashes: NDArray[np.uint64]
    """`text_fingerprint` of every text."""
    segments: list[str | None] | None
    read: Callable[[], Iterator[str]]
    """The texts from their source, anew at each call."""

    def __len__(self) -> int:
        return len(self.labels)

    def texts(self) -> Iterator[str]:
        """Every text, one at a time. Raises InputError where it is no longer the one that was read first."""
        count = 0
        for text in self.read():
            if count == len(self) or text_fingerprint(text) != self.hashes[count]:
                count = -1
                break
            yield text
            count += 1
        if count != len(self):
            raise InputError(f"{self.name} changed while it was read; start again when nobody writes to it.")

    def parts(self) -> Iterator[list[str]]:
        """The texts, as many at a time as fit in a few megabytes."""
        part: list[str] = []
        room = _PART_CHARACTERS
        for text in self.texts():
            part.append(text)
            room -= len(text)
            if len(part) == _PART_ROWS or room <= 0:
                yield part
                part, room = [], _PART_CHARACTERS
        if part:
            yield part


@contextmanager
def open_stream(
    spec: str,
    *,
    rows: str | None = None,
    label_names: Sequence[str] | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Iterator[TextStream]:
    """The rows that a baseline is made of: what `load_dataset` gives with `split="all"`, and the same errors.

    Every row that was asked for is checked, and its label and fingerprint taken, before this is entered; `progress` is
    told of each. Rows of a file behind the last one are not looked at.
    """
    first, last = parse_rows(rows)
    if spec == SAMPLE:
        # the sample never ends: rows beyond the usual are made when they are asked for
        count = _SAMPLE_ROWS if last is None else last - first + 1

        def stories() -> Iterator[LabelledRow]:
            for story in generate("test", count, start=first - 1):
                yield LabelledRow(story.text, story.label, None, story.segment)

        yield _stream(spec, stories, (1, None), first - 1, progress=progress)
    elif is_file_spec(spec):
        with open_file(spec) as file:

            def named() -> Iterator[LabelledRow]:
                for row in file.rows():
                    yield row._replace(label=named_label(spec, row.label, label_names))

            yield _stream(spec, named, (first, last), 0, sha256=file.sha256, progress=progress)
    else:
        refuse_spec(spec)
        part = evaluation_split(spec)
        yield _stream(spec, lambda: hub_rows(spec, part), (first, last), 0, progress=progress)


def _stream(
    spec: str,
    read: Callable[[], Iterator[LabelledRow]],
    chosen: tuple[int, int | None],
    before: int,
    *,
    sha256: str | None = None,
    progress: Callable[[int], None],
) -> TextStream:
    """Read once, and keep what is not text. `before` rows lie in front of the first that is read."""
    first, last = chosen
    labels: list[str] = []
    segments: list[str | None] = []
    hashes = array("Q")
    digest = hashlib.sha256()
    total = 0
    for total, row in enumerate(islice(read(), last), start=1):
        if total < first:
            continue
        labels.append(sys.intern(row.label))
        segments.append(row.segment and sys.intern(row.segment))
        hashes.append(text_fingerprint(row.text))
        if sha256 is None:
            digest.update(f"{row.label}\t{row.text}\n".encode("utf-8", "surrogatepass"))
        progress(1)
    refuse_rows(spec, total, first, last)
    return TextStream(
        name=spec if spec == SAMPLE or not is_file_spec(spec) else PurePosixPath(spec).name,
        sha256=sha256 or digest.hexdigest(),
        labels=labels,
        rows=np.arange(len(labels)) + before + first,
        hashes=np.array(hashes, np.uint64),
        segments=segments if any(segments) else None,
        read=lambda: (row.text for row in islice(read(), first - 1, last)),
    )
