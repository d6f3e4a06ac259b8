"""How transformers reads a foreign directory's tokenizer, kept in the user's cache: the next start need not ask it.

Importing transformers takes two seconds and 200 MB (it brings torch), and a fast tokenizer needs neither once it has
been read. What is kept is found again for the same files, the same configuration and the same version of
transformers. Knows nothing of texts or batches.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from model.artifact import Artifact
from model.export import cache_directory, save

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """A fast tokenizer, as JSON that `tokenizers` reads, with what stands beside it in transformers."""

    tokenizer: str
    pad: str
    unknown: str | None
    cut_left: bool


def recall(artifact: Artifact) -> Reading | None:
    """What was kept for this artifact; None where nothing is, or nothing that can be read."""
    try:
        content: Mapping[str, Any] = json.loads(_file(artifact).read_text(encoding="utf-8"))
        return Reading(**content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        log.warning("the tokenizer kept in %s is damaged and is made anew (%s)", _file(artifact), type(error).__name__)
        return None


def keep(reading: Reading, artifact: Artifact) -> None:
    """For the next start; where the cache cannot be written to, that one asks transformers again."""
    try:
        save(json.dumps(asdict(reading)).encode(), _file(artifact))
    except OSError as error:
        log.warning("the tokenizer cannot be kept, and will be read anew at every start (%s)", error.strerror)


def _file(artifact: Artifact) -> Path:
    configuration = (artifact.path / "config.json").read_bytes()
    total = hashlib.sha256(f"{artifact.hashes.tokenizer}:{version('transformers')}:{version('tokenizers')}:".encode())
    total.update(configuration)
    return cache_directory() / artifact.info.version / f"tokenizer-{total.hexdigest()[:16]}.json"
