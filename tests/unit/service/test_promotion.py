"""A promoted baseline as a directory: there for as long as someone is started on it."""

from __future__ import annotations

import shutil
import tempfile

import pytest

from model.errors import SurroundingsError
from monitors.baseline import load_baseline
from service.promotion import promote, promoted
from service.store.baselines import Baselines
from service.store.database import open_database
from service.wiring import _monitor_command
from tests.unit.service.test_from_log import Log


@pytest.fixture(scope="module")
def baselines(tmp_path_factory):
    directory = tmp_path_factory.mktemp("promoted")
    log = Log(directory)
    assert log.take(directory / "taken").exit_code == 0
    with open_database(log.url) as database:
        found = Baselines(database)
        promote(found, directory / "taken", 1)
        yield found


@pytest.mark.parametrize("gone", ["all", "a file"])
def test_what_was_cleaned_away_is_there_again_for_the_next_monitor(baselines, gone):
    with promoted(baselines, None) as directory:
        held = load_baseline(directory)
        if gone == "all":
            shutil.rmtree(directory)
        else:
            next(directory.glob("*.parquet")).unlink()
        assert str(7) in _monitor_command(held, directory, 7)
        assert load_baseline(directory).id == held.id
    assert not directory.exists()


def test_a_directory_that_was_given_is_left_alone(tmp_path):
    _monitor_command(None, tmp_path / "given", 7)
    assert not (tmp_path / "given").exists()


def test_no_room_for_it_is_said(baselines, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SurroundingsError, match="TMPDIR"), promoted(baselines, None):
        pass
