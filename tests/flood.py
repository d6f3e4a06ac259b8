"""More requests than a service can answer, at a rate that does not depend on its answers; or as many as it answers.

    python -m tests.flood --port P --seconds S --connections C [--rate R]

With `--rate`, R requests a second leave whatever becomes of them (open loop) on up to C connections; without it each
of C connections sends its next request after an answer (closed loop). Prints one line of JSON. A raw protocol: a
client that costs much takes from the service, on the same machine, what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, field

import uvloop

from model.sample import generate

LONGEST_ANSWER = 60.0
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


class Wire(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, flood: Flood) -> None:
        self.flood = flood
        self.began: float | None = None
        self.read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.flood.free(self)

    def send(self, request: bytes) -> None:
        self.began = self.flood.loop.time()
        self.transport.write(request)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        self.read += data
        head = self.read.find(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(self.read)
        if head < 0 or length is None or len(self.read) < head + 4 + int(length[1]):
            return
        assert self.began is not None
        self.flood.answered(self.read, self.flood.loop.time() - self.began)
        self.read, self.began = b"", None
        self.flood.free(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.flood.gone(self)


class Flood:
    """Requests to one service."""

    def __init__(self, port: int, connections: int, rate: float | None) -> None:
        self.loop = asyncio.get_running_loop()
        self.port = port
        self.connections = connections
        self.rate = rate
        self.seen = Seen()
        self.sending = True
        self.all_answered = asyncio.Event()
        self.open = 0
        self._free: list[Wire] = []
        self._refusals: list[float] = []
        self._sent = 0
        bodies = [json.dumps({"text": story.text}).encode() for story in generate("live", 200)]
        head = "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
        self._requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]

    def _next(self) -> bytes:
        self._sent += 1
        return self._requests[self._sent % len(self._requests)]

    def free(self, wire: Wire) -> None:
        if self.sending and self.rate is None:
            wire.send(self._next())
            return
        self._free.append(wire)
        self._look_whether_all_are_answered()

    def _look_whether_all_are_answered(self) -> None:
        if not self.sending and len(self._free) == self.open:
            self.all_answered.set()

    def answered(self, answer: bytes, seconds: float) -> None:
        status = answer[9:12].decode()
        self.seen.statuses[status] = self.seen.statuses.get(status, 0) + 1
        if status == "503":
            self._refusals.append(seconds)
            self.seen.without_retry += RETRY_AFTER.search(answer) is None

    def gone(self, wire: Wire) -> None:
        self.open -= 1
        self.seen.lost += wire.began is not None
        if wire in self._free:
            self._free.remove(wire)
        self._look_whether_all_are_answered()

    async def connect(self, count: int) -> None:
        for _ in range(count):
            self.open += 1
            await self.loop.create_connection(lambda: Wire(self), "127.0.0.1", self.port)

    async def run(self, seconds: float) -> Seen:
        await self.connect(self.connections)
        began = self.loop.time()
        due = 0
        while (now := self.loop.time() - began) < seconds:
            due_now = int(now * (self.rate or 0))
            for _ in range(due_now - due):
                if self._free:
                    self._free.pop().send(self._next())
                else:
                    self.seen.late += 1
            due = due_now
            await asyncio.sleep(0.002)
        self.seen.seconds = seconds
        counted = dict(self.seen.statuses)  # what is answered afterwards belongs to no time
        await self._end()
        others = {status: count for status, count in self.seen.statuses.items() if status not in ("200", "503")}
        self.seen.statuses = counted | others
        ordered = sorted(self._refusals) or [0.0]
        self.seen.refused_p50 = 1000 * ordered[len(ordered) // 2]
        self.seen.refused_p99 = 1000 * ordered[int(len(ordered) * 0.99)]
        return self.seen

    async def _end(self) -> None:
        """Send nothing more, wait for what was sent, and close."""
        self.sending = False
        self._look_whether_all_are_answered()
        try:
            await asyncio.wait_for(self.all_answered.wait(), LONGEST_ANSWER)
        except TimeoutError:
            self.seen.lost += self.open - len(self._free)
        for wire in self._free.copy():
            wire.transport.close()
        await asyncio.sleep(0.05)  # a transport closes in the next turn of the loop


async def flood(port: int, seconds: float, connections: int, rate: float | None = None) -> Seen:
    return await Flood(port, connections, rate).run(seconds)


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
    gc.disable()  # it makes no rings, and what it takes it takes from the service
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(flood(given.port, given.seconds, given.connections, given.rate))
    print(json.dumps(asdict(seen)))  # noqa: T201 - its one line


if __name__ == "__main__":
    main()
