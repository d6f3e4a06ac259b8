"""The Hugging Face hub, for datasets: all splits of one, from the hub or from its cache on this machine.

Knows nothing of labels or rows. Never waits long for a hub that does not answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from model.errors import InputError, SurroundingsError
from model.hub import PATIENCE

_OWNERS = {"ag_news": "fancyzhx/ag_news"}
"""Old names without an owner, for when the hub cannot be asked; its clients no longer take them as they are."""


def load_hub_dataset(name: str) -> dict[str, Any]:
    """All splits of a hub dataset, from the hub or, where it is silent, from its cache on this machine."""
    import datasets  # takes a second, and only a hub name needs it

    answered = _ask(name)
    try:
        with _offline(not answered):
            return dict(datasets.load_dataset(answered or _OWNERS.get(name, name)))
    except (OSError, ValueError, RuntimeError) as error:
        if answered:
            raise InputError(f"The hub dataset {name} could not be loaded ({type(error).__name__}).") from None
        raise SurroundingsError(
            f"There is no file {name}, and the dataset hub cannot be reached; offline, give `--dataset sample` "
            "or the path of a CSV, JSONL or Parquet file."
        ) from None


def _ask(name: str) -> str | None:
    """The full name (`owner/name`) of a hub dataset, None where no hub answers in time.

    Asked once, in a thread: the hub's clients try again for half a minute, and a look-up has no time-out.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    outcome: list[str | Exception] = []

    def ask() -> None:
        try:
            outcome.append(HfApi().dataset_info(name, timeout=PATIENCE).id)
        except Exception as error:  # noqa: BLE001 - handed to the waiting thread, which tells them apart
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    answer = outcome[0] if outcome else TimeoutError()
    if isinstance(answer, RepositoryNotFoundError):
        raise InputError(f"There is no file {name}, and the hub has no open dataset of this name.") from None
    return answer if isinstance(answer, str) else None


@contextmanager
def _offline(silent: bool) -> Iterator[None]:
    """Keep the hub's clients from asking a hub that does not answer; they read these names at every request."""
    import datasets.config
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before[0] or silent, before[1] or silent
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before
