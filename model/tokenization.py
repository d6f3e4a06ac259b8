"""Texts in, token ids out: cut to length, counted, one padded batch at a time. Knows nothing of engines or labels.

Our own artifacts are read by `tokenizers` alone. Foreign directories go through transformers' AutoTokenizer,
whose readings of old files differ from a plain look at tokenizer.json; a reading is kept for the next start.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from model.artifact import Artifact
from model.errors import InputError
from model.loading import loading
from model.tokenizer_reading import Reading, keep, recall

Ids = NDArray[np.int64]

_TWO_SEGMENTS = frozenset({"bert", "electra"})
"""Families that take token type ids; the others have one type, or no such argument."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """n texts as one padded batch of `width` tokens, with what was counted before cutting."""

    input_ids: Ids
    """Shape (n, width)."""
    attention_mask: Ids
    """Shape (n, width)."""
    token_type_ids: Ids | None
    """Shape (n, width), all zero; None where the model takes none."""
    tokens: NDArray[np.int64]
    """Shape (n,): tokens of the whole text, special ones left out."""
    unknown: NDArray[np.int64]
    """Shape (n,): how many of them the vocabulary does not know."""
    truncated: NDArray[np.bool_]
    """Shape (n,): True where the model did not see the whole text."""


@dataclass(frozen=True, slots=True, eq=False)
class TextTokenizer:
    """A model's tokenizer. Safe to call from several threads at once."""

    encode: Callable[[list[str]], list[list[int]]]
    """Whole texts to ids with special tokens, neither cut nor padded."""
    max_length: int
    prefix: int
    """How many special tokens stand before a text."""
    suffix: int
    """How many special tokens stand after a text."""
    pad: int
    unknown: int | None
    """Id of the unknown token; None in byte-level vocabularies, which know everything."""
    types: bool
    """Whether the model takes token type ids."""
    cut_left: bool
    """Whether too long a text loses its beginning instead of its end."""

    def batch(self, texts: Sequence[str]) -> Batch:
        """One padded batch, as wide as its longest text or as the model allows."""
        encoded = self.encode([encodable(text) for text in texts])
        special = self.prefix + self.suffix
        lengths = np.array([len(ids) for ids in encoded], np.int64)
        width = int(min(lengths.max(initial=special), self.max_length))
        input_ids = np.full((len(encoded), width), self.pad, np.int64)
        unknown = np.zeros(len(encoded), np.int64)
        for row, ids in enumerate(encoded):
            kept = self._cut(ids)
            input_ids[row, : len(kept)] = kept
            if self.unknown is not None:
                unknown[row] = ids.count(self.unknown)
        attention_mask = (np.arange(width) < lengths[:, None]).astype(np.int64)
        return Batch(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=np.zeros_like(input_ids) if self.types else None,
            tokens=lengths - special,
            unknown=unknown,
            truncated=lengths > self.max_length,
        )

    def _cut(self, ids: list[int]) -> list[int]:
        if len(ids) <= self.max_length:
            return ids
        if self.cut_left:
            return ids[: self.prefix] + ids[len(ids) - self.max_length + self.prefix :]
        return ids[: self.max_length - self.suffix] + ids[len(ids) - self.suffix :]


def open_tokenizer(artifact: Artifact) -> TextTokenizer:
    """The tokenizer of an artifact. Raises InputError where its files are damaged."""
    try:
        if artifact.own and (artifact.path / "tokenizer.json").is_file():
            return _open_own(artifact)
        return _open_foreign(artifact)
    except InputError:
        raise
    except Exception as error:  # the libraries raise plain Exceptions for damaged files
        raise InputError(f"The tokenizer in {artifact.path} cannot be opened ({type(error).__name__}).") from error


def _open_own(artifact: Artifact) -> TextTokenizer:
    config = json.loads((artifact.path / "tokenizer_config.json").read_text(encoding="utf-8"))
    return _from_fast(
        artifact,
        Tokenizer.from_file(str(artifact.path / "tokenizer.json")),
        pad=config["pad_token"],
        unknown=config.get("unk_token"),
        cut_left=config.get("truncation_side") == "left",
    )


def _open_foreign(artifact: Artifact) -> TextTokenizer:
    reading = recall(artifact)
    if reading is None:
        loaded = _as_transformers_reads_it(artifact)
        if not loaded.is_fast:
            return _from_slow(artifact, loaded)
        reading = Reading(
            tokenizer=loaded.backend_tokenizer.to_str(),
            pad=loaded.pad_token,
            unknown=loaded.unk_token,
            cut_left=loaded.truncation_side == "left",
        )
        keep(reading, artifact)
    return _from_fast(
        artifact,
        Tokenizer.from_str(reading.tokenizer),
        pad=reading.pad,
        unknown=reading.unknown,
        cut_left=reading.cut_left,
    )


def _as_transformers_reads_it(artifact: Artifact) -> Any:
    from transformers import AutoTokenizer  # takes seconds, which our own artifacts need not pay

    with loading():
        loaded = AutoTokenizer.from_pretrained(str(artifact.path), local_files_only=True, trust_remote_code=False)
    if loaded.pad_token_id is None:
        raise InputError(f"The tokenizer in {artifact.path} has no padding token; save it with one.")
    return loaded


def _from_fast(
    artifact: Artifact, tokenizer: Tokenizer, *, pad: str, unknown: str | None, cut_left: bool
) -> TextTokenizer:
    # Set once, before any thread sees it: a change of state while another thread encodes is "Already borrowed".
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def encode(texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]

    prefix, suffix = _special_tokens(encode, tokenizer.encode("a", add_special_tokens=False).ids)
    return TextTokenizer(
        encode=encode,
        max_length=artifact.max_length,
        prefix=prefix,
        suffix=suffix,
        pad=_known(artifact, tokenizer.token_to_id(pad)),
        unknown=None if unknown is None else tokenizer.token_to_id(unknown),
        types=artifact.family in _TWO_SEGMENTS,
        cut_left=cut_left,
    )


def _from_slow(artifact: Artifact, loaded: Any) -> TextTokenizer:
    lock = threading.Lock()

    def encode(texts: list[str]) -> list[list[int]]:
        with lock:
            return [list(loaded(text, truncation=False, verbose=False)["input_ids"]) for text in texts]

    prefix, suffix = _special_tokens(encode, loaded("a", add_special_tokens=False)["input_ids"])
    return TextTokenizer(
        encode=encode,
        max_length=artifact.max_length,
        prefix=prefix,
        suffix=suffix,
        pad=int(loaded.pad_token_id),
        unknown=loaded.unk_token_id,
        types=artifact.family in _TWO_SEGMENTS,
        cut_left=loaded.truncation_side == "left",
    )


def _special_tokens(encode: Callable[[list[str]], list[list[int]]], bare: list[int]) -> tuple[int, int]:
    """How many special tokens stand before and after the ids of the text "a"."""
    whole = encode(["a"])[0]
    for prefix in range(len(whole) - len(bare) + 1):
        if whole[prefix : prefix + len(bare)] == bare:
            return prefix, len(whole) - len(bare) - prefix
    return 0, 0


def _known(artifact: Artifact, token: int | None) -> int:
    if token is None:
        raise InputError(f"The tokenizer in {artifact.path} has no padding token; save it with one.")
    return token


def encodable(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes; a question mark stands for each."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
