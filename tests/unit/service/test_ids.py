"""UUIDv7: the layout of RFC 9562, and ids that sort by time."""

from __future__ import annotations

from service.ids import uuid7


def test_the_example_of_the_rfc():
    """RFC 9562, appendix A.6: the same milliseconds, version and variant in the same places."""
    made = uuid7(0x017F22E279B0 * 1000, entropy=lambda size: b"\xff" * size)
    assert str(made) == "017f22e2-79b0-7000-bfff-ffffffffffff"
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_ids_of_successive_microseconds_sort_by_time():
    start = 1_767_225_600_999_000
    made = [uuid7(start + offset) for offset in range(0, 3000)]
    assert made == sorted(made)
    assert [value.bytes for value in made] == sorted(value.bytes for value in made)


def test_ids_of_one_microsecond_differ():
    assert len({uuid7(1_767_225_600_000_000) for _ in range(1000)}) == 1000
