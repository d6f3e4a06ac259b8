"""What a replica says of itself to those who send it traffic."""

from __future__ import annotations


class Readiness:
    """Whether this replica wants traffic: not before it has started, not once it has been told to stop."""

    def __init__(self) -> None:
        self.started = False
        self.leaving = False

    def __bool__(self) -> bool:
        return self.started and not self.leaving
