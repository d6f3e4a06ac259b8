"""Promoted baselines: the newest of a version is the one, every promotion is kept, files come back byte by byte."""

from __future__ import annotations

import pytest

from service.store.baselines import Baselines

FILES = {"baseline.json": b"{}", "reference.parquet": bytes(range(256)) * 100, "words.parquet": b""}


@pytest.fixture
def baselines(database) -> Baselines:
    return Baselines(database)


def test_the_newest_of_a_version_is_the_one(baselines):
    assert baselines.promotions("v1") == []
    assert baselines.promote("v1", "first", FILES, 10)
    assert baselines.promote("v2", "other", FILES, 20)
    assert baselines.promote("v1", "second", {**FILES, "words.parquet": b"w"}, 30)
    assert [(one.baseline_id, one.promoted) for one in baselines.promotions("v1")] == [("second", 30), ("first", 10)]
    assert [one.baseline_id for one in baselines.promotions()] == ["second", "other", "first"]
    newest, before = baselines.promotions("v1")
    assert baselines.files(newest) == {**FILES, "words.parquet": b"w"}
    assert baselines.files(before) == FILES


def test_promoting_it_again_is_no_news_and_going_back_is(baselines):
    assert baselines.promote("v1", "first", FILES, 10)
    assert not baselines.promote("v1", "first", FILES, 20)
    assert baselines.promote("v1", "second", FILES, 30)
    assert baselines.promote("v1", "first", FILES, 40)
    assert [one.baseline_id for one in baselines.promotions("v1")] == ["first", "second", "first"]
