"""More requests than a service can answer, at a rate that does not depend on its answers; or as many as it answers.

    python -m tests.flood --port P --seconds S --connections C [--rate R]

With `--rate`, R requests a second leave whatever becomes of them (open loop) on up to C connections; without it each
of C connections sends its next request after an answer (closed loop). Prints one line of JSON. Bare sockets: a client
that costs much takes from the service, on the same machine, what it measures.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field

from model.sample import generate

LONGEST_ANSWER = 60.0
TICK = 0.002
"""Seconds after which an open loop looks again; what came in between is said to have come then."""

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
RETRY_AFTER = re.compile(rb"\r\nretry-after: [1-9]\d*\r\n")


@dataclass
class Seen:
    """What came of it. Times in milliseconds."""

    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    """Requests whose connection ended without an answer."""
    late: int = 0
    """Requests that were due and could not leave, for want of a free connection."""
    without_retry: int = 0
    """Answers of status 503 without a Retry-After of at least a second."""
    refused_p50: float = 0.0
    refused_p99: float = 0.0

    @property
    def goodput(self) -> float:
        """Answers of status 200 a second."""
        return self.statuses.get("200", 0) / self.seconds


class Wire:
    """One connection; one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LONGEST_ANSWER)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)  # it is used when it is ready, and a request fits into its buffer
        self.began: float | None = None
        self.read = b""

    def send(self, request: bytes) -> None:
        self.began = time.monotonic()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """The whole answer, or None while a part of it is missing. Raises ConnectionError at the end."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        self.read += data
        head = self.read.find(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(self.read)
        if head < 0 or length is None or len(self.read) < head + 4 + int(length[1]):
            return None
        answer, self.read = self.read, b""
        return answer


class Flood:
    """Requests to one service."""

    def __init__(self, port: int, connections: int) -> None:
        self.seen = Seen()
        self._poll = select.epoll()
        self._wires: dict[int, Wire] = {}
        self._free: deque[Wire] = deque()
        """Each in its turn: a connection that brings nothing for ten seconds is closed."""
        self._refusals: list[float] = []
        self._sent = 0
        bodies = [json.dumps({"text": story.text}).encode() for story in generate("live", 200)]
        head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
        self._requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]
        for _ in range(connections):
            wire = Wire(port)
            self._wires[wire.socket.fileno()] = wire
            self._poll.register(wire.socket, select.EPOLLIN)
            self._free.append(wire)

    def run(self, seconds: float, rate: float | None) -> Seen:
        began = time.monotonic()
        due = 0
        while (now := time.monotonic() - began) < seconds:
            if rate is None:
                while self._free:
                    self._send()
                self._read(TICK)
                continue
            due_now = int(now * rate)
            for _ in range(due_now - due):
                if self._free:
                    self._send()
                else:
                    self.seen.late += 1
            due = due_now
            time.sleep(TICK)
            self._read(0)
        self.seen.seconds = seconds
        counted = dict(self.seen.statuses)  # what is answered afterwards belongs to no time
        self._end()
        others = {status: count for status, count in self.seen.statuses.items() if status not in ("200", "503")}
        self.seen.statuses = counted | others
        ordered = sorted(self._refusals) or [0.0]
        self.seen.refused_p50 = 1000 * ordered[len(ordered) // 2]
        self.seen.refused_p99 = 1000 * ordered[int(len(ordered) * 0.99)]
        return self.seen

    def _send(self) -> None:
        wire = self._free.popleft()
        self._sent += 1
        try:
            wire.send(self._requests[self._sent % len(self._requests)])
        except ConnectionError:
            self._gone(wire)

    def _read(self, patience: float) -> None:
        for number, _ in self._poll.poll(patience):
            wire = self._wires[number]
            try:
                answer = wire.receive()
            except ConnectionError:
                self._gone(wire)
                continue
            if answer is not None:
                self._answered(wire, answer)

    def _answered(self, wire: Wire, answer: bytes) -> None:
        assert wire.began is not None, "nobody answers what was not asked"
        status = answer[9:12].decode()
        self.seen.statuses[status] = self.seen.statuses.get(status, 0) + 1
        if status == "503":
            self._refusals.append(time.monotonic() - wire.began)
            self.seen.without_retry += RETRY_AFTER.search(answer) is None
        wire.began = None
        self._free.append(wire)

    def _gone(self, wire: Wire) -> None:
        self.seen.lost += wire.began is not None
        del self._wires[wire.socket.fileno()]
        self._poll.unregister(wire.socket)
        wire.socket.close()
        if wire in self._free:
            self._free.remove(wire)

    def _end(self) -> None:
        """Send nothing more, wait for what was sent, and close."""
        until = time.monotonic() + LONGEST_ANSWER
        while len(self._free) < len(self._wires) and time.monotonic() < until:
            self._read(0.1)
        self.seen.lost += len(self._wires) - len(self._free)
        for wire in self._wires.values():
            wire.socket.close()
        self._poll.close()


def flood(port: int, seconds: float, connections: int, rate: float | None = None) -> Seen:
    return Flood(port, connections).run(seconds, rate)


def flood_apart(port: int, seconds: float, connections: int, rate: float | None = None) -> Seen:
    """From a process of its own."""
    command = [sys.executable, "-m", "tests.flood", "--port", str(port), "--seconds", str(seconds)]
    command += ["--connections", str(connections), *(["--rate", str(rate)] if rate else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 2 * LONGEST_ANSWER)
    return Seen(**json.loads(done.stdout))


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--seconds", type=float, required=True)
    asked.add_argument("--connections", type=int, required=True)
    asked.add_argument("--rate", type=float)
    given = asked.parse_args()
    print(json.dumps(asdict(flood(given.port, given.seconds, given.connections, given.rate))))  # noqa: T201 - its one line


if __name__ == "__main__":
    main()
