"""Service and pipeline: rate, errors and duration by route, the way of a prediction, log, process."""

from __future__ import annotations

from dashboards.glance import FAST, NO_REQUESTS, NO_ROUND, NO_SERVICE, RUNS
from dashboards.panels import BAD, GOOD, Board, Section, above, heat, lines, stack, states
from service.metrics import LATENCY_OBJECTIVE

REQUESTS = Section(
    120,
    "Requests: rate, errors, duration",
    (
        stack(
            90,
            "Requests by route",
            "reqps",
            description="Requests a second of each route and method.",
            empty=NO_REQUESTS,
            queries=("requests_by_route",),
            low=0,
        ),
        stack(
            91,
            "Answers by status",
            "reqps",
            description=(
                "2xx, refusals of bad input (4xx), and our own failures (5xx; 503 is overload or a log that cannot "
                "be written)."
            ),
            empty=NO_REQUESTS,
            queries=("requests_by_code",),
            low=0,
        ),
        lines(
            92,
            "Problems by kind",
            "reqps",
            description="Problem documents sent, and requests whose client left before its answer.",
            empty=NO_REQUESTS,
            queries=("problems", "clients_gone"),
            low=0,
        ),
        lines(
            93,
            "Burn of the error budgets",
            "short",
            description="1 uses a month's budget in a month. The fast alert fires at 14.4 over an hour or 6 over six.",
            empty=NO_REQUESTS,
            queries=("burn_errors_1h", "burn_errors_6h", "burn_slow_1h", "burn_slow_6h"),
            steps=above(1.0, 6.0),
            low=0,
        ),
        lines(
            94,
            "Percentiles of /predict",
            "s",
            description="The line is the objective: 99 % within 0.25 s. The dots are answers, by their prediction id.",
            empty=NO_REQUESTS,
            queries=("predict_p50", "predict_p95", "predict_p99"),
            steps=above(LATENCY_OBJECTIVE),
            low=0,
        ),
        heat(
            95,
            "Spread of /predict",
            "s",
            description="How many answers took how long. Two bands are two kinds of texts, or two kinds of replicas.",
            empty=NO_REQUESTS,
            queries=("predict_heat",),
        ),
        lines(
            96,
            "p99 by route",
            "s",
            description="Which route is slow. A batch may be; a probe may not.",
            empty=NO_REQUESTS,
            queries=("route_p99",),
            low=0,
        ),
        lines(
            97,
            "Share of /predict slower than the objective",
            "percentunit",
            description="The objective allows 1 %.",
            empty=NO_REQUESTS,
            queries=("predict_slow_share",),
            steps=above(0.01),
            low=0,
        ),
    ),
)

PIPELINE = Section(
    121,
    "The way of a prediction: queue, tokenise, infer, commit",
    (
        lines(
            200,
            "Time in each stage",
            "s",
            description="Where the time goes: waiting for a worker, in the tokenizer, in the model, or in the commit.",
            empty=NO_REQUESTS,
            queries=("stage_p50", "stage_p99"),
            low=0,
        ),
        lines(
            201,
            "Queue",
            "short",
            description=(
                "Texts that wait for a worker, requests being answered, and the limit beyond which the answer is 503."
            ),
            empty=NO_SERVICE,
            queries=("queue_depth", "requests_in_progress", "queue_limit", "workers"),
            low=0,
        ),
        lines(
            202,
            "Texts a batch",
            "short",
            description=(
                "Mean and 99th percentile of what a worker takes at a time. Large batches mean that texts were waiting."
            ),
            empty=NO_REQUESTS,
            queries=("batch_texts", "batch_texts_p99"),
            low=0,
        ),
        lines(
            203,
            "Rows committed",
            "wps",
            description="Rows of the prediction log a second. It equals the predictions answered.",
            empty=NO_REQUESTS,
            queries=("log_rows",),
            low=0,
        ),
    ),
)

STORE = Section(
    122,
    "Log, store and notifications",
    (
        states(
            210,
            "Can the log be written, the store be read?",
            description="Each replica's word. While the log cannot be written, every prediction is answered with 503.",
            empty=NO_SERVICE,
            queries=("log_writable", "store_readable"),
            words=((0, "no", BAD), (1, "yes", GOOD)),
        ),
        lines(
            211,
            "Commits that failed",
            "short",
            description="Each answered its requests with 503; no row was lost that had been answered with 200.",
            empty=NO_SERVICE,
            queries=("log_failures",),
            steps=above(1),
            low=0,
        ),
        lines(
            212,
            "Size of the database and room left",
            "bytes",
            description="The room left is known for SQLite only; watch the disk of a database server where it stands.",
            empty=NO_SERVICE,
            queries=("store_bytes", "store_free_bytes"),
            low=0,
        ),
        lines(
            213,
            "Notifications not delivered",
            "short",
            description=(
                "Waiting for another try, or given up for good. Empty in alertmanager mode, where none are made."
            ),
            empty=NO_ROUND,
            queries=("outbox",),
            steps=above(1),
            low=0,
            width=6,
        ),
        lines(
            214,
            "Notifications delivered within a day",
            "short",
            description="Messages that a receiver took, one for each receiver. None in alertmanager mode.",
            empty=NO_ROUND,
            queries=("notifications_delivered",),
            low=0,
            width=6,
        ),
    ),
)

PROCESS = Section(
    123,
    "Replicas",
    (
        states(
            220,
            "Does it answer?",
            description="Whether Prometheus reached the replica.",
            empty=NO_SERVICE,
            queries=("up",),
            words=((0, "down", BAD), (1, "up", GOOD)),
            height=6,
        ),
        lines(
            221,
            "Time since the start",
            "s",
            description="A saw-tooth is a replica that keeps restarting.",
            empty=NO_SERVICE,
            queries=("uptime",),
            low=0,
            height=6,
        ),
        lines(
            222,
            "Processor",
            "short",
            description="Cores in use by the service; the monitor is a process of its own and is not counted here.",
            empty=NO_SERVICE,
            queries=("cpu",),
            low=0,
            width=8,
        ),
        lines(
            223,
            "Memory",
            "bytes",
            description="Resident memory; the model's weights are in it once.",
            empty=NO_SERVICE,
            queries=("memory",),
            low=0,
            width=8,
        ),
        lines(
            224,
            "Open files of those allowed",
            "percentunit",
            description="Connections are files. At the limit no connection is accepted.",
            empty=NO_SERVICE,
            queries=("files_open",),
            steps=above(0.7, 0.9),
            low=0,
            high=1,
            width=8,
        ),
    ),
)

BOARD = Board(
    uid="bertwatch-service",
    title="bertwatch: Service and pipeline",
    description="Rate, errors and duration by route, the way of a prediction, log, replicas.",
    variables=("job", "model_version", "instance"),
    sections=(FAST, RUNS, REQUESTS, PIPELINE, STORE, PROCESS),
    since="now-6h",
)
