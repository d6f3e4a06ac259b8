"""How a listening socket is given up without resetting a connection that the kernel has already accepted.

Knows nothing of HTTP. Closing a listener resets what waits in its queue: those clients were connected, may have sent
a request, and would hear nothing. So newcomers are turned away first, the queue is emptied, and then it is closed.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import socket
import struct
import sys

_SO_ATTACH_FILTER = 26
_ALL = 0xFFFFFFFF
_ONLY_SYN = (  # of a TCP header: pass everything but a first SYN
    (0x30, 0, 0, 13),  # load the byte of the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, _ALL),  # pass
)
"""Classic BPF, `struct sock_filter` of <linux/filter.h>."""


def turn_newcomers_away(listener: socket.socket) -> bool:
    """Let no new connection begin; handshakes under way still end. False where the system cannot (all but Linux).

    A client whose SYN is dropped sends it again after a second, and is refused by then: it knows that it never got in.
    """
    if sys.platform != "linux":
        return False
    program = b"".join(struct.pack("HBBI", *line) for line in _ONLY_SYN)
    held = ctypes.create_string_buffer(program)
    filter_of_program = struct.pack("HP", len(_ONLY_SYN), ctypes.addressof(held))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_of_program)
        return True
    return False


def someone_waits(listener: socket.socket) -> bool:
    """Whether a connection is in the queue that nobody has taken."""
    asked = select.poll()
    asked.register(listener, select.POLLIN)
    return bool(asked.poll(0))
