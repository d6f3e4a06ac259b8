"""The places in the queue: by texts, by tokens, and when to come again."""

from __future__ import annotations

import pytest

from service.admission import LONGEST, LONGEST_RETRY, Admission, estimated_tokens
from service.errors import Overloaded
from service.tickets import Item

SHORT = Item("a")
LONG = Item("word " * 1000)


def seconds(admission: Admission) -> int:
    return int(dict(admission.refusal().headers)["retry-after"])


@pytest.mark.parametrize(("characters", "tokens"), [(0, 2), (4, 3), (240, 62), (2039, 511), (2040, 512), (50_000, 512)])
def test_characters_stand_for_tokens(characters: int, tokens: int):
    assert estimated_tokens("x" * characters) == tokens


def test_texts_are_bounded_and_taken_all_or_none():
    admission = Admission(3, 1000, 1)
    admission.admit([SHORT, SHORT])
    with pytest.raises(Overloaded):
        admission.admit([SHORT, SHORT])
    assert not admission.full()
    admission.admit([SHORT])
    assert admission.full()
    admission.leave([SHORT])
    assert not admission.full()


def test_tokens_are_bounded():
    admission = Admission(100, 2 * LONGEST, 1)
    admission.admit([LONG])
    admission.admit([LONG])
    assert (admission.tokens, admission.full()) == (2 * LONGEST, True)
    with pytest.raises(Overloaded):
        admission.admit([SHORT])
    admission.leave([LONG])
    admission.admit([SHORT])


def test_what_is_larger_than_all_places_is_taken_alone():
    admission = Admission(2, 100, 1)
    admission.admit([LONG] * 5)
    with pytest.raises(Overloaded):
        admission.admit([SHORT])
    admission.leave([LONG] * 5)
    admission.admit([SHORT])
    with pytest.raises(Overloaded):
        admission.admit([LONG])
    admission.leave([SHORT])
    assert admission.tokens == 0


def test_what_waits_for_the_writer_takes_a_place():
    admission = Admission(1, 100, 1)
    admission.admit([SHORT])
    admission.leave([SHORT])
    admission.enter([SHORT])
    with pytest.raises(Overloaded):
        admission.admit([SHORT])


def test_who_is_refused_hears_when_what_waits_will_be_done():
    admission = Admission(40, 10_000, 2)
    admission.admit([SHORT] * 40)
    assert seconds(admission) == 1, "nothing is known yet"
    for _ in range(100):
        admission.classified(8, 4.0)  # half a second a text, two workers: four texts a second
    assert seconds(admission) == 10
    admission.leave([SHORT] * 39)
    assert seconds(admission) == 1
    for _ in range(100):
        admission.classified(1, 1000.0)
    assert seconds(admission) == LONGEST_RETRY
