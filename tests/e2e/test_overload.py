"""Ten times more requests than can be answered: what fits is answered as fast as ever, the rest is refused at once.

The long form takes two minutes, and its bounds are ratios within the same run, or as wide as a busy machine asks.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from service.predictor import Limits
from tests.api.conftest import Service as InProcess
from tests.api.conftest import new_house, serving
from tests.bench.engine import random_model
from tests.flood import Seen, flood, flood_apart
from tests.processes import Service

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MEGABYTE = 1_000_000


@pytest.fixture
def slow_service(tmp_path: Path) -> Iterator[InProcess]:
    """A hundred texts a second, and eight that wait."""
    with new_house(tmp_path, limits=Limits(workers=1, max_batch=1, queue_size=8)) as house:
        classify, pause = house.classifier.classify, threading.Event()

        def slowly(texts):
            pause.wait(0.01)
            return classify(texts)

        house.classifier.classify = slowly
        with serving(house) as running:
            yield running


def test_more_than_can_be_answered_is_refused_and_nothing_else_happens(slow_service: InProcess):
    seen = flood(slow_service.port, 2.0, 64, rate=1000)
    assert set(seen.statuses) == {"200", "503"}
    assert (seen.lost, seen.without_retry) == (0, 0)
    assert seen.statuses["503"] > seen.statuses["200"] > 5
    house = slow_service.house
    assert house.rows() == len(house.classifier.texts) >= seen.statuses["200"]
    assert house.value("bertwatch_queue_tokens") == 0, "every place was given back"
    assert slow_service.post("/predict", {"text": "again"}).status_code == 200


class Watched:
    """The resident memory of a process, looked at while something else runs."""

    def __init__(self, pid: int) -> None:
        self.process = psutil.Process(pid)
        self.most = 0
        self.ended = threading.Event()

    def look(self) -> int:
        return int(self.process.memory_info().rss)

    def during(self, work: Callable[[], Seen]) -> Seen:
        def keep_looking() -> None:
            while not self.ended.wait(0.2):
                self.most = max(self.most, self.look())

        thread = threading.Thread(target=keep_looking, daemon=True)
        thread.start()
        try:
            return work()
        finally:
            self.ended.set()
            thread.join()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_times_more_for_a_minute(tmp_path: Path, free_port: int) -> None:
    """A BERT of 6 x 384, random weights, the exact engine; peak before and after, and between them the flood."""
    model = random_model("6x384", tmp_path / "model")
    database = f"sqlite:///{tmp_path / 'log.db'}"
    with Service(free_port, tmp_path / "serve.log", model=model, database=database) as service:
        assert service.process is not None
        flood_apart(free_port, 5, 32)  # warm
        peak = flood_apart(free_port, 15, 32)
        memory = Watched(service.process.pid)
        at_rest = memory.look()
        flooded = memory.during(lambda: flood_apart(free_port, 60, 800, rate=10 * peak.goodput))
        after = flood_apart(free_port, 15, 32)
        ratio = flooded.goodput / max(peak.goodput, after.goodput)
        grown = (memory.most - at_rest) / MEGABYTE
        said = (
            f"peak {peak.goodput:.0f}/s before and {after.goodput:.0f}/s after; at ten times that "
            f"{flooded.goodput:.0f}/s ({ratio:.0%}), {flooded.statuses.get('503', 0)} refused "
            f"(p50 {flooded.refused_p50:.1f} ms, p99 {flooded.refused_p99:.1f} ms), {flooded.late} never sent, "
            f"memory +{grown:.0f} MB"
        )
        print(said, file=sys.stderr)  # noqa: T201 - the figures for the README
        assert set(peak.statuses) == set(after.statuses) == {"200"}, said
        assert set(flooded.statuses) <= {"200", "503"}, said
        assert (flooded.lost, flooded.without_retry) == (0, 0), said
        assert flooded.goodput >= 0.9 * min(peak.goodput, after.goodput), said
        assert flooded.refused_p50 <= 50, said
        assert grown <= 100, said
        assert flooded.statuses["503"] >= 5 * flooded.statuses["200"], f"it was ten times too much: {said}"
        assert service.stop() == 0
