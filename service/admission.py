"""How much may wait, by texts and by tokens; who comes on top of it is refused, and told when to come again.

Knows nothing of what waits but how long its text is. Tokens are counted by the worker that takes a text; here
characters stand for them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Protocol

from service.errors import Overloaded

CHARACTERS_A_TOKEN = 4
"""Of English; other scripts have fewer, which the bound on texts makes up for."""
LONGEST = 512
"""Tokens of a text that a BERT reads; the rest of it costs next to nothing."""
LONGEST_RETRY = 60
_MEMORY = 0.1
"""Weight of the newest batch in the mean time of a text."""


class HasText(Protocol):
    @property
    def text(self) -> str: ...


def estimated_tokens(text: str) -> int:
    """What a model will read of this text, as far as its characters tell; never 0."""
    return min(2 + len(text) // CHARACTERS_A_TOKEN, LONGEST)


class Admission:
    """The place that texts take between acceptance and answer, less what the workers hold. For any thread.

    Texts that wait for the writer take a place too: with a slow database the queue would be short, and those who
    wait would be many.
    """

    def __init__(self, most_texts: int, most_tokens: int, workers: int) -> None:
        self._most_texts = most_texts
        self._most_tokens = most_tokens
        self._workers = workers
        self._texts = 0
        self._tokens = 0
        self._seconds_a_text: float | None = None
        self._lock = threading.Lock()

    @property
    def tokens(self) -> int:
        """Estimated tokens that wait."""
        return self._tokens

    def full(self, expected: int = 0) -> bool:
        """Whether not even one short text would be taken, after so many others that are expected."""
        tokens = self._tokens + expected * estimated_tokens("")
        return self._texts + expected >= self._most_texts or tokens >= self._most_tokens

    def admit(self, items: Sequence[HasText]) -> None:
        """Take places for all items, or none and raise Overloaded. What is larger than all places is taken alone."""
        tokens = _tokens(items)
        with self._lock:
            if self._texts and (
                self._texts + len(items) > self._most_texts or self._tokens + tokens > self._most_tokens
            ):
                raise self.refusal()
            self._texts += len(items)
            self._tokens += tokens

    def leave(self, items: Sequence[HasText]) -> None:
        """A worker took them, or they are answered."""
        self._move(-len(items), -_tokens(items))

    def enter(self, items: Sequence[HasText]) -> None:
        """They have been admitted before, and wait again: for the writer."""
        self._move(len(items), _tokens(items))

    def _move(self, texts: int, tokens: int) -> None:
        with self._lock:
            self._texts += texts
            self._tokens += tokens

    def classified(self, texts: int, seconds: float) -> None:
        """One of the workers was busy with so many texts for so long. Idle time is no part of it."""
        newest = seconds / texts / self._workers
        known = self._seconds_a_text
        self._seconds_a_text = newest if known is None else known + _MEMORY * (newest - known)

    def refusal(self) -> Overloaded:
        """With the time after which what waits now will have been answered, in whole seconds."""
        seconds = math.ceil(self._texts * (self._seconds_a_text or 0.0))
        return Overloaded(retry_after=min(max(seconds, 1), LONGEST_RETRY))


def _tokens(items: Sequence[HasText]) -> int:
    return sum(estimated_tokens(item.text) for item in items)
