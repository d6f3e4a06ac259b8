"""The drift report: our verdict on top, Evidently never against it, nothing hostile runs, errors in a sentence."""

import json
import re
import subprocess
import threading
from dataclasses import replace

import numpy as np
import psutil
import pytest

from model.errors import InputError, SurroundingsError
from model.evaluation import proportion
from model.prediction import Estimate, ModelInfo
from monitors.baseline import Baseline
from monitors.in_memory import MemoryJournal, MemoryLog, MemoryReports
from monitors.protocols import Outcome
from monitors.report import level_of, make_report, make_waiting_reports, plain, run_worker
from monitors.report_head import _effects, head
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict
from monitors.window import empty_window
from tests.servers.browser import executable

HOSTILE = "</script><script>document.documentElement.dataset.owned='yes'</script>"
MODEL = ModelInfo(
    version="3f2a91c4",
    labels=("World", f"Sports{HOSTILE}", "<img src=x onerror=\"document.documentElement.dataset.owned='yes'\">"),
    features=("characters", f"tokens{HOSTILE}", "unknown"),
    name=f"news{HOSTILE}",
)


def window(count, *, characters=200.0, model=MODEL, segments=True, time=0):
    draw = np.random.default_rng(count)
    scores = draw.dirichlet([4.0, 1.0, 1.0], count)
    return replace(
        empty_window(model, 0, 3600_000_000),
        ids=np.zeros((count, 16), np.uint8),
        time=np.full(count, time, np.int64),
        predicted=scores.argmax(axis=1),
        scores=scores,
        features=np.column_stack(
            [draw.normal(characters, 20, count), draw.normal(40, 5, count), np.full(count, np.nan)]
        ),
        projection=np.full((count, 32), np.nan),
        text_hash=np.zeros(count, np.uint64),
        truncated=draw.random(count) < 0.1,
        segment=draw.choice(np.array(["web", f"app{HOSTILE}"], object) if segments else np.array([None]), count),
        truth=np.full(count, -1),
        label_time=np.zeros(count, np.int64),
        asked=np.full(count, np.nan),
    )


BASELINE = Baseline(
    id="b1c2d3e4",
    model=MODEL,
    engine="torch",
    precision="fp32",
    created="2026-01-01T00:00:00Z",
    dataset={},
    metrics={"accuracy": proportion(270, 300)},
    temperature=1.0,
    confusion=np.zeros((3, 3), np.int64),
    reference=window(300),
    words={},
    documents=300,
)


LOUD = {
    "name": f"tokens{HOSTILE}", "mean": 300.4, "baseline_mean": 200.1, "ks_distance": 0.97, "psi": 4.123,
    "jensen_shannon": 0.721, "wasserstein": 5.011,
}  # fmt: skip
MIX = {"total_variation": 0.034, "psi": 0.005, "jensen_shannon": 0.025}


def verdict(kind=Kind.OK, severity=Severity.NONE, state=State.OK):
    drift = Finding(
        "input_drift", Aspect.INPUT, state, f"Texts. {HOSTILE}", score=9.0, threshold=4.0, p_value=1e-9, count=200,
        details={"columns": [LOUD]},
    )  # fmt: skip
    mix = Finding("class_mix", Aspect.CLASS_MIX, State.OK, "The mix is the same.", details=MIX)
    return Verdict(
        kind=kind,
        severity=severity,
        model_version=MODEL.version,
        baseline_id=BASELINE.id,
        time=3600_000_000,
        start=0,
        end=3600_000_000,
        count=200,
        reasons=(f"Texts are longer. {HOSTILE}",),
        findings=(
            drift,
            mix,
            Finding("harm", Aspect.HARM, State.OK, "No proof.", score=0.1, threshold=2.0, p_value=0.8),
        ),
        accuracy=Estimate(0.78, 0.74, 0.82, 312),
        baseline_accuracy=0.9,
    )


def test_findings_of_an_earlier_version_are_shown_without_effect_sizes():
    """It stored no PSI; the rest of the page is made all the same."""
    old = Finding(
        "input_drift", Aspect.INPUT, State.ALARM, "Texts.", score=9.0, threshold=4.0,
        details={"columns": [{"name": "tokens", "mean": 1.0, "baseline_mean": 2.0, "ks_distance": 0.9}]},
    )  # fmt: skip
    mix = Finding("class_mix", Aspect.CLASS_MIX, State.OK, "The same.", details={"total_variation": 0.03})
    assert _effects([old, mix]) == ""


DRIFTED = verdict(Kind.BENIGN_DRIFT, Severity.NOTICE, State.ALARM)


def evidently_says(html):
    """The sentence on the whole, and the titles of the tests that fail and of those that pass."""
    data = json.loads(re.search(r"var metric_\w+ = (\{.*?\});\s*var additional_graphs", html, re.DOTALL)[1])
    counters = data["widgets"][0]["widgets"][0]["params"]["counters"]
    tests = data["widgets"][2]["params"]["tests"]
    states = {test["title"].removeprefix("Value Drift for column "): test["state"] for test in tests}
    assert set(states.values()) <= {"fail", "success"}
    return counters[-1]["label"], *({title for title in states if states[title] == one} for one in ("fail", "success"))


@pytest.fixture(scope="module")
def drifted_page():
    """Texts are longer, and our verdict says that texts have changed."""
    return make_report(BASELINE, window(200, characters=300), DRIFTED)


def test_evidently_agrees_that_something_changed_and_says_what(drifted_page):
    whole, fails, passes = evidently_says(drifted_page)
    assert whole.startswith("Dataset Drift is detected.")
    assert fails == {"Share of Drifted Columns: Less 0.000", "text: characters"}
    assert {"predicted class", "truncated", "segment", "confidence", "score of World"} <= passes
    assert "text: unknown" not in passes, "a column without a finite number is left out"


def test_evidently_never_sees_drift_where_our_verdict_sees_none():
    """However far apart the columns are: the same texts, and checks that found nothing."""
    whole, fails, passes = evidently_says(make_report(BASELINE, window(200, characters=300, segments=False), verdict()))
    assert whole.startswith("Dataset Drift is NOT detected.")
    assert fails == set()
    assert "text: characters" in passes
    assert "segment" not in passes, "a segment is compared only where both sides have some"


def test_the_verdict_stands_on_top(drifted_page):
    top = drifted_page[drifted_page.index("<body>") :][:8000]
    for said in ("Benign drift", "notice", "0.780", "0.740–0.820, 312 labels", "0.900", "input drift", "9.00", "4.00"):
        assert said in top, said
    assert f"{level_of(DRIFTED, 10).threshold:.2f}" in top, "the level of the columns: α of the checks over columns"


def test_effect_sizes_stand_in_the_units_of_other_tools(drifted_page):
    top = drifted_page[drifted_page.index("<body>") :][:12_000]
    row = top[top.index("tokens&lt;/script&gt;") :]
    for said in ("200", "300", "4.123 (large)", "0.721", "5.011", "0.970"):
        row = row[row.index(said) :]
    assert "Class mix: PSI 0.005 (small), Jensen–Shannon 0.025, 3.4% in another class." in top


def test_hostile_names_are_no_markup_anywhere(drifted_page):
    assert "dataset.owned='yes'</script>" not in drifted_page
    assert "<script>document" not in drifted_page
    assert "<img src=x" not in drifted_page


def test_hostile_names_run_nothing_in_a_browser(drifted_page, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(drifted_page, encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
    profile = f"--user-data-dir={tmp_path}/profile --virtual-time-budget=4000 --dump-dom {page.as_uri()}"
    seen = subprocess.run(
        [executable(), *flags.split(), *profile.split()], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "score of World" in seen, "Evidently has drawn its table"
    assert "data-owned" not in seen


@pytest.mark.parametrize(
    "name", [HOSTILE, "<!--", "]]>", "{{x}}", "a\u2028b\x00\u202e", "\\u003cscript>", "`${x}`", ""]
)
def test_plain_names_hold_nothing_that_a_page_can_take_for_markup(name):
    seen = plain(name)
    assert not set(seen) & set("<>&\"'`\\{}\u2028\x00\u202e")
    assert 1 <= len(seen) <= 40


def test_plain_leaves_ordinary_names_alone():
    assert [plain(name) for name in ("World", "Sci/Tech", "日本", "a b-c.d")] == [
        "World",
        "Sci/Tech",
        "日本",
        "a b-c.d",
    ]


def test_the_level_of_columns_is_the_alarm_level_of_the_drift_checks():
    assert level_of(DRIFTED, 10).threshold == 5.0
    assert level_of(DRIFTED, 10).changed
    assert not level_of(verdict(), 10).changed
    proven = replace(verdict(), findings=(Finding("harm", Aspect.HARM, State.ALARM, "Labels prove it."),))
    assert not level_of(proven, 10).changed, "harm is no change of inputs"


def test_a_head_without_labels_and_estimate_says_so():
    seen = head(BASELINE, replace(verdict(), accuracy=None, findings=()), 5.0, (0, 0))
    assert "no labels yet" in seen


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_window_is_a_clear_error(count):
    with pytest.raises(InputError, match="window holds fewer than 2 predictions"):
        make_report(BASELINE, window(200).take(slice(0, count)), verdict())


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_a_window_without_a_finite_number_is_a_clear_error(nothing):
    live = window(200)
    live = replace(live, scores=np.full_like(live.scores, nothing), features=np.full_like(live.features, nothing))
    with pytest.raises(InputError, match="is finite"):
        make_report(BASELINE, live, verdict())


def test_a_report_that_takes_too_long_is_killed():
    before = psutil.Process().children(recursive=True)
    with pytest.raises(SurroundingsError, match=r"took longer than 0\.2 seconds"):
        make_report(BASELINE, window(200), verdict(), time_limit=0.2)
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_a_stop_ends_the_worker_at_once():
    before = psutil.Process().children(recursive=True)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(SurroundingsError, match="the monitor was stopped"):
        make_report(BASELINE, window(200), verdict(), stop=stop)
    assert set(psutil.Process().children(recursive=True)) <= set(before)


def test_a_worker_that_breaks_is_a_sentence_with_the_type_of_the_error(tmp_path):
    with pytest.raises(SurroundingsError, match=r"the worker ended with FileNotFoundError\."):
        run_worker(tmp_path, 60, threading.Event())


def test_reports_that_were_asked_for_are_made_or_say_why_not():
    log, journal, reports = MemoryLog(MODEL), MemoryJournal(), MemoryReports()
    waiting = reports.ask(MODEL.version, 0, "e1")
    desk = {
        "log": log,
        "journal": journal,
        "reports": reports,
        "baseline": BASELINE,
        "clock": lambda: 5,
        "stop": threading.Event(),
    }
    assert make_waiting_reports(**desk) == 0
    assert reports.waiting(MODEL.version) == [waiting], "before the first round it waits"
    journal.commit(Outcome(slot="1", verdict=DRIFTED, episode=None, streams={}, notifications=()))
    assert make_waiting_reports(**desk) == 0
    assert reports.made == {
        waiting: (None, "The window holds fewer than 2 predictions, so there is nothing to report on.")
    }
    stopped = desk | {"stop": threading.Event()}
    stopped["stop"].set()
    another = reports.ask(MODEL.version, 0, "e2")
    make_waiting_reports(**stopped)
    assert reports.waiting(MODEL.version) == [another], "once stopped, the next monitor makes it"
