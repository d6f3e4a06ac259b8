"""The Overview: at a glance, in the order in which an engineer asks; then the same over time."""

from __future__ import annotations

from dashboards.glance import CHANGED, FAST, NO_LABELS, NO_REQUESTS, NO_ROUND, RIGHT, RUNS, WATCHED
from dashboards.panels import Board, Section, above, lines
from service.metrics import LATENCY_OBJECTIVE

OVER_TIME = Section(
    105,
    "Over time",
    (
        lines(
            50,
            "Requests and failures",
            "reqps",
            description="Requests a second, and those that were answered with a 5xx.",
            empty=NO_REQUESTS,
            queries=("requests", "requests_failed"),
            low=0,
        ),
        lines(
            51,
            "Time of /predict",
            "s",
            description="Median and 99th percentile; the line is the objective, 0.25 s for 99 %.",
            empty=NO_REQUESTS,
            queries=("predict_p50", "predict_p99"),
            steps=((None, "green"), (LATENCY_OBJECTIVE, "red")),
            low=0,
        ),
    ),
)

MODEL_OVER_TIME = Section(
    106,
    "Over time: model $model_version",
    (
        lines(
            52,
            "Accuracy with its interval",
            "percentunit",
            description=(
                "From labels; the band is the 95 % interval. The baseline lies inside it while nothing has been "
                "shown to be wrong."
            ),
            empty=NO_LABELS,
            queries=("accuracy", "accuracy_low", "accuracy_high", "accuracy_baseline"),
            band=True,
            decimals=1,
            high=1,
        ),
        lines(
            53,
            "Drift: the worst check against its threshold",
            "short",
            description=(
                "The largest score in units of its threshold. The line at 1 is the alarm of that check; the "
                "verdict weighs all of them."
            ),
            empty=NO_ROUND,
            queries=("drift_worst",),
            steps=above(1.0),
            low=0,
            report=True,
        ),
    ),
    each_version=True,
)

BOARD = Board(
    uid="bertwatch-overview",
    title="bertwatch: Overview",
    description="Is it up and fast, is it right, has something changed, is somebody watching, what runs.",
    variables=("job", "model_version", "instance", "service"),
    sections=(FAST, RIGHT, CHANGED, WATCHED, RUNS, OVER_TIME, MODEL_OVER_TIME),
)
