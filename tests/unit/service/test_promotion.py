"""A promoted baseline as a directory: there for as long as someone is started on it."""

from __future__ import annotations

import shutil
import tempfile

import pytest

from model.errors import SurroundingsError
from monitors.baseline import load_baseline, save_baseline
from service.promotion import lay_out_again, promote, promoted
from service.store.baselines import Baselines
from service.store.database import open_database
from service.wiring import _monitor_command
from tests.unit.monitors.test_baseline import fitted, under_strain
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


def test_rows_under_strain_are_promoted_too_and_laid_out_again(tmp_path):
    held = fitted(strained=under_strain())
    save_baseline(held, tmp_path / "made")
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database:
        found = Baselines(database)
        promote(found, tmp_path / "made", 1)
        with promoted(found, None) as directory:
            assert load_baseline(directory).id == held.id
            (directory / "strained.parquet").unlink()
            lay_out_again(held, directory)
            assert load_baseline(directory).id == held.id


def test_a_directory_that_was_given_is_left_alone(tmp_path):
    _monitor_command(None, tmp_path / "given", 7)
    assert not (tmp_path / "given").exists()


def test_no_room_for_it_is_said(baselines, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SurroundingsError, match="TMPDIR"), promoted(baselines, None):
        pass
