"""The edges of a store: every character there is, a file that may not grow, and nothing left open after the end."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event, text

from model.errors import InputError, SurroundingsError
from service.store.database import Database, open_database
from service.store.labels import Labels
from service.store.nouns import NewLabel, Outcome
from service.store.predictions import PredictionLog
from tests.contract.store.rows import NEWS, START, record, row_id

PLANE = 0x10000
SURROGATES = range(0xD800, 0xE000)


@pytest.fixture
def log(database: Database) -> PredictionLog:
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    return opened


def test_every_character_comes_back_as_it_went_in(log, database):
    """All 1,112,063 of them but NUL, in text, reference and segment; also by the reference they are found again."""
    planes = [
        "".join(chr(code) for code in range(max(1, plane * PLANE), (plane + 1) * PLANE) if code not in SURROGATES)
        for plane in range(17)
    ]
    log.append([record(number, text=plane) for number, plane in enumerate(planes)])
    assert log.texts([row_id(number) for number in range(17)]) == {row_id(n): plane for n, plane in enumerate(planes)}
    odd = [planes[plane][at : at + 200] for plane in (0, 1, 14) for at in range(0, 60_000, 3000)]
    log.append([record(100 + at, reference=key, segment=key) for at, key in enumerate(odd)])
    found = log.find([row_id(100 + at) for at in range(len(odd))])
    assert [(row.reference, row.segment) for _, row in sorted(found.items())] == [(key, key) for key in odd]
    outcomes = Labels(database).add([NewLabel(None, key, "World") for key in odd], START)
    assert [each.prediction_id for each in outcomes] == [row_id(100 + at) for at in range(len(odd))]


@pytest.mark.parametrize("broken", ["\0", "a\0b", "\ud800", "\udfff\ud800", "x\udc80"])
def test_what_has_no_bytes_is_refused_wherever_it_stands(log, database, broken):
    for where in ("text", "reference", "segment"):
        with pytest.raises(InputError, match="nothing was"):
            log.append([record(1), record(2, **{where: broken})])
    assert log.total("v1") == 0
    assert log.by_reference(broken) is None
    assert Labels(database).add([NewLabel(None, broken, "World")], START)[0].outcome is Outcome.UNKNOWN_PREDICTION


def limit_pages(engine: Engine, pages: int) -> None:
    def limit(connection, *_) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(engine.pool, "checkout", limit)


def append_until_full(log: PredictionLog) -> int:
    """Batches of five long rows; how many rows were taken before the refusal."""
    taken = 0
    while taken < 1000:
        try:
            log.append([record(10 + 2 * taken + row, text="long " * 300) for row in range(5)])
        except SurroundingsError:  # what it says is looked at by the test
            return taken
        taken += 5
    raise AssertionError("it was never full")


def test_a_database_that_may_not_grow_takes_whole_batches_or_none(tmp_path: Path):
    """As on a full disk; what was there is read meanwhile, and with space again it goes on."""
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        log.append([record(0)])
        with database.reading() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        limit_pages(database._engine, pages + 40)
        taken = 1 + append_until_full(log)
        assert 1 < taken < 500
        assert log.total("v1") == len(log.window("v1", START, START + 1000)) == taken
        with pytest.raises(SurroundingsError, match="full"):
            log.append([record(5000 + row, text="long " * 300) for row in range(20)])
        limit_pages(database._engine, 1_000_000)
        log.append([record(6000, text="long " * 3000)])
        assert log.total("v1") == taken + 1


def open_files() -> set[str]:
    """What this process holds open, by name."""
    found = set()
    for handle in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(handle.readlink()))
        except OSError:  # the handle by which the folder itself was read
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open handles are listed by Linux only")
def test_nothing_is_open_after_the_end(database_url, tmp_path: Path):
    """No file, no socket, no connection on the server; also after many threads and after an error."""
    before = open_files()
    with open_database(database_url) as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        threads = [threading.Thread(target=log.append, args=([record(number)],)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with pytest.raises(SurroundingsError):
            log.append([record(3)])
        with database.reading() as one, database.reading() as other:
            assert one.execute(text("SELECT 1")).scalar() == other.execute(text("SELECT 1")).scalar() == 1
        assert open_files() - before
    assert open_files() - before == set()
    if database_url.startswith("sqlite"):
        assert [path.name for path in tmp_path.iterdir()] == ["log.db"]
        return
    name = database_url.split("/")[3].split("?")[0]
    server = database_url.replace("+psycopg", "").replace(f"/{name}?", "/postgres?")
    with psycopg.connect(server, autocommit=True) as administrator:
        query = b"SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        for _ in range(100):  # the server notices a closed socket a moment later
            left = administrator.execute(query, [name]).fetchone()
            if left == (0,):
                break
            administrator.execute(b"SELECT pg_sleep(0.02)")
        assert left == (0,)
