"""How transformers is asked to load something: one thread at a time, and without talking to the terminal."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def loading() -> Iterator[None]:
    """Around each `from_pretrained`: several at once hang, and their bars and reports would break `--json`."""
    # Imported here because it takes seconds; by name because its functions have no types.
    logging: Any = importlib.import_module("transformers.utils.logging")
    with _ONE_AT_A_TIME:
        verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
