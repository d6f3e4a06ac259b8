"""UUIDv7: ids that sort by time. Knows nothing of what they name."""

from __future__ import annotations

import os
from collections.abc import Callable
from uuid import UUID

BYTES_OF_ENTROPY = 8
"""What one id asks for."""


def uuid7(time: int, entropy: Callable[[int], bytes] = os.urandom) -> UUID:
    """An id for a moment in microseconds since the epoch (RFC 9562, section 5.7).

    The 12 bits after the milliseconds hold the fraction of the millisecond (section 6.2, method 3), so
    ids of different microseconds sort by time; 62 random bits tell ids of the same one apart.
    """
    milliseconds, rest = divmod(time, 1000)
    fraction = (rest << 12) // 1000
    random = int.from_bytes(entropy(BYTES_OF_ENTROPY), "big") & ((1 << 62) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random
    return UUID(int=value)
