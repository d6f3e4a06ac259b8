"""The page stands alone, says what matters in words, escapes class names, and has its plots beside it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from model.evaluation import evaluate, proportion
from model.evaluation.behavior import BehaviorReport, BehaviorResult, FailedCase
from model.evaluation.paired import Comparison, Pair, flips, paired
from model.gates import judge_gates, read_gate
from model.prediction import CutOff, ModelInfo
from model.report import Beside, Subject, write_report
from model.report import page as page_of
from model.report.palette import DARK, LIGHT, with_variables
from model.report.remarks import frequent_errors, percent, remarks

NAMES = ("World", "Sports", "Business", "Sci/Tech")


def evaluated(labels=NAMES, rows=300, skill=2.0, seed=0, sharpness=1.0, **options):
    rng = np.random.default_rng(seed)
    scores = np.exp(skill * rng.normal(size=(rows, len(labels))))
    scores /= scores.sum(1, keepdims=True)
    truth = (rng.random(rows)[:, None] > scores.cumsum(1)).sum(1).clip(0, len(labels) - 1)
    sharpened = scores**sharpness
    return evaluate(truth, sharpened / sharpened.sum(1, keepdims=True), labels, resamples=50, **options)


def page(evaluation, directory, **facts):
    rows = np.arange(1001, 1001 + len(evaluation))
    length = np.random.default_rng(0).gamma(9, 6, len(evaluation)).round()
    write_report(evaluation, Subject("newsroom", {"Baseline": "abc"} | facts, rows, length), directory)
    return (directory / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page of an ordinary evaluation, with its directory; drawn once."""
    directory = tmp_path_factory.mktemp("report")
    found = evaluated(segments=["web"] * 150 + ["app"] * 150)
    return found, page(found, directory), directory


def test_the_page_names_accuracy_its_interval_and_what_no_skill_reaches(written):
    found, html, _ = written
    text = re.sub(r"<[^>]+>", "", html).replace("\u202f", " ")
    accuracy = found.accuracy
    assert f"Right in {accuracy.value:.1%} of 300 labelled rows".replace("%", " %") in text
    assert f"{accuracy.low:.1%}".replace("%", " %") in text
    assert "0.5 is chance" in text
    assert "means that scores or labels are swapped" in text
    assert "Answering “" in text


def test_the_page_needs_nothing_from_elsewhere(written):
    _, html, _ = written
    assert not re.findall(
        r"(?:src|href|url)\s*[=(]\s*[\"']?(?!#|\"?#)(?:https?:|//|\w)", html.replace("xlink:href", "href")
    )
    assert "<script" not in html
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert "By segment" in html


def test_every_plot_is_inline_and_a_picture(written):
    _, html, directory = written
    pictures = sorted(path.stem for path in (directory / "plots").iterdir())
    assert pictures == sorted(
        [
            "by_class",
            "calibration",
            "confidence",
            "confusion",
            "cut_off",
            "entropy",
            "lengths",
            "margin",
            "precision_recall",
            "roc",
        ]
    )
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (directory / "plots").iterdir())
    assert len(re.findall('<figure class="plot[a-z ]*"><svg', html)) == len(pictures)


def test_ids_of_inline_plots_do_not_meet(written):
    class Ids(HTMLParser):
        def __init__(self):
            super().__init__()
            self.seen = []

        def handle_starttag(self, tag, attrs):
            self.seen += [value for name, value in attrs if name == "id" and tag in ("clippath", "path", "use")]

    parser = Ids()
    parser.feed(written[1])
    assert parser.seen
    assert len(parser.seen) == len(set(parser.seen))


def test_plots_take_the_colours_of_the_page(written):
    _, html, _ = written
    plots = "".join(re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert "var(--right)" in plots
    assert not re.findall("#[0-9a-f]{6}", plots)
    assert (
        with_variables(f"fill: {LIGHT.series[3]}; stroke: {LIGHT.ink}") == "fill: var(--series-3); stroke: var(--ink)"
    )


def test_colours_that_are_one_in_the_light_are_one_in_the_dark():
    light, dark = ([*each.series, each.ink, each.soft, each.line, each.right, each.wrong] for each in (LIGHT, DARK))
    assert all(dark[i] == dark[light.index(colour)] for i, colour in enumerate(light))


def test_a_class_name_is_never_markup_or_mathematics(tmp_path):
    hostile = ("<script>alert(1)</script>", "$\\frac{", "{{ 7 * 7 }}", "日本語")
    html = page(evaluated(hostile), tmp_path, **{"<b>": "<img src=x onerror=alert(1)>"})
    assert "<script>" not in html
    assert "<img" not in html
    assert "49" not in re.findall(r'<th scope="row">(.*?)</th>', html)
    assert "{{ 7 * 7 }}" in html


def test_errors_are_listed_by_row_number_with_the_surest_first(written):
    found, html, _ = written
    wrong = np.flatnonzero(~found.correct)
    surest = wrong[np.argmax(found.confidence[wrong])]
    table = html[html.index('<table class="wrong">') :]
    assert re.search(r'<td class="n">(\d+)</td>', table)[1] == str(1001 + surest)
    assert table.count("<tr>") == 21


@pytest.mark.parametrize(
    ("truth", "labels"),
    [([0, 0, 0, 0], ("a", "b")), ([0, 1, 0, 1], ("a", "b")), ([0, 1, 0, 1], ("a", "b", "never"))],
)
def test_few_rows_one_class_and_no_error_make_a_page_too(tmp_path, truth, labels):
    scores = np.full((4, len(labels)), 0.1)
    scores[np.arange(4), truth] = 1.1 - 0.1 * len(labels)
    html = page(evaluate(truth, scores, labels), tmp_path)
    assert "No row was answered wrongly" in html
    assert ("What these rows cannot tell" in html) == (len(set(truth)) < len(labels))


def test_many_classes_are_drawn_with_the_hardest_in_the_curves(tmp_path):
    html = page(evaluated(tuple(f"intent {i}" for i in range(25)), rows=500, skill=3), tmp_path)
    assert "the 8 classes with the smallest area" in html


def titles(evaluation, **options):
    return {remark.title: remark for remark in remarks(evaluation, **options)}


def test_high_accuracy_with_a_rare_class_is_not_called_skill():
    rng = np.random.default_rng(0)
    truth = (rng.random(1000) < 0.03).astype(int)
    score = rng.uniform(0, 0.4, 1000)
    said = titles(evaluate(truth, np.column_stack([1 - score, score]), ("stays", "churns")))
    assert said["No clear skill beyond the class mix"].tone == "warning"
    assert any("not told apart" in title for title in said)


def test_inverted_scores_are_called_upside_down():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 500)
    score = np.clip(0.5 - 0.3 * (truth - 0.5) + rng.normal(0, 0.1, 500), 0, 1)
    said = titles(evaluate(truth, np.column_stack([1 - score, score]), ("no", "yes")))
    assert "“yes” is ranked upside down" in said


def test_calibration_is_judged():
    assert titles(evaluated(rows=3000, sharpness=2.5))["Too sure of itself"].tone == "warning"
    assert "Confidence can be taken at its word" in titles(evaluated(rows=3000))
    assert "More often right than it claims" in titles(evaluated(rows=3000, sharpness=0.5))


def test_texts_that_were_cut_are_told_of():
    assert "Texts were cut" not in titles(evaluated(), truncated=0.001)
    assert titles(evaluated(), truncated=0.3)["Texts were cut"].tone == "warning"


def test_frequent_errors_are_in_order_and_no_more_than_there_are():
    found = evaluate([0, 0, 0, 1, 1, 2], np.eye(3)[[1, 1, 0, 2, 1, 2]], ("a", "b", "c"))
    assert frequent_errors(found, 6) == [("a", "b", 2), ("b", "c", 1)]


def test_less_than_all_is_never_a_hundred_percent():
    assert percent(0.99999).startswith("99.9")
    assert percent(1.0).startswith("100.0")


# what stands beside the evaluation

HOSTILE = "<img src=x onerror=alert(1)> {{ 7 * 7 }}"


def behavior(*, failing):
    failed = (1,) if failing else ()
    case = FailedCase(1, HOSTILE, f"{HOSTILE}!", "Sports", "World")
    tests = (
        BehaviorResult(
            "typos", "invariance", HOSTILE, 0.05, proportion(len(failed), 12), failed, (case,) * len(failed), "d"
        ),
        BehaviorResult("clear cases", "minimum", "", 0.05, proportion(0, 12), (), (), "e"),
    )
    return BehaviorReport("mine", tests)


def compared(old, new, **facts):
    pair = Pair(old.labels, old.truth, old.predicted, new.predicted, old.scores, new.scores, np.arange(1, len(old) + 1))
    return Comparison(
        old_id="0ld", old_model=ModelInfo("v1", old.labels, (), "<i>before</i>"), rows=len(old), old_rows=len(old),
        new_rows=len(new), changes=paired(pair, old.metrics, new.metrics, resamples=50), behavior=(),
        flips=flips(pair), p_value=0.00001, **facts,
    )  # fmt: skip


PLOTS = (
    "confusion",
    "calibration",
    "confidence",
    "entropy",
    "margin",
    "by_class",
    "cut_off",
    "roc",
    "precision_recall",
)


def beside(evaluation, **parts):
    """The page without its plots, which take the time."""
    subject = Subject("newsroom", {}, np.arange(1, len(evaluation) + 1))
    return page_of(evaluation, subject, Beside(**parts), dict.fromkeys(PLOTS, ""))


def test_behavior_tests_are_shown_with_their_cases_and_nothing_of_them_is_markup():
    html = beside(evaluated(rows=60), behavior=behavior(failing=True))
    assert "1 of 2 behavior tests fail" in html
    assert "<img" not in html
    assert html.count("&lt;img src=x") == 3
    assert re.search("<details open><summary>typos: 1 of 12 cases fail", html)
    assert ">fails<" in html
    assert ">passes<" in html


def test_passing_behavior_tests_warn_of_nothing():
    html = beside(evaluated(rows=60), behavior=behavior(failing=False))
    assert "behavior tests fail" not in html
    assert "clear cases" in html


def test_gates_are_shown_with_their_figures():
    gates = judge_gates([read_gate("accuracy>=0.99"), read_gate("accuracy>=0")], evaluated().metrics, {}, ())
    html = beside(evaluated(rows=60), gates=gates)
    assert "A release gate says no" in html
    assert html.count('<span class="stamp">failed</span>') == html.count('<span class="stamp">passed</span>') == 1


def test_a_worse_model_is_called_worse_and_its_rows_are_named():
    good = evaluated(rows=300, skill=3)
    swapped = np.where(np.arange(300) % 3 == 0, (good.predicted + 1) % 4, good.predicted)
    worse = evaluate(good.truth, good.scores, good.labels, predicted=swapped, resamples=50)
    found = compared(good, worse)
    html = beside(worse, comparison=found)
    assert "Clearly worse than 0ld" in html
    assert f"{len(found.regressed)} rows were right and are wrong now" in html
    assert f'<td class="n">{found.regressed[0].row}</td>' in html
    assert "p is below 0.0001" in html
    assert "<i>before" not in html


def test_a_model_beside_itself_is_not_called_better():
    found = evaluated(rows=100)
    assert "The same rows are right as in 0ld" in beside(found, comparison=compared(found, found))


def two_classes(rare=0.1):
    rng = np.random.default_rng(0)
    truth = (rng.random(800) < rare).astype(int)
    score = np.clip(rng.normal(0.15 + 0.2 * truth, 0.1), 0.01, 0.99)
    return truth, np.column_stack([1 - score, score]), ("stays", "leaves")


def test_the_cut_off_is_marked_in_its_table_and_plot(tmp_path):
    truth, scores, labels = two_classes()
    cut = CutOff(1, 0.27, "cost", 1, 6)
    found = evaluate(truth, scores, labels, predicted=cut.classes(scores), resamples=50)
    write_report(found, Subject("churn", {}, np.arange(800)), tmp_path, Beside(cut_off=cut))
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    chosen = re.search('<tr class="chosen">(.*?)</tr>', html)[1]
    hits = int(((truth == 1) & (scores[:, 1] >= 0.27)).sum())
    false = int(((truth == 0) & (scores[:, 1] >= 0.27)).sum())
    assert ">0.27<" in chosen
    assert f'<td class="n">{false}</td><td class="n">{int(truth.sum()) - hits}</td>' in chosen
    assert "was chosen on the rows that it is judged by" in html
    assert "a false leaves costs 1, a missed one 6" in html


def test_accuracy_below_a_constant_answer_is_explained_where_the_scores_are_good():
    truth, scores, labels = two_classes()
    said = titles(evaluate(truth, scores, labels, predicted=CutOff(1, 0.2).classes(scores), resamples=50))
    assert said["Accuracy is not the figure to read here"].tone == "warning"


def test_a_segment_that_is_clearly_worse_is_named_and_chance_is_not():
    found = evaluated(rows=600, skill=4, segments=["web", "app", "mail"] * 200)
    assert not any("segment" in title for title in titles(found))
    segments = ["mail" if not right and row % 2 else "web" for row, right in enumerate(found.correct)]
    segments[:40] = ["mail"] * 40
    assert titles(evaluated(rows=600, skill=4, segments=segments))["Worse in segment “mail”"].tone == "warning"


def test_every_segment_has_its_constant_answer_beside_it(written):
    found, html, _ = written
    assert set(found.segment_figures) == set(found.segments) == {"web", "app"}
    for name, figures in found.segment_figures.items():
        assert figures["accuracy"] == found.segments[name]
        rows = found.truth[:150] if name == "web" else found.truth[150:]
        assert figures["constant_accuracy"].value == np.bincount(rows).max() / 150
    assert "Always one class" in html
