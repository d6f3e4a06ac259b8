"""The rows of numbers that answer at a glance, in the order in which an engineer asks. Boards share them."""

from __future__ import annotations

from dashboards.panels import Section, above, below, name, number
from dashboards.queries import AVAILABILITY_OBJECTIVE
from service.metrics import LATENCY_OBJECTIVE

NO_REQUESTS = "no requests yet"
NO_LABELS = "no labels yet"
NO_ROUND = "no round of checks yet"
NO_SERVICE = "not scraped yet"

FAST = Section(
    100,
    "Is it up, is it fast?",
    (
        number(
            1,
            "Availability",
            "percentunit",
            description="Prediction requests of the time shown that were not answered with a 5xx. Objective: 99.9 %.",
            empty=NO_REQUESTS,
            queries=("availability",),
            steps=below(AVAILABILITY_OBJECTIVE - 0.004, AVAILABILITY_OBJECTIVE),
            decimals=3,
        ),
        number(
            2,
            "Error budget left",
            "percentunit",
            description=(
                "What is left of the failures that 30 days may have (0.1 % of prediction requests). Below 0 it is "
                "overdrawn."
            ),
            empty=NO_REQUESTS,
            queries=("error_budget_left",),
            steps=below(0.0, 0.25),
            decimals=0,
        ),
        number(
            3,
            "p99 of /predict",
            "s",
            description="99 of 100 answers came within this time. Objective: 0.25 s.",
            empty=NO_REQUESTS,
            queries=("predict_p99",),
            steps=above(0.8 * LATENCY_OBJECTIVE, LATENCY_OBJECTIVE),
        ),
        number(
            4,
            "Requests",
            "reqps",
            description="Requests a second, all routes.",
            empty=NO_REQUESTS,
            queries=("requests",),
        ),
    ),
)

RIGHT = Section(
    101,
    "Is it right?",
    (
        number(
            10,
            "Accuracy",
            "percentunit",
            description=(
                "From labels, over the accuracy window (24 hours by default). Its interval stands below, over time."
            ),
            empty=NO_LABELS,
            queries=("accuracy_now",),
            decimals=1,
            width=4,
        ),
        number(
            11,
            "Accuracy of the baseline",
            "percentunit",
            description="What the model reached on the baseline's texts, which it had not seen.",
            empty=NO_ROUND,
            queries=("baseline_now",),
            decimals=1,
            width=4,
        ),
        number(
            12,
            "Against the baseline",
            "percentunit",
            description=(
                "Accuracy now less accuracy of the baseline. The default margin is 2 points; only the verdict says "
                "whether a difference is more than chance."
            ),
            empty=NO_LABELS,
            queries=("accuracy_delta",),
            steps=below(-0.1, -0.02),
            decimals=1,
            width=4,
        ),
        number(
            13,
            "Labels behind it",
            "short",
            description="Labelled predictions of the accuracy window. Below about a hundred the interval is wide.",
            empty=NO_ROUND,
            queries=("accuracy_labels",),
            steps=below(1, 100),
            width=4,
        ),
        number(
            14,
            "Label coverage",
            "percentunit",
            description=(
                "Share of the accuracy window's predictions that have a label. If labels are chosen, not drawn, "
                "accuracy is that of the chosen."
            ),
            empty=NO_LABELS,
            queries=("label_coverage",),
            decimals=1,
            width=4,
        ),
        number(
            15,
            "Label lag",
            "s",
            description="Median time from a prediction to its label: how old the news about accuracy is.",
            empty=NO_LABELS,
            queries=("label_lag",),
            steps=above(86_400, 7 * 86_400),
            width=4,
        ),
    ),
)

CHANGED = Section(
    102,
    "Has something changed?",
    (
        number(
            20,
            "Worst score against its threshold",
            "short",
            description=(
                "The largest score of all checks, in units of its own threshold. Above 1 is an alarm of that check."
            ),
            empty=NO_ROUND,
            queries=("drift_worst",),
            steps=above(0.8, 1.0),
            decimals=2,
            report=True,
        ),
        number(
            21,
            "Checks in drift",
            "short",
            description="Checks that are above their threshold, of all checks.",
            empty=NO_ROUND,
            queries=("checks_in_drift", "checks_all"),
            report=True,
        ),
        name(
            22,
            "Verdict",
            description="What the newest round of checks concluded, over all checks.",
            empty=NO_ROUND,
            queries=("verdict",),
        ),
        name(
            23,
            "Open episode",
            description="The stretch of trouble that is open now, with its worst verdict so far and its severity.",
            empty="none open",
            queries=("episode",),
            steps=((None, "orange"),),
            report=True,
        ),
    ),
)

WATCHED = Section(
    103,
    "Is somebody watching?",
    (
        number(
            30,
            "Age of the oldest check",
            "s",
            description="Time since the last round of checks ended. The alert fires after three intervals.",
            empty=NO_ROUND,
            queries=("monitor_age",),
            steps=above(900, 1800),
        ),
        number(
            31,
            "Failed commits",
            "short",
            description="Commits of the prediction log that failed within the time shown; their requests got 503.",
            empty=NO_SERVICE,
            queries=("log_failures_shown",),
            steps=above(1),
            decimals=0,
        ),
        number(
            32,
            "Dead monitors",
            "short",
            description=(
                "Served models whose monitor has missed three rounds. No drift means nothing while this is not 0."
            ),
            empty=NO_SERVICE,
            queries=("monitors_dead",),
            steps=above(1),
        ),
        number(
            33,
            "Replicas",
            "short",
            description="Replicas that answer Prometheus, of all that it knows.",
            empty=NO_SERVICE,
            queries=("replicas_up", "replicas_all"),
            steps=below(1),
        ),
    ),
)

RUNS = Section(
    104,
    "What runs?",
    (
        name(
            40,
            "Live model",
            description="Name, version, engine and precision of what is served.",
            empty=NO_SERVICE,
            queries=("model",),
            width=12,
        ),
        name(
            41,
            "Baseline",
            description="The baseline that live traffic is held to.",
            empty=NO_SERVICE,
            queries=("baseline",),
        ),
        name(
            42,
            "Build",
            description="Version of bertwatch, and of Python.",
            empty=NO_SERVICE,
            queries=("build",),
        ),
    ),
)
