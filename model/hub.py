"""The Hugging Face hub, for models: is it there, and where does its copy lie.

Knows nothing of what is in a model. Never waits longer than `PATIENCE` for a hub that does not answer.
"""

from __future__ import annotations

import re
import threading
from pathlib import Path

from model.errors import InputError, SurroundingsError

PATIENCE = 8.0
"""Seconds until a silent hub counts as unreachable."""
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(/[\w.-]+)?")
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model", "bpe.codes"]


def is_hub_name(model: str) -> bool:
    """Whether a string may be `name` or `owner/name` (and so is no path that begins with / . or ~)."""
    return _NAME.fullmatch(model) is not None and ".." not in model


def fetch(name: str) -> Path:
    """The directory of a hub model in the hub's own cache, fetched or found there.

    Raises InputError for a model that the hub does not give, SurroundingsError for a hub that cannot be reached.
    """
    from huggingface_hub import snapshot_download  # half of all starts never ask the hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    reachable = _ask(name)
    try:
        return Path(
            snapshot_download(name, allow_patterns=_WANTED, ignore_patterns=["*/*"], local_files_only=not reachable)
        )
    except LocalEntryNotFoundError:
        raise _unreachable(name) from None
    except OSError as error:
        raise SurroundingsError(
            f"The hub model {name} could not be fetched ({type(error).__name__}); try again."
        ) from None


def _ask(name: str) -> bool:
    """Whether the hub answers for this model. The answer is awaited in a thread, since a look-up has no time-out."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    outcome: list[Exception | None] = []

    def ask() -> None:
        try:
            HfApi().model_info(name, timeout=PATIENCE)
            outcome.append(None)
        except Exception as error:  # noqa: BLE001 - handed to the waiting thread, which tells them apart
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    error = outcome[0] if outcome else TimeoutError()
    if isinstance(error, GatedRepoError):
        raise InputError(
            f"The hub gives {name} only to those who accepted its terms; log in with `hf auth login`."
        ) from None
    if isinstance(error, RepositoryNotFoundError):
        raise InputError(f"There is no directory {name}, and the hub has no model of this name.") from None
    return error is None


def _unreachable(name: str) -> SurroundingsError:
    return SurroundingsError(
        f"There is no directory {name}, and the hub cannot be reached; offline, give a model directory, "
        "or make one with `bertwatch train --base-model tiny --dataset sample --output DIR`."
    )
