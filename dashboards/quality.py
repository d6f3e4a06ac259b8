"""Quality and drift: is the model right, has its world changed, and what does it answer."""

from __future__ import annotations

from dashboards.glance import CHANGED, NO_LABELS, NO_REQUESTS, NO_ROUND, RIGHT
from dashboards.panels import BAD, GOOD, PLAIN, WARN, Board, Section, above, heat, lines, stack, states

ACCURACY = Section(
    110,
    "Accuracy of model $model_version, from labels and without",
    (
        lines(
            60,
            "Accuracy from labels",
            "percentunit",
            description="Over the accuracy window; the band is the 95 % interval, the baseline stands beside it.",
            empty=NO_LABELS,
            queries=("accuracy", "accuracy_low", "accuracy_high", "accuracy_baseline"),
            band=True,
            decimals=1,
            high=1,
        ),
        lines(
            61,
            "Accuracy estimated without labels",
            "percentunit",
            description=(
                "What the scores alone let one expect, with its interval. Believe it only while it is said to be "
                "trusted."
            ),
            empty="no estimate yet",
            queries=("estimate", "estimate_low", "estimate_high", "accuracy_baseline"),
            band=True,
            decimals=1,
            high=1,
        ),
        states(
            62,
            "Is the estimate to be trusted?",
            description="Inputs unlike those of the baseline make the estimate worthless; then it says so itself.",
            empty="no estimate yet",
            queries=("estimate_trusted",),
            words=((0, "not trusted", WARN), (1, "trusted", GOOD)),
            height=5,
        ),
        lines(
            63,
            "Labels in the accuracy window",
            "short",
            description="Labels behind the accuracy shown. A fall to 0 is a feed of labels that has stopped.",
            empty=NO_ROUND,
            queries=("accuracy_labels",),
            low=0,
            height=5,
        ),
        stack(
            64,
            "Labels received, by what became of them",
            "short",
            description=(
                "Unknown predictions or unknown labels are a feed that is wired to the wrong service or the wrong "
                "classes."
            ),
            empty=NO_LABELS,
            queries=("feedback",),
            low=0,
        ),
        lines(
            65,
            "From a prediction to its first label",
            "s",
            description="Median and 90th percentile of the labels received: news about accuracy is this old.",
            empty=NO_LABELS,
            queries=("label_delay_p50", "label_delay_p90"),
            low=0,
        ),
    ),
    each_version=True,
)

CHECKS = Section(
    111,
    "Check by check, model $model_version",
    (
        lines(
            70,
            "Scores in units of their thresholds",
            "short",
            description=(
                "One line a check, each against its own threshold; above 1 it alarms. Which of them matter, the "
                "verdict says."
            ),
            empty=NO_ROUND,
            queries=("drift",),
            steps=above(1.0),
            low=0,
            report=True,
        ),
        states(
            71,
            "State of each check",
            description=(
                "In drift, quiet, without enough rows to say, or broken. A broken check is never taken for drift."
            ),
            empty=NO_ROUND,
            queries=("check_state",),
            words=((0, "quiet", GOOD), (1, "too few rows", PLAIN), (2, "in drift", WARN), (3, "broken", BAD)),
            report=True,
        ),
        lines(
            72,
            "Rows behind the checks",
            "short",
            description=(
                "Rows that each check looked at, and predictions in the window. Few rows see large changes only."
            ),
            empty=NO_ROUND,
            queries=("check_rows", "window_rows"),
            low=0,
        ),
        states(
            73,
            "Verdicts and episodes",
            description="What each round concluded, and the episode that was open.",
            empty=NO_ROUND,
            queries=("verdict", "episode"),
            words=((1, "so", PLAIN),),
            report=True,
        ),
        lines(
            74,
            "Age of the last round, in intervals",
            "short",
            description="Up to 1 is as it should be; at 3 the stale alert fires.",
            empty=NO_ROUND,
            queries=("monitor_age_intervals",),
            steps=above(1.5, 3.0),
            low=0,
            height=5,
            width=8,
        ),
        lines(
            75,
            "Rounds of checks within a day",
            "short",
            description="288 at the default interval of five minutes. A fall is a monitor that is slow, or was gone.",
            empty=NO_ROUND,
            queries=("rounds",),
            low=0,
            height=5,
            width=8,
        ),
        lines(
            76,
            "Episodes opened within a day",
            "short",
            description="The default budget allows one false page and twelve false notices a year.",
            empty=NO_ROUND,
            queries=("episodes",),
            low=0,
            height=5,
            width=8,
        ),
    ),
    each_version=True,
)

ANSWERS = Section(
    112,
    "What does model $model_version answer?",
    (
        stack(
            80,
            "Class mix of the answers",
            "percentunit",
            description="Share of each served class. A move without drift of the inputs is a label shift.",
            empty=NO_REQUESTS,
            queries=("class_mix",),
        ),
        lines(
            81,
            "Mean confidence",
            "percentunit",
            description="Mean score of the served class. It may fall for honest reasons: see the verdict.",
            empty=NO_REQUESTS,
            queries=("confidence",),
            high=1,
            decimals=1,
        ),
        heat(
            82,
            "Confidence",
            "percentunit",
            description="How many answers had which score of the served class.",
            empty=NO_REQUESTS,
            queries=("confidence_heat",),
        ),
        heat(
            83,
            "Length of the texts",
            "short",
            description="Tokens that the model read of a text. A new length is a new source, or a field cut off.",
            empty=NO_REQUESTS,
            queries=("tokens_heat",),
        ),
        lines(
            84,
            "Texts longer than the model reads",
            "percentunit",
            description="Share of texts that were truncated; what stood behind the cut was not read.",
            empty=NO_REQUESTS,
            queries=("truncated_share",),
            steps=above(0.2, 0.5),
            low=0,
            width=24,
            height=5,
        ),
    ),
    each_version=True,
)

BOARD = Board(
    uid="bertwatch-quality",
    title="bertwatch: Quality and drift",
    description="Is the model right, has its world changed, and what does it answer.",
    variables=("job", "model_version", "service"),
    sections=(RIGHT, CHANGED, ACCURACY, CHECKS, ANSWERS),
    since="now-7d",
)
