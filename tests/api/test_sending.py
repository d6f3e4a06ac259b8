"""Rows that are sent to a service whose requests may hold fewer of them than usual."""

from __future__ import annotations

import pytest

from model.errors import InputError
from model.prediction import ModelInfo
from service.parts import RequestLimits
from service.sending import send

CHURN = ModelInfo(version="churn-1", labels=("no", "yes"), features=(), name="churn")


def items(count: int) -> list[dict[str, object]]:
    return [{"reference": f"r{number}", "scores": {"no": 0.25, "yes": 0.75}} for number in range(count)]


@pytest.mark.parametrize("limits", [RequestLimits(max_batch_items=7), RequestLimits(max_body_bytes=1024)])
def test_each_row_is_recorded_once_in_order_in_requests_that_the_service_takes(start, limits):
    service = start(record_only=CHURN, request_limits=limits)
    told: list[int] = []
    assert send(items(230), f"http://127.0.0.1:{service.port}", progress=told.append) == 230
    window, _ = service.house.log.after("churn-1", 0, "predictions")
    assert len(window) == sum(told) == 230
    assert service.house.log.by_reference("r229").time == window.time[-1]
    assert max(told) > 1


def test_a_row_that_is_too_large_alone_is_named(start):
    service = start(record_only=CHURN, request_limits=RequestLimits(max_body_bytes=1024))
    rows = [*items(20), {**items(1)[0], "text": "word " * 300}, *items(9)]
    with pytest.raises(InputError, match=r"refuses row 21: A body may hold at most 1024 bytes.* 20 rows were recorded"):
        send(rows, f"http://127.0.0.1:{service.port}", progress=lambda _: None)


def test_a_row_that_is_wrong_is_named_in_a_whole_request(start):
    service = start(record_only=CHURN)
    rows = [*items(5), {"scores": {"no": 2.0, "yes": -1.0}}]
    with pytest.raises(InputError, match=r"refuses row 6: .* 0 rows were recorded"):
        send(rows, f"http://127.0.0.1:{service.port}", progress=lambda _: None)
