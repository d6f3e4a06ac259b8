"""Key files, and whether a door may stand open. Knows nothing of HTTP; keys and URLs go into no message."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from model.errors import InputError

SHORTEST_KEY = 16


def read_keys(path: Path | None) -> tuple[str, ...]:
    """The bearer keys of a key file, one a line; none without a file. Raises InputError."""
    if path is None:
        return ()
    keys = tuple(read_lines(path, "key file"))
    if not keys:
        raise InputError(f"The key file {path} holds no key; put one on each line.")
    if any(len(key) < SHORTEST_KEY for key in keys):
        raise InputError(f"The key file {path} holds a key of fewer than {SHORTEST_KEY} characters; use longer ones.")
    return keys


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a file that are neither blank nor comments. Raises InputError, which names the file as `what`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"Cannot read the {what} {path}: {reason}.") from None
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def refuse_open_door(host: str, keys: tuple[str, ...], *, allowed: bool) -> None:
    """Raise InputError for an address that others reach, without keys and without leave."""
    if keys or allowed or _is_loopback(host):
        return
    raise InputError(
        f"Listening on {host} lets everybody on the network in; give --key-file, or --allow-anonymous if that is meant."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
