"""The built-in sample and its scenarios: disjoint, repeatable, hard but not too hard, and drifting as they say."""

import random
from collections import Counter

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from model.errors import InputError
from model.sample import STREAMS, generate, unseen_story
from model.sample_news import LABELS, TOPICS, UNSEEN
from model.scenarios import SCENARIOS, apply

LIVE = list(generate("live", 1000))
TEXTS, TRUTH = [story.text for story in LIVE], [story.label for story in LIVE]


@pytest.fixture(scope="module")
def accuracy():
    """Accuracy on labelled texts of a plain bag-of-words model fitted to 1,200 training rows."""
    train = list(generate("train", 1200))
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
    model.fit([story.text for story in train], [story.label for story in train])
    return model.score


def test_no_text_is_in_two_streams_whatever_the_seeds():
    seen = {stream: set() for stream in STREAMS}
    for stream in STREAMS:
        for seed in range(3):
            seen[stream] |= {" ".join(story.text.casefold().split()) for story in generate(stream, 400, seed=seed)}
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["live"]
    assert not seen["test"] & seen["live"]
    assert all(len(texts) > 1190 for texts in seen.values()), "nearly every story is told once"


def test_a_row_depends_on_stream_seed_and_number_alone():
    assert list(generate("test", 5, start=20)) == list(generate("test", 25))[20:]
    assert list(generate("test", 5)) != list(generate("test", 5, seed=1))
    endless = generate("live", None)
    assert [next(endless) for _ in range(3)] == LIVE[:3]


def test_the_stories_look_like_news():
    lengths = sorted(len(text.split()) for text in TEXTS)
    assert lengths[50] >= 18
    assert lengths[-50] <= 55
    assert 30 <= lengths[500] <= 42
    assert not [text for text in TEXTS if "{" in text or "}" in text or "  " in text]
    shares = Counter(TRUTH)
    assert set(shares) == set(LABELS)
    assert min(shares.values()) > 200
    assert len({word for text in TEXTS for word in text.lower().split()}) > 2500


def test_a_simple_model_is_right_in_most_cases_and_not_in_all(accuracy):
    assert 0.86 <= accuracy(TEXTS, TRUTH) <= 0.95


def test_unseen_topics_share_no_phrase_with_the_streams():
    def phrases(topics):
        return {phrase for topic in topics for part in (topic.who, topic.did, topic.what) for phrase in part}

    for label in LABELS:
        told = phrases(topic for topics in TOPICS.values() for topic in topics)
        fresh = [phrase for phrase in phrases(UNSEEN[label]) if phrase.count(" ") > 1]
        assert fresh
        assert not told & set(fresh)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_hurts_exactly_if_it_says_so(name, accuracy):
    texts, labels = apply(name, TEXTS, TRUTH, seed=1)
    fall = accuracy(TEXTS, TRUTH) - accuracy(texts, labels)
    if SCENARIOS[name].harmful is not None:
        assert (fall >= 0.1) == SCENARIOS[name].harmful
    assert len(texts) == len(labels) == len(TEXTS)
    assert (texts, labels) != (TEXTS, TRUTH)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_is_repeatable_bounded_by_its_strength_and_works_on_any_labels(name):
    texts = [f"the parcel number {row} came late again, dear Sirs" for row in range(200)]
    labels = ["praise" if row % 3 else "complaint" for row in range(200)]
    first = apply(name, texts, labels, seed=4)
    assert first == apply(name, texts, labels, seed=4)
    assert apply(name, texts, labels, seed=4, strength=0) == (texts, labels)
    assert set(first[1]) <= set(labels)
    assert all(text.strip() for text in first[0])
    weak = apply(name, texts, labels, seed=4, strength=0.1)
    assert 0 < _changed(weak, texts, labels) < 50
    assert _changed(first, texts, labels) > _changed(weak, texts, labels)
    assert apply(name, ["one text alone"], ["x"])[1] == ["x"]
    assert apply(name, [], []) == ([], [])


def _changed(rows, texts, labels):
    return sum((*pair,) != (text, label) for *pair, text, label in zip(*rows, texts, labels, strict=True))


def test_a_scenario_that_is_not_there_is_said_with_those_that_are():
    with pytest.raises(InputError, match="There is no scenario 'plague'; there are topic, vocabulary"):
        apply("plague", TEXTS, TRUTH)
    with pytest.raises(InputError, match="a share from 0 to 1"):
        apply("case", TEXTS, TRUTH, strength=2)


def test_a_class_mix_changes_the_mix_and_no_text(accuracy):
    texts, labels = apply("class_mix", TEXTS, TRUTH)
    assert set(texts) <= set(TEXTS)
    assert Counter(labels)["Business"] > 1.8 * Counter(TRUTH)["Business"]
    assert accuracy(texts, labels) > accuracy(TEXTS, TRUTH) - 0.06


def test_repeated_messages_are_three():
    texts, _ = apply("repeated", TEXTS, TRUTH, strength=1)
    assert set(texts) == set(TEXTS[:3])


def test_new_topics_keep_their_class(accuracy):
    labels = [LABELS[row % 4] for row in range(200)]
    fresh = [unseen_story(random.Random(row), label) for row, label in enumerate(labels)]
    assert 0.4 < accuracy(fresh, labels) < 0.9
