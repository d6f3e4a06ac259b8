"""Opening, upgrading and closing; and one clear sentence for everything that is not as it must be."""

from __future__ import annotations

import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from model.errors import InputError, SurroundingsError
from service.store import migrations
from service.store.database import open_database
from service.store.predictions import PredictionLog
from service.store.schema import REVISION, metadata
from tests.conftest import take_port
from tests.contract.conftest import new_database
from tests.contract.store.rows import NEWS, START, record
from tests.servers.postgres import running_postgres

INSERT = text("INSERT INTO rounds (model_version, slot, claimed) VALUES (:version, 'slot', 1)")


def refusal(url: str) -> str:
    with pytest.raises((SurroundingsError, InputError)) as error:
        open_database(url)
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_an_empty_database_is_brought_up_to_date(empty_url):
    """And the tables are those that the queries expect."""
    with open_database(empty_url) as database, database.reading() as connection:
        # SQLite reports the types under other names; PostgreSQL alone needs an index for `seq`
        options = {
            "compare_type": database.dialect == "postgresql",
            "include_name": lambda name, kind, parents: name != "predictions_seq",
        }
        context = MigrationContext.configure(connection, opts=options)
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, metadata) == []


def test_the_code_speaks_the_newest_migration():
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [REVISION]


def test_upgrading_again_changes_nothing(database, database_url):
    log = PredictionLog(database)
    log.register(NEWS, START)
    log.append([record(1)])
    database.upgrade()
    with open_database(database_url) as again:
        assert PredictionLog(again).total("v1") == 1


def test_a_newer_schema_is_refused(database, database_url):
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "newer bertwatch" in refusal(database_url)


def test_a_database_of_another_program_is_left_alone(empty_url):
    with open_database(empty_url) as database, database.writing() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    assert "another program" in refusal(empty_url)


def test_a_block_that_raises_leaves_nothing(database):
    def write_and_raise() -> None:
        with database.writing() as connection:
            connection.execute(INSERT, {"version": "v1"})
            raise KeyError

    with pytest.raises(KeyError):
        write_and_raise()
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM rounds")).scalar() == 0


def test_errors_hold_no_value_and_no_parameter(database):
    """Neither the sentence nor what a logger could print of its causes."""
    with database.writing() as connection:
        connection.execute(INSERT, {"version": "secret text"})
    with pytest.raises(SurroundingsError) as error, database.writing() as connection:
        connection.execute(INSERT, {"version": "secret text"})
    assert "secret text" not in str(error.value)
    assert error.value.__suppress_context__


def test_a_reader_sees_one_moment(database):
    log = PredictionLog(database)
    log.register(NEWS, START)
    count = text("SELECT count(*) FROM predictions")
    with database.reading() as connection:
        assert connection.execute(count).scalar() == 0
        log.append([record(1)])
        assert connection.execute(count).scalar() == 0


def test_threads_share_a_database(database):
    log = PredictionLog(database)
    log.register(NEWS, START)
    failures: list[BaseException] = []

    def write(first: int) -> None:
        try:
            for number in range(first, first + 20):
                log.append([record(number)])
                log.window("v1", START, START + 1000)
        except BaseException as error:  # noqa: BLE001 - handed to the test below
            failures.append(error)

    threads = [threading.Thread(target=write, args=(100 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert log.total("v1") == 160


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not a URL"),
        ("mysql://user:hunter2@host/db", "no store for 'mysql'"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
    ],
)
def test_urls_that_are_not_ours(url, words):
    message = refusal(url)
    assert words in message
    assert "hunter2" not in message


def test_sqlite_is_durable(tmp_path):
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database, database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_closing_leaves_one_file(tmp_path):
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database:
        PredictionLog(database).register(NEWS, START)
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]


def test_sqlite_refusals(tmp_path):
    (tmp_path / "text.db").write_text("This is a letter, not a database. " * 100)
    (tmp_path / "folder.db").mkdir()
    assert "There is no directory" in refusal(f"sqlite:///{tmp_path}/nowhere/log.db")
    assert not (tmp_path / "nowhere").exists()
    assert "not an SQLite database" in refusal(f"sqlite:///{tmp_path}/text.db")
    assert "cannot be used" in refusal(f"sqlite:///{tmp_path}/folder.db")
    with closing(sqlite3.connect(tmp_path / "closed.db")) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    assert "readonly" in refusal(f"sqlite:///file:{tmp_path}/closed.db?mode=ro&uri=true")


def test_a_deleted_file_takes_no_rows(tmp_path):
    """SQLite itself would go on writing to a file that has no name any more."""
    path = tmp_path / "log.db"
    with open_database(f"sqlite:///{path}") as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        log.append([record(1)])
        path.rename(tmp_path / "moved.db")
        for use in (lambda: log.append([record(2)]), lambda: log.total("v1")):
            with pytest.raises(SurroundingsError, match="is gone"):
                use()
            assert not path.exists()
        (tmp_path / "moved.db").rename(path)
        log.append([record(3)])
        assert (log.window("v1", START, START + 10).time - START).tolist() == [1, 3]


def test_a_server_that_is_not_there():
    message = refusal(f"postgresql://tester:hunter2@127.0.0.1:{take_port()}/log")
    assert "127.0.0.1" in message
    assert "hunter2" not in message


def test_a_database_that_is_not_there(postgres_url):
    assert "nowhere" in refusal(postgres_url.replace("/postgres?", "/nowhere?"))


def test_a_database_that_is_not_in_utf8(postgres_url):
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    assert "LATIN1" in refusal(postgres_url.replace("/postgres?", "/latin?"))


def test_a_missing_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "bertwatch[postgres]" in refusal("postgresql://tester@localhost/log")


def test_a_commit_is_a_commit_whatever_the_server_says(postgres_url):
    """A server that answers before its log is on disk is told not to; a stricter one keeps its setting."""
    for setting, expected in (("off", "on"), ("remote_apply", "remote_apply")):
        url = new_database(postgres_url)
        name = url.split("/")[3].split("?")[0]
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = {setting}".encode())
        with open_database(url) as database, database.reading() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == expected


def test_a_server_that_comes_back_is_used_again():
    """While it is away there is one clear error; the next row after its return is stored."""
    with running_postgres() as server, open_database(server.url) as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        log.append([record(1)])
        server.stop()
        with pytest.raises(SurroundingsError, match="cannot be used"):
            log.append([record(2)])
        server.start()
        log.append([record(3)])
        assert (log.window("v1", START, START + 10).time - START).tolist() == [1, 3]


def test_a_lost_connection_costs_no_row(postgres_url):
    """Backends that were ended are replaced before the next transaction begins."""
    end_all = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bertwatch'"
    administrator = psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True)
    with administrator, open_database(new_database(postgres_url)) as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        for number in range(5):
            assert administrator.execute(end_all).rowcount > 0
            log.append([record(number)])
        assert log.total("v1") == 5


def test_its_size_is_known_and_the_room_left_where_the_disk_is_ours(database):
    """Rows make it larger; on a server the room left is not ours to see."""
    log = PredictionLog(database)
    log.register(NEWS, START)
    before = log.space()
    log.append([record(number, text="long " * 2000) for number in range(1, 60)])
    after = log.space()
    assert before.used > 10_000
    assert after.used > before.used
    if database.dialect == "sqlite":
        assert after.free is not None
        assert after.free > 0
    else:
        assert after.free is None
