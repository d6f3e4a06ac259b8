"""Behavior tests judge as CheckList says, the news pack is sound, and a user's file is refused in one sentence."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import yaml

from model.behavior import BehaviorTest, Case, Pack, run_pack
from model.behavior_file import choose_pack, read_pack
from model.errors import InputError
from model.evaluation import proportion
from model.perturbations import CHANGES
from model.prediction import CutOff, Predictions
from model.sample_news import LABELS

NAMES = ("calm", "angry")


def classify(texts):
    """Angry is whoever shouts or uses the word; each exclamation mark adds a little. Counts what it was asked."""
    asked.append(len(texts))
    angry = np.array([min(0.9, 0.1 + 0.5 * ("angry" in t) + 0.3 * t.isupper() + 0.1 * t.count("!")) for t in texts])
    scores = np.column_stack([1 - angry, angry]).astype(np.float32)
    return Predictions(
        labels=scores.argmax(1), scores=scores, features=np.zeros((len(texts), 0)),
        projections=np.zeros((len(texts), 32)), truncated=np.zeros(len(texts), np.bool_),
    )  # fmt: skip


asked: list[int] = []


def run(*tests):
    asked.clear()
    return run_pack(Pack("mine", tests), NAMES, classify).tests


def test_minimum_functionality_fails_where_the_answer_is_another():
    cases = (Case("hello", None, "calm"), Case("I am angry", None, "angry"), Case("furious", None, "angry"))
    [found] = run(BehaviorTest("clear cases", "minimum", cases, at_most=0.34))
    assert found.failed == (3,)
    assert found.failures == proportion(1, 3)
    assert found.passed
    [example] = found.examples
    assert (example.text, example.changed, example.expected, example.got) == ("furious", None, "angry", "calm")


def test_invariance_fails_where_the_answer_changes_whether_it_was_right_or_not():
    cases = (Case("an angry man", "ANGRY? angry man"), Case("hello!!", "HELLO!!"), Case("hello", "hullo"))
    [found] = run(BehaviorTest("capitals", "invariance", cases))
    assert found.failed == (2,)
    assert not found.passed


def test_directional_is_about_the_score_and_has_a_tolerance():
    cases = (Case("hello!", "hello!!", "angry"), Case("hello!!", "hello!", "angry"), Case("hi!!!", "hi", "angry"))
    up, down, lenient = run(
        BehaviorTest("up", "directional", cases),
        BehaviorTest("down", "directional", cases, direction="down"),
        BehaviorTest("lenient", "directional", cases, tolerance=0.15),
    )
    assert (up.failed, down.failed, lenient.failed) == ((2, 3), (1,), (3,))
    assert up.examples[0].expected == "angry not below 0.30"


def test_every_text_is_classified_once():
    case = Case("hello", "HELLO")
    run(BehaviorTest("one", "invariance", (case, case)), BehaviorTest("two", "invariance", (case,)))
    assert asked == [2]


def test_the_cut_off_that_is_served_is_the_one_that_is_tested():
    test = BehaviorTest("barely", "minimum", (Case("hello!", None, "angry"),))
    cut = CutOff(positive=1, value=0.15)
    plain = run_pack(Pack("mine", (test,)), NAMES, classify)
    served = run_pack(Pack("mine", (test,)), NAMES, lambda texts: cut.applied(classify(texts)))
    assert (plain.failed, served.failed) == (("barely",), ())
    assert plain.figures == {"behavior[barely]": proportion(1, 1)}


def test_equal_cases_have_equal_digests():
    one, other = Case("a", None, "calm"), Case("b", None, "calm")
    digests = {
        BehaviorTest(name, "minimum", cases, at_most=share).digest
        for name, cases, share in (("x", (one,), 0.1), ("y", (one,), 0.2), ("x", (one, other), 0.1))
    }
    assert len(digests) == 2


TEXT = "Coach Anna Keller said, “we won 31-7 and 1,200 fans came”: it was great."


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_changes_change_only_what_they_say(change):
    changed = CHANGES[change](TEXT, random.Random(1))
    assert changed != TEXT
    assert CHANGES[change](TEXT, random.Random(1)) == changed
    assert CHANGES[change]("", random.Random(1)) == ""
    if change in ("upper", "lower"):
        assert changed.casefold() == TEXT.casefold()
    elif change == "numbers":
        assert re.sub(r"\d", "0", changed) == re.sub(r"\d", "0", TEXT)
        assert all(a != b for a, b in zip(re.findall(r"\d+", changed), re.findall(r"\d+", TEXT), strict=True))
    elif change == "typo":
        assert sorted(changed) == sorted(TEXT)
        assert sum(a != b for a, b in zip(changed, TEXT, strict=True)) == 2
    else:
        assert changed == "Coach Anna Keller said we won 31-7 and 1,200 fans came it was great"


# the news pack


@pytest.fixture(scope="module")
def news():
    return choose_pack(None, LABELS)


def test_the_news_pack_is_for_models_of_the_news(news):
    assert news.name == "news"
    assert choose_pack(None, NAMES) is None
    assert choose_pack("none", LABELS) is None
    assert choose_pack(None, LABELS[::-1]).texts == news.texts
    with pytest.raises(InputError, match="class that the model does not have; it has calm, angry"):
        choose_pack("news", NAMES)


def test_the_news_pack_covers_what_it_promises(news):
    kinds = {test.name: test.kind for test in news.tests}
    assert set(kinds.values()) == {"minimum", "invariance", "directional"}
    about = " ".join(kinds)
    for word in ("people", "places", "numbers", "typing errors", "capitals", "small letters", "punctuation"):
        assert word in about
    for test in news.tests:
        assert len(test.cases) >= 8, test.name
        assert 0 < test.at_most <= 0.35
        for case in test.cases:
            assert "{" not in case.text + (case.changed or "")
            assert (case.changed is None) == (test.kind == "minimum")
            assert case.changed != case.text
    assert len(news.texts) < 700  # it is classified with every baseline


def test_the_pack_is_the_same_each_time(news):
    assert [test.digest for test in choose_pack("news", LABELS).tests] == [test.digest for test in news.tests]


def test_a_model_of_a_fixed_answer_is_caught(news):
    def always(texts):
        scores = np.tile(np.array([0.97, 0.01, 0.01, 0.01], np.float32), (len(texts), 1))
        return Predictions(scores.argmax(1), scores, np.zeros((len(texts), 0)), np.zeros((len(texts), 32)),
                           np.zeros(len(texts), np.bool_))  # fmt: skip

    found = {test.name: test for test in run_pack(news, LABELS, always).tests}
    assert found["clear World stories"].passed
    assert found["clear Sports stories"].failures.value == 1
    assert found["short headlines"].failures.value == 0.75
    assert all(test.passed for test in found.values() if test.kind == "invariance")


# a user's own file

GOOD = {
    "name": "mine",
    "lexicon": {"name": ["Ann", "Bob"], "city": ["Rome", "Oslo"]},
    "shared": {"anything": [1, 2]},
    "tests": [
        {"name": "clear", "kind": "minimum", "label": "angry", "texts": ["{name} is angry", ["so am I", "and you"]]},
        {"name": "names", "kind": "invariance", "at_most": 0.1, "change": {"swap": "name"}, "times": 3,
         "texts": ["{name} went to {city}", "no slot here"]},
        {"name": "added", "kind": "invariance", "change": {"add": "Thanks, {name}."}, "texts": ["{city} called"]},
        {"name": "shout", "kind": "directional", "label": "angry", "tolerance": 0.1,
         "cases": [{"text": "{name} here", "changed": "{name} here!!!"}]},
    ],
}  # fmt: skip


def read(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return read_pack(path, NAMES)


def test_a_file_is_read_as_it_says(tmp_path):
    clear, names, added, shout = read(tmp_path, GOOD).tests
    assert [case.text for case in clear.cases][1:] == ["so am I", "and you"]
    assert re.fullmatch("(Ann|Bob) is angry", clear.cases[0].text)
    assert len(names.cases) == 3  # a text without the slot is no case of it
    for case in names.cases:
        before, after = case.text.split(), case.changed.split()
        assert (before[0] != after[0], before[1:] == after[1:]) == (True, True)
    assert re.fullmatch(r"(Rome|Oslo) called Thanks, (Ann|Bob)\.", added.cases[0].changed)
    assert shout.cases[0].changed == shout.cases[0].text + "!!!"
    assert (shout.tolerance, shout.direction, names.at_most, clear.at_most) == (0.1, "up", 0.1, 0.0)


def spoilt(path, value):
    """GOOD with one thing changed, named by its path."""
    content = yaml.safe_load(yaml.safe_dump(GOOD))
    *way, last = path
    at = content
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return content


BOMB = (
    "shared:\n  a0: &a0 [x, y]\n"
    + "".join(f"  a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    + "tests: [{name: x, kind: minimum, label: calm, texts: *a39}]"
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("tests: [", "is not YAML at line"),
        ("!!python/object/apply:os.system [ls]", "is not YAML"),
        ("[]", "the file must be a mapping"),
        ("", "the file must be a mapping"),
        ("tests: []", "at least one test"),
        (spoilt(["extra"], 1), "unknown key 'extra'"),
        (spoilt(["tests", 0, "kind"], "mft"), r"tests\[1\].kind must be one of minimum, invariance, directional"),
        (spoilt(["tests", 0, "label"], None), r"tests\[1\].texts\[1\] needs a label"),
        (spoilt(["tests", 0, "label"], "happy"), "it has calm, angry"),
        (spoilt(["tests", 0, "texts"], "one"), r"tests\[1\].texts must be a list"),
        (spoilt(["tests", 0, "texts", 0], 7), r"tests\[1\].texts\[1\] must be a text"),
        (spoilt(["tests", 0, "texts", 0], "{colour} sky"), "the slot {colour}"),
        (spoilt(["tests", 0, "texts"], None), r"tests\[1\] has no case"),
        (spoilt(["tests", 0, "change"], "typo"), "a test of kind minimum has none"),
        (spoilt(["tests", 1, "change"], None), "needs a change"),
        (spoilt(["tests", 1, "change"], "sparkle"), "change must be one of typo"),
        (spoilt(["tests", 1, "change"], {"swap": "colour"}), "a slot that the lexicon does not have"),
        (spoilt(["tests", 1, "change"], {"swap": {"a": 1}}), "must be a slot or a list"),
        (spoilt(["tests", 1, "change"], {"add": []}), "at least one sentence"),
        (spoilt(["tests", 1, "at_most"], 2), r"tests\[2\].at_most must be a number from 0 to 1"),
        (spoilt(["tests", 1, "times"], 0), "from 1 to 100"),
        (spoilt(["tests", 1, "name"], "clear"), r"tests\[2\] has the name of an earlier test"),
        (spoilt(["tests", 1, "name"], "a[b]"), "no brackets"),
        (spoilt(["tests", 3, "cases", 0, "changed"], None), r"tests\[4\].cases\[1\] needs a changed text"),
        (spoilt(["tests", 3, "direction"], "left"), "must be up or down"),
        (spoilt(["lexicon", "name"], ["Ann"]), "two different words"),
        (spoilt(["lexicon", "Na me"], ["a", "b"]), "small letters and underscores"),
        ("shared: &a [*a]\ntests: [{name: x, kind: minimum, label: calm, texts: *a}]", "nested too deeply"),
        (BOMB, "more than 10000 texts"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_sentence(tmp_path, content, says):
    with pytest.raises(InputError, match=says) as refused:
        read(tmp_path, content)
    assert "\n" not in str(refused.value)
    assert "went to" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no behavior file"):
        read_pack(tmp_path / "none.yaml", NAMES)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_pack(tmp_path / "binary.yaml", NAMES)
