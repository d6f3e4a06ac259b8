"""What `strace` saw: was each answered row on disk before its 200 left? One database, any number of processes.

A row is recognised by its text in what is written to the write-ahead log. After that write an fdatasync (or fsync) of
the same file must begin, and end before the answer is written to the client's socket.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CALLS = "trace=fdatasync,fsync,pwrite64,pwritev,pwritev2,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
LINE = re.compile(r"^(?P<pid>\d+) +(?P<time>\d+\.\d+) (?P<rest>.*)$")
TOKEN = re.compile(r"token\d+of\d+end")
"""Stands in every text of these tests, and in no other."""


@contextmanager
def attached(pids: Sequence[int], output: Path) -> Iterator[None]:
    """Watch processes that run, with the children that they will have."""
    command = ["strace", "-f", "-y", "-ttt", "-s", "20000", "-e", CALLS, "-o", str(output)]
    watcher = subprocess.Popen([*command, *(f"--attach={pid}" for pid in pids)], stderr=subprocess.PIPE)
    assert watcher.stderr is not None
    for _ in pids:
        line = watcher.stderr.readline()
        assert b"attached" in line, line
    try:
        yield
    finally:
        watcher.terminate()
        watcher.communicate(timeout=30)


@dataclass(frozen=True, slots=True)
class Call:
    """A system call: when it began and ended, and what it was given."""

    began: float
    ended: float
    text: str
    finished: bool


def calls_of(trace: Path) -> list[Call]:
    """In the order of their beginnings. A call that another thread's line interrupts is put together again."""
    calls: list[Call] = []
    open_calls: dict[str, tuple[float, str]] = {}
    for line in trace.read_text(errors="replace").splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        pid, time, rest = found["pid"], float(found["time"]), found["rest"]
        if rest.endswith("<unfinished ...>"):
            open_calls[pid] = (time, rest)
        elif rest.startswith("<... "):
            began, head = open_calls.pop(pid, (time, ""))
            calls.append(Call(began, time, head + rest, True))
        else:
            calls.append(Call(time, time, rest, True))
    calls += [Call(began, float("inf"), head, False) for began, head in open_calls.values()]
    return sorted(calls, key=lambda call: call.began)


@dataclass(frozen=True, slots=True)
class Proof:
    """How many answers left, and which of them before their rows were on disk."""

    answers: int
    too_early: tuple[str, ...]
    syncs: int


def prove(traces: Sequence[Path], log_file: str) -> Proof:
    """`log_file`: what the path of the database's write-ahead log holds, `-wal` or `pg_wal`."""
    calls = sorted((call for trace in traces for call in calls_of(trace)), key=lambda call: call.began)
    syncs = [
        call
        for call in calls
        if call.finished and call.text.startswith(("fdatasync(", "fsync(")) and log_file in call.text
    ]
    written: dict[str, float] = {}
    asked: dict[str, str] = {}
    answers, early = 0, []
    for call in calls:
        name, _, given = call.text.partition("(")
        place = given.partition(">")[0]
        if name.startswith("pwrite") and log_file in place:
            for token in TOKEN.findall(given):
                written.setdefault(token, call.ended)
        elif name in ("read", "recvfrom", "recvmsg") and "socket:" in place:
            for token in TOKEN.findall(given):
                asked[place] = token
        elif name in ("write", "writev", "sendto", "sendmsg") and "HTTP/1.1 200" in given and place in asked:
            answers += 1
            token = asked.pop(place)
            on_log = written.get(token, float("inf"))
            if not any(on_log <= sync.began and sync.ended <= call.began for sync in syncs):
                early.append(token)
    return Proof(answers, tuple(early), len(syncs))
