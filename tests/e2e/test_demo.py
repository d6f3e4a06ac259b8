"""`bertwatch demo --exit`: the alert fires and resolves, the status says so, and no process is left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest

from tests.conftest import bertwatch

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.timeout(240)]


def test_demo_ends_by_itself(tiny_model: Path, tiny_baseline: Path, tmp_path: Path, free_port: int) -> None:
    """Model and baseline are those of the other tests, which a demo in the same directory takes up again."""
    shutil.copytree(tiny_model, tmp_path / "news")
    shutil.copytree(tiny_baseline, tmp_path / "news-baseline")
    done = bertwatch("demo", "--exit", "--port", free_port, "--directory", tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    alerts = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("ALERT")]
    assert "[resolved]" not in alerts[0]
    assert "[resolved]" in alerts[-1]
    assert sum("[resolved]" in alert for alert in alerts) == 1
    assert f"http://127.0.0.1:{free_port}/reports/" in done.stdout
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or [])]
    assert left == []
