"""What `bertwatch calibrate` prints: an expectation as lines for a person and as JSON. Knows nothing of simulation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from monitors.calibration import DAY, Expectation, Need, Traffic


def expectation_json(found: Expectation, traffic: Traffic) -> dict[str, Any]:
    """Numbers of rows and the days that they take at the traffic; null is "not within `most`"."""
    labels_a_day = traffic.predictions_per_day * traffic.label_share
    return {
        "false_alarms": {"notices_per_year": found.notices_per_year, "page_probability": found.page_probability},
        "traffic": {
            "predictions_per_day": traffic.predictions_per_day,
            "labels_per_day": labels_a_day,
            "rows_in_window": found.rows_in_window,
        },
        "losses": [
            {
                "points": loss.points,
                "within_margin": loss.accepted,
                "labels": None if loss.labels is None else _need(loss.labels, labels_a_day),
                "strange_share": loss.strange_share,
                "predictions": {
                    **_need(loss.predictions, traffic.predictions_per_day),
                    "seen_in_one_window": _fits(loss.predictions, found.rows_in_window),
                },
                "predictions_one_by_one": _need(loss.one_by_one, traffic.predictions_per_day),
            }
            for loss in found.losses
        ],
    }


def expectation_lines(found: Expectation, traffic: Traffic, margin: float) -> Iterator[str]:
    """The same as a person reads it."""
    labels_a_day = traffic.predictions_per_day * traffic.label_share
    yield (
        f"False alarms: {found.notices_per_year:.3g} notices a year on average; a test over labels that watches "
        f"forever pages for nothing with a chance of {found.page_probability:.2g}."
    )
    yield (
        f"Traffic: {traffic.predictions_per_day:g} predictions and {labels_a_day:g} labels a day; "
        f"{found.rows_in_window} predictions in the window of a round."
    )
    yield ""
    yield "Labels until it is proven that accuracy has fallen (wherever the change lies, from the day it began):"
    for loss in found.losses:
        if loss.labels is None:
            said = f"{_within(loss.points, margin)} the margin of {100 * margin:.3g} points that you accept{FENCE}"
        else:
            said = _said(loss.labels, "labels", labels_a_day)
        yield f"  −{loss.points:<2} points  {said}"
    yield ""
    yield "Predictions in one window until its checks speak, if texts come that the model can only guess at:"
    for loss in found.losses:
        said = _said(loss.predictions, "predictions", traffic.predictions_per_day)
        if loss.predictions.median is not None and not _fits(loss.predictions, found.rows_in_window):
            said += f"; more than the {found.rows_in_window} of your window: lengthen it to see this"
        yield f"  −{loss.points:<2} points  ({loss.strange_share:.0%} of texts)  {said}"
    yield ""
    yield "Predictions from the first of these texts until the test of predictions one by one speaks:"
    for loss in found.losses:
        said = _said(loss.one_by_one, "predictions", traffic.predictions_per_day)
        yield f"  −{loss.points:<2} points  ({loss.strange_share:.0%} of texts)  {said}"


FENCE = "; some streams page all the same, as the baseline's own accuracy is uncertain"


def _within(points: int, margin: float) -> str:
    return "on the fence: the loss is" if abs(points / 100 - margin) < 1e-9 else "not to be proven: the loss is within"


def _need(need: Need, a_day: float) -> dict[str, Any]:
    return {
        "median": need.median,
        "nine_of_ten": need.nine_of_ten,
        "most": need.most,
        "median_days": _days(need.median, a_day),
        "nine_of_ten_days": _days(need.nine_of_ten, a_day),
    }


def _days(rows: int | None, a_day: float) -> float | None:
    return None if rows is None or a_day <= 0 else rows / a_day


def _fits(need: Need, rows: int) -> bool:
    return need.median is not None and need.median <= rows


def _said(need: Need, unit: str, a_day: float) -> str:
    if need.median is None:
        return f"not within {need.most:,} {unit}"
    most = f"not within {need.most:,}" if need.nine_of_ten is None else _time(need.nine_of_ten, a_day)
    return f"{_time(need.median, a_day)} at the median; nine times of ten {most}"


def _time(rows: int, a_day: float) -> str:
    days = _days(rows, a_day)
    if days is None:
        return f"{rows:,}"
    for size, unit in ((365.25, "years"), (1, "days"), (1 / 24, "hours")):
        if days >= 2 * size:
            return f"{rows:,} ({days / size:.0f} {unit})"
    return f"{rows:,} ({days * DAY / 60:.0f} minutes)"
