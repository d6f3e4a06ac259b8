"""Labelled texts by name: the built-in sample, a hub dataset, or a file, and the rows that a command asks for.

Files are split in file order, first the training rows, then the test rows. Knows nothing of models.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from model.dataset_files import LabelledRow, is_file_spec, open_file
from model.errors import InputError
from model.hub import is_hub_name
from model.hub_datasets import load_hub_dataset
from model.prediction import text_fingerprint
from model.sample import Stream, generate
from model.sample_news import LABELS

SAMPLE = "sample"
Split = Literal["train", "test", "all", "live"]
_LIVE_ROWS = 3000
_HUB_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTexts:
    """n texts with their true labels, in order. Lists and arrays have n entries."""

    name: str
    """What a person calls it: `sample`, a hub name, or the name of the file without its folder."""
    sha256: str
    """Of the file's bytes; of all texts and labels where there is no file."""
    classes: tuple[str, ...]
    """All class names: in the dataset's own order where it has one, sorted elsewhere."""
    texts: list[str]
    labels: list[str]
    rows: NDArray[np.int64]
    """Row numbers in the dataset, from 1."""
    references: list[str | None] | None = None
    segments: list[str | None] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: slice | Sequence[int]) -> LabelledTexts:
        """The chosen rows (positions from 0), in the order given."""
        at = range(len(self))[rows] if isinstance(rows, slice) else rows
        return replace(
            self,
            texts=[self.texts[row] for row in at],
            labels=[self.labels[row] for row in at],
            rows=self.rows[list(at)],
            references=self.references and [self.references[row] for row in at],
            segments=self.segments and [self.segments[row] for row in at],
        )


def load_dataset(
    spec: str,
    *,
    split: Split = "all",
    train_rows: int = 1200,
    test_rows: int = 800,
    rows: str | None = None,
    count: int | None = None,
    seed: int = 0,
    label_names: Sequence[str] | None = None,
) -> LabelledTexts:
    """The rows of a dataset that a command asks for. Raises InputError or SurroundingsError, in one sentence.

    `train` and `test` are for `train`; `all` for `baseline` (of the sample: its test stream), `live` for `replay`
    (of the sample: its live stream). `rows` (`2001-5000`, from 1, both included, or `2001-`) and then `count`
    choose among the rows of the split. Integer labels become names where `label_names` says what they mean.
    A hub's own splits are apart already, so training and test rows are drawn from them by `seed`.
    """
    first, last = parse_rows(rows)
    if spec == SAMPLE:
        return _sample(split, train_rows if split == "train" else test_rows, (first, last), count=count, seed=seed)
    if is_file_spec(spec):
        whole = _file(spec, label_names)
        chosen = _split(whole, split, train_rows, test_rows)
    else:
        refuse_spec(spec)
        chosen = _hub(spec, split, train_rows, test_rows, seed)
    refuse_rows(spec, len(chosen), first, last)
    chosen = chosen.take(slice(first - 1, last))
    if count is not None and count > len(chosen):
        raise InputError(f"{spec} has {len(chosen)} of the {count} rows asked for; ask for fewer.")
    return chosen.take(slice(count))


def parse_rows(rows: str | None) -> tuple[int, int | None]:
    """First and last row, from 1, both included; (1, None) is all. Raises InputError."""
    if rows is None:
        return 1, None
    found = re.fullmatch(r"\s*(\d{1,12})\s*-\s*(\d{0,12})\s*", rows)
    first, last = (int(found[1]), int(found[2]) if found[2] else None) if found else (0, None)
    if first < 1 or (last is not None and last < first):
        raise InputError("Rows are given as FIRST-LAST, from 1 and both included, such as 2001-5000.")
    return first, last


def refuse_rows(spec: str, total: int, first: int, last: int | None) -> None:
    """Raise InputError where rows beyond the last one are asked for."""
    if (first > 1 and first > total) or (last is not None and last > total):
        asked = f"{first}-{'' if last is None else last}"
        raise InputError(f"{spec} has {total} rows here; --rows {asked} asks for rows beyond its end.")


def refuse_spec(spec: str) -> None:
    """Raise InputError for what is neither the sample nor a file and cannot be a hub name."""
    if not is_hub_name(spec):
        raise InputError(f"{spec!r} is no dataset; give `sample`, a hub name such as ag_news, a path or an s3:// URL.")


def fingerprints(texts: Sequence[str]) -> NDArray[np.uint64]:
    """`text_fingerprint` of every text; shape (n,)."""
    return np.fromiter(map(text_fingerprint, texts), np.uint64, len(texts))


def _sample(split: Split, size: int, rows: tuple[int, int | None], *, count: int | None, seed: int) -> LabelledTexts:
    """The sample never ends: rows beyond the usual size are made when they are asked for."""
    first, last = rows
    stream: Stream = "test" if split == "all" else split
    size = _LIVE_ROWS if split == "live" else size
    wanted = last - first + 1 if last is not None else size
    wanted = count if count is not None and (last is None or count < wanted) else wanted
    stories = list(generate(stream, wanted, seed=seed, start=first - 1))
    texts, labels = [story.text for story in stories], [story.label for story in stories]
    return LabelledTexts(
        name=SAMPLE,
        sha256=_hash(texts, labels),
        classes=LABELS,
        texts=texts,
        labels=labels,
        rows=np.arange(first, first + wanted),
        segments=[story.segment for story in stories],
    )


def _file(spec: str, label_names: Sequence[str] | None) -> LabelledTexts:
    with open_file(spec) as file:
        rows = list(file.rows())
        labels = [named_label(spec, row.label, label_names) for row in rows]
        references, segments = [row.reference for row in rows], [row.segment for row in rows]
        return LabelledTexts(
            name=PurePosixPath(spec).name,
            sha256=file.sha256,
            classes=file.classes or _ordered(labels),
            texts=[row.text for row in rows],
            labels=labels,
            rows=np.arange(1, len(labels) + 1),
            references=references if any(references) else None,
            segments=segments if any(segments) else None,
        )


def named_label(spec: str, label: str, names: Sequence[str] | None) -> str:
    """The name that an integer label stands for, where `names` says it. Raises InputError."""
    if names is None or label in names or not label.isdecimal():
        return label
    if int(label) >= len(names):
        raise InputError(f"{spec} has the label {label[:9]}, but there are only {len(names)} label names (from 0).")
    return names[int(label)]


def _ordered(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(labels), key=lambda label: (int(label) if label.isdecimal() else -1, label)))


def _split(whole: LabelledTexts, split: Split, train_rows: int, test_rows: int) -> LabelledTexts:
    if split in {"all", "live"}:
        return whole
    if train_rows + test_rows > len(whole):
        raise InputError(
            f"{whole.name} has {len(whole)} rows, fewer than {train_rows} for training and {test_rows} for the test; "
            "lower --train-rows or --test-rows."
        )
    return whole.take(slice(train_rows) if split == "train" else slice(train_rows, train_rows + test_rows))


def evaluation_split(name: str) -> Any:
    """The split of a hub dataset that no model was trained on, as far as its names say."""
    splits = load_hub_dataset(name)
    return splits[_held_out(splits) or next(iter(splits))]


def _held_out(splits: Mapping[str, Any]) -> str | None:
    return "test" if "test" in splits else "validation" if "validation" in splits else None


def _hub(name: str, split: Split, train_rows: int, test_rows: int, seed: int) -> LabelledTexts:
    """Rows of a hub dataset. Rows are drawn, not counted off, because some hub files are sorted by class."""
    splits = load_hub_dataset(name)
    held_out = _held_out(splits)
    if split in {"all", "live"} or "train" not in splits:
        return _hub_rows(name, splits[held_out or next(iter(splits))])
    part, first, size = ("train", 0, train_rows) if split == "train" else (held_out or "train", 0, test_rows)
    if split == "test" and held_out is None:
        first = train_rows  # one permutation, so that the two draws stay apart
    whole = _hub_rows(name, splits[part])
    if first + size > len(whole):
        raise InputError(f"The {part} split of {name} has {len(whole)} rows, fewer than the {first + size} asked for.")
    return whole.take([int(row) for row in np.random.default_rng(seed).permutation(len(whole))[first : first + size]])


def hub_rows(name: str, part: Any) -> Iterator[LabelledRow]:
    """The rows of a `datasets.Dataset`, every one checked, a few at a time in memory. Raises InputError."""
    if not {"text", "label"} <= set(part.column_names):
        raise InputError(f"{name} needs the columns text and label; it has {', '.join(part.column_names)}.")
    names: list[str] | None = getattr(part.features["label"], "names", None)
    row = 0
    for some in part.select_columns(["text", "label"]).iter(_HUB_ROWS):
        for text, label in zip(some["text"], some["label"], strict=True):
            row += 1
            unlabelled = label is None or (names is not None and not 0 <= label < len(names))
            if unlabelled or not isinstance(text, str) or not text.strip():
                raise InputError(f"Row {row} of {name} has no {'label' if unlabelled else 'text'}.")
            yield LabelledRow(text, names[label] if names else str(label))


def _hub_rows(name: str, part: Any) -> LabelledTexts:
    """A `datasets.Dataset` as labelled texts."""
    found = list(hub_rows(name, part))
    texts, labels = [row.text for row in found], [row.label for row in found]
    names = getattr(part.features["label"], "names", None)
    return LabelledTexts(
        name=name,
        sha256=_hash(texts, labels),
        classes=tuple(names) if names else _ordered(labels),
        texts=texts,
        labels=labels,
        rows=np.arange(1, len(texts) + 1),
    )


def _hash(texts: Sequence[str], labels: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text, label in zip(texts, labels, strict=True):
        digest.update(f"{label}\t{text}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
