"""The control of `made_elsewhere`: `bertwatch serve` with a transaction a caller.

No group and no turn within the process; writers that meet wait as SQLite and PostgreSQL let them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from service.cli import main
from service.store.database import Database
from service.store.group import GroupCommit


def alone(self: GroupCommit[Any, Any], items: Sequence[Any]) -> Sequence[Any]:
    return self._write(items)


if __name__ == "__main__":
    GroupCommit.__call__ = alone  # type: ignore[method-assign]  # the control
    Database._own_turn = lambda self: nullcontext()  # type: ignore[method-assign]  # the control
    main(["serve"])
