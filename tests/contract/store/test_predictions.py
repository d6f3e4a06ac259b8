"""The prediction log: order, half-open periods, versions, bytes that come back as they went in."""

from __future__ import annotations

from dataclasses import fields, replace
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from model.errors import InputError, SurroundingsError
from model.prediction import ModelInfo
from service.store.database import Database, open_database
from service.store.labels import Labels
from service.store.nouns import LogSummary, NewLabel
from service.store.predictions import HOUR, PredictionLog
from tests.contract.store.rows import NEWS, SPAM, START, record, row_id

TEXTS = [
    "plain",
    "",
    " \t\r\n\x0b\x0c trailing \u2028\u2029",
    "a\x01\x1b\x7f\x85\xa0b",
    "e\u0301 é ﬁ Å Ω ß İ ẞ",
    "漢字 हिन्दी العربية עברית \u202e\u200b\ufeff",
    "🏳️‍🌈 👩‍👩‍👧‍👦 \U0010ffff \ufffe\uffff",
    "'; DROP TABLE predictions; -- \" \\ \\x00 %s %(a)s ? :name {} </script>",
    "long " * 20_000,
]


@pytest.fixture
def log(database: Database) -> PredictionLog:
    opened = PredictionLog(database)
    opened.register(NEWS, START)
    return opened


def numbers(window) -> list[int]:
    return (window.time - START).tolist()


def test_a_row_comes_back_as_it_went_in(log):
    """Every field, through the window and through `find`."""
    wanted = [record(1, segment="eu", reference="r-1"), record(2, text=None), replace(record(3), baseline_id=None)]
    log.append(wanted)
    window = log.window("v1", START, START + 10)
    for row, one in enumerate(wanted):
        assert UUID(bytes=window.ids[row].tobytes()) == one.id
        assert window.predicted[row] == one.prediction.label
        assert np.array_equal(window.scores[row].astype(np.float32), one.prediction.scores)
        assert np.array_equal(window.features[row].astype(np.float32), one.prediction.features)
        assert np.array_equal(window.projection[row].astype(np.float32), one.prediction.projection)
        assert window.text_hash[row] == one.text_hash
        assert window.truncated[row] == one.prediction.truncated
    assert window.segment.tolist() == ["eu", None, None]
    found = log.find([one.id for one in wanted] + [row_id(99)])
    assert sorted(found) == [one.id for one in wanted]
    for one in wanted:
        got = found[one.id]
        names = [field.name for field in fields(one) if field.name != "prediction"]
        assert [getattr(got, name) for name in names] == [getattr(one, name) for name in names]
        assert np.array_equal(got.prediction.scores, one.prediction.scores)
        assert np.array_equal(got.prediction.projection, one.prediction.projection)


def test_of_a_large_window_some_rows_are_read_evenly_and_always_the_same(log):
    """Half of the rows have a label; every stretch of the window gives its share, also where traffic has a rhythm."""
    database = log._database
    log.append([record(number, segment=f"s{number % 8}") for number in range(2000)])
    Labels(database).add([NewLabel(row_id(number), None, "World") for number in range(0, 2000, 2)], START + 5000)
    window = log.window("v1", START, START + 2000, most=250)
    assert abs(len(window) - 250) <= 3
    assert log.count("v1", START, START + 2000) == 2000
    assert (np.diff(window.time) > 0).all()
    stretches = np.bincount((window.time - START) // 200, minlength=10)
    assert stretches.min() >= 22
    assert stretches.max() <= 28
    rhythm = np.bincount([int(name[1:]) for name in window.segment], minlength=8)
    assert rhythm.min() >= 25
    assert ((window.time - START) % 2 == 0).tolist() == window.known.tolist()
    assert (log.window("v1", START, START + 2000, most=250).ids == window.ids).all()
    assert len(log.window("v1", START, START + 2000)) == 2000


def test_unknown_numbers_stay_unknown(log):
    """NaN comes back as NaN; an embedding beyond half precision is cut off, not infinite."""
    one = record(1)
    projection = np.full(32, np.nan, np.float32)
    projection[0] = 1e9
    said = replace(one.prediction, features=np.full(2, np.nan, np.float32), projection=projection)
    log.append([replace(one, prediction=said)])
    window = log.window("v1", START, START + 10)
    assert np.isnan(window.features).all()
    assert np.isnan(window.projection[0, 1:]).all()
    assert np.isfinite(window.projection[0, 0])


def test_texts_come_back_byte_by_byte(log):
    log.append([record(number, text=text) for number, text in enumerate(TEXTS)])
    found = log.texts([row_id(number) for number in range(len(TEXTS))])
    assert [found[row_id(number)] for number in range(len(TEXTS))] == TEXTS


def test_only_texts_are_texts(log):
    """A row without a text, or with the SHA-256 of one, has none to show."""
    log.append([record(1, text=None), record(2, text="0f" * 32), record(3, text="sha256:" + "0f" * 32), record(4)])
    assert log.texts([row_id(number) for number in range(9)]) == {row_id(4): "text number 4"}


@pytest.mark.parametrize("text", ["half a \ud800 pair", "\udfff", "NUL \0 inside", "\0"])
def test_what_cannot_be_stored_leaves_nothing(log, text):
    """One bad row, and none of the batch is there; the message does not hold the text."""
    with pytest.raises(InputError) as error:
        log.append([record(1), record(2, text=text), record(3)])
    assert "inside" not in str(error.value)
    assert "half a " + "\ud800" not in str(error.value)
    assert log.total("v1") == 0
    assert len(log.window("v1", START, START + 10)) == 0
    log.append([record(4)])
    assert log.total("v1") == 1


def test_a_batch_with_a_known_id_leaves_nothing(log):
    log.append([record(1)])
    with pytest.raises(SurroundingsError):
        log.append([record(2), record(1)])
    assert numbers(log.window("v1", START, START + 10)) == [1]
    assert log.total("v1") == 1
    assert log.find([row_id(2)]) == {}


def test_rows_that_do_not_fit_their_model_are_refused(log):
    with pytest.raises(InputError, match="never seen model v2"):
        log.append([record(1, model=SPAM)])
    with pytest.raises(InputError, match="4 scores"):
        log.append([replace(record(1, model=SPAM), model_version="v1")])
    with pytest.raises(InputError, match="class number 4"):
        log.append([replace(record(1), prediction=replace(record(1).prediction, label=4))])
    assert log.total("v1") == 0


def test_periods_are_half_open(log):
    log.append([record(number) for number in (10, 11, 12, 13)])
    assert numbers(log.window("v1", START + 11, START + 13)) == [11, 12]
    assert log.count("v1", START + 11, START + 13) == 2
    assert log.count("v1", START + 11, START + 11) == 0
    empty = log.window("v1", START + 20, START + 30)
    assert (len(empty), empty.start, empty.end) == (0, START + 20, START + 30)
    assert empty.scores.shape == (0, 4)


def test_windows_are_in_order_of_time_and_cursors_in_order_of_commit(log):
    log.append([record(5), record(3)])
    log.append([record(4)])
    log.append([])
    assert numbers(log.window("v1", START, START + 10)) == [3, 4, 5]
    window, cursor = log.after("v1", 0, "predictions")
    assert numbers(window) == [5, 3, 4]
    assert cursor == log.end_cursor("predictions")
    window, same = log.after("v1", cursor, "predictions")
    assert (len(window), same) == (0, cursor)
    log.append([record(1)])
    window, _ = log.after("v1", cursor, "predictions")
    assert numbers(window) == [1]


def test_the_start_of_the_last_rows(log):
    log.append([record(number) for number in (1, 2, 5, 9)])
    assert log.start_of_last("v1", 1, START + 9) == START + 5
    assert log.start_of_last("v1", 2, START + 100) == START + 5
    assert log.start_of_last("v1", 4, START + 100) == START + 1
    assert log.start_of_last("v1", 5, START + 100) is None
    assert log.start_of_last("nobody", 1, START + 100) is None


def test_versions_do_not_mix(log, database):
    """v1 stays readable, with its own classes and features, while v2 is served."""
    log.register(SPAM, START + 1)
    log.append([record(1), record(2, model=SPAM), record(3)])
    later = PredictionLog(database)
    assert later.models() == [NEWS, SPAM]
    assert numbers(later.window("v1", START, START + 10)) == [1, 3]
    spam = later.window("v2", START, START + 10)
    assert (numbers(spam), spam.scores.shape, spam.features.shape) == ([2], (1, 2), (1, 3))
    assert (later.total("v1"), later.total("v2"), later.total("v3")) == (2, 1, 0)
    window, cursor = later.after("v2", 0, "predictions")
    assert numbers(window) == [2]
    later.append([record(4)])
    assert len(later.after("v2", cursor, "predictions")[0]) == 0
    assert later.find([row_id(2)])[row_id(2)].label in SPAM.labels
    with pytest.raises(InputError, match="never seen"):
        later.window("v3", START, START + 10)


def test_registering_again_changes_nothing(log):
    log.register(NEWS, START + 5)
    log.register(replace(NEWS, name="another name"), START + 5)
    assert log.models() == [NEWS]
    with pytest.raises(InputError, match="other labels"):
        log.register(ModelInfo("v1", ("yes", "no"), NEWS.features), START)


def test_the_summary_counts_exactly(log):
    assert log.summary("v1", START) == LogSummary(0, 0, None)
    for batch in range(4):
        log.append([record(10 * batch + row) for row in range(batch + 1)])
    assert log.total("v1") == 10
    assert log.newest_time("v1") == START + 33
    assert log.summary("v1", START + 33 + HOUR) == LogSummary(10, 1, START + 33)


def test_a_failed_batch_does_not_count(log):
    with pytest.raises(InputError):
        log.append([record(1), record(2, text="\0")])
    log.append([record(3)])
    assert log.total("v1") == 1


def test_references_find_the_newest_row(log):
    log.append([record(1, reference="order 7"), record(2), record(3, reference="order 7")])
    found = log.by_reference("order 7")
    assert found is not None
    assert found.id == row_id(3)
    assert log.by_reference("order 8") is None
    assert log.by_reference("\0") is None


def test_a_window_knows_its_labels(log, database):
    log.append([record(number) for number in range(6)])
    labels = Labels(database)
    labels.add([NewLabel(row_id(4), None, "Sports", asked=0.25)], START + 100)
    labels.add([NewLabel(row_id(1), None, "World"), NewLabel(row_id(5), None, "World")], START + 200)
    labels.add([NewLabel(row_id(1), None, "Business")], START + 300)
    window = log.window("v1", START, START + 5)
    assert window.truth.tolist() == [-1, 2, -1, -1, 1]
    assert window.label_time.tolist() == [0, START + 300, 0, 0, START + 100]
    assert np.array_equal(window.asked, [np.nan, np.nan, np.nan, np.nan, 0.25], equal_nan=True)
    assert log.after("v1", 0, "predictions")[0].truth.tolist() == [-1, 2, -1, -1, 1, 0]


def test_the_log_says_whether_it_can_be_written(log):
    log.check_writable()
    assert log.total("v1") == 0


def test_many_rows_come_back_in_parts(log):
    """More rows than one fetch, and more ids than one IN list."""
    for batch in range(5):
        log.append([record(5_000 * batch + row, text=None) for row in range(5_000)])
    window = log.window("v1", START, START + 30_000)
    assert np.array_equal(window.time, START + np.arange(25_000))
    assert len(log.find([row_id(number) for number in range(2_500)])) == 2_500


def test_a_part_reads_the_labels_of_its_rows_alone(tmp_path):
    """Not every newest label of the model, again for each part."""
    with open_database(f"sqlite:///{tmp_path / 'log.db'}") as database:
        log = PredictionLog(database)
        log.register(NEWS, START)
        log.append([record(number) for number in range(1, 9)])
        said: list[str] = []
        with database.reading() as connection:
            connection.connection.driver_connection.set_trace_callback(said.append)
        log.after("v1", 2, "predictions", 3)
        (query,) = [statement for statement in said if "FROM labels" in statement]
        with database.reading() as connection:
            (plan,) = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
    assert "labels_newest_of_prediction (prediction_seq>? AND prediction_seq<?)" in plan.detail
