"""The main job with real processes: quiet traffic tells nobody, drift tells once, recovery tells once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import bertwatch
from tests.processes import Receiver, Service, until

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(240)]

COMPRESSED = {
    "interval": 1,
    "window": 8,
    "minimum_rows": 150,
    "window_reach": 30,
    "accuracy_window": 10,
    "resolve_rounds": 3,
    "resolve_labels": 60,
    # A round a second is 31,536,000 a year: these budgets leave about 1 in 10,000 to a round.
    "false_pages_per_year": 300,
    "false_notices_per_year": 3000,
}


def replay(url: str, rows: str, *more: str) -> dict[str, Any]:
    """Send rows of the sample's live stream at 50 a second, each labelled half a second later."""
    done = bertwatch(
        "replay", "--url", url, "--dataset", "sample", "--rows", rows, "--rate", "50", "--label-delay", "0.5",
        "--json", *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_an_episode_is_told_once(tiny_model: Path, tiny_baseline: Path, tmp_path: Path, free_port: int) -> None:
    """Quiet: nothing. Drift: one opening. A restart of everything: nothing. Recovery: one resolved."""
    with Receiver() as receiver:
        service = Service(
            free_port, tmp_path / "serve.log", model=tiny_model, baseline=tiny_baseline,
            database=f"sqlite:///{tmp_path / 'log.db'}", notify_urls=receiver.url, **COMPRESSED,
        )  # fmt: skip
        with service:
            replay(service.url, "1-800")
            until(lambda: (service.status()["verdict"] or {}).get("kind") == "ok", 20, "a quiet verdict")
            assert receiver.titles() == []

            replay(service.url, "801-1600", "--scenario", "covert")
            until(receiver.titles, 20, "a notification")
            assert service.status()["episodes"][0]["resolved"] is None
            opened = [title for title in receiver.titles() if "resolved" not in title]

            service.stop()
            service.start()
            replay(service.url, "1601-1800", "--scenario", "covert")
            until(lambda: service.status()["episodes"][0]["severity"] == "page", 20, "the worst is known")

            replay(service.url, "1801-3300")
            until(lambda: service.status()["episodes"][0]["resolved"], 40, "the episode resolves")
            until(lambda: any("resolved" in title for title in receiver.titles()), 20, "it is told")

        titles = receiver.titles()
        resolved = [title for title in titles if title.startswith("[resolved]")]
        openings = [message for message in receiver.told if "has a problem" in message["message"]]
        assert len(openings) == 1, titles
        assert len(resolved) == 1, titles
        assert titles[0] == opened[0], titles
        assert titles[-1] == resolved[0], titles
        assert len(set(titles)) == len(titles), "nothing is told twice"
