"""Data faults in texts as they come: the scenarios of `replay`, read by a real tokenizer, against the sample's rows.

Each fault is called by its name, at the level that the shipped budget gives; what is no fault is called none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from model.datasets import load_dataset
from model.features import text_features
from model.prediction import text_fingerprint
from model.scenarios import SCENARIOS
from monitors.checks.data_faults import CHECK
from monitors.verdict import Finding, State
from monitors.window import Window
from service.replay import drifted
from tests.statistics.simulation import baseline_of, draw, evidence_of, without_labels

ALPHA = 1e-5
MOST_TOKENS = 126
RNG = np.random.default_rng(0)


class Reader:
    """Texts to the numbers that a window holds, by a vocabulary learnt from the sample's training rows."""

    def __init__(self):
        self.encoder = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        self.encoder.normalizer = normalizers.BertNormalizer(lowercase=True)
        self.encoder.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        learn = load_dataset("sample", split="train", train_rows=600, test_rows=10, seed=0)
        trainer = trainers.WordPieceTrainer(vocab_size=3000, min_frequency=2, special_tokens=["[UNK]"])
        self.encoder.train_from_iterator(learn.texts, trainer)
        self.unknown = self.encoder.token_to_id("[UNK]")

    def __call__(self, texts) -> Window:
        ids = [one.ids for one in self.encoder.encode_batch(list(texts), add_special_tokens=False)]
        tokens = np.array([len(one) for one in ids])
        unknown = np.array([one.count(self.unknown) for one in ids])
        return replace(
            draw(RNG, len(ids)),
            features=text_features(list(texts), tokens, unknown).astype(np.float64),
            text_hash=np.array([text_fingerprint(text) for text in texts], np.uint64),
            truncated=tokens > MOST_TOKENS,
        )


@pytest.fixture(scope="module")
def ask():
    reader = Reader()
    rows = load_dataset("sample", split="test", train_rows=10, test_rows=800, seed=0)
    held = replace(baseline_of(draw(RNG, 800)), reference=reader(rows.texts))

    def about(texts) -> Finding:
        return CHECK.run(held, evidence_of(without_labels(reader(texts))), ALPHA)

    return about


@pytest.fixture(scope="module")
def live():
    return load_dataset("sample", split="live", train_rows=10, test_rows=10, seed=0, count=300)


def faults(finding):
    return {name for name, fault in finding.details.items() if fault["fault"]}


FAULTS = {
    "language": {"language"},
    "wrong_field": {"length in characters", "length in words"},
    "truncated": {"length in characters", "length in words"},
    "long": {"truncated", "length in characters", "length in words"},
    "repeated": {"copies", "flood"},
}
"""`class_mix` draws from so few rows that the sample's own texts come again: they are copies, rightly."""
NOT_ASKED = {"class_mix", "markup"}


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - NOT_ASKED))
def test_scenarios_are_called_by_their_names(name, ask, live):
    finding = ask(drifted(live, name, 0, 0).texts)
    assert FAULTS.get(name, set()) <= faults(finding)
    if name not in FAULTS:
        assert finding.state is State.OK, finding.summary
        assert faults(finding) == set()


def test_markup_is_too_long_for_the_model(ask, live):
    assert "truncated" in faults(ask(drifted(live, "markup", 0, 0).texts))


def test_quiet_traffic_has_no_fault(ask, live):
    finding = ask(live.texts)
    assert finding.state is State.OK
    assert finding.summary == "No data fault in 300 predictions."


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_part_of_foreign_texts_is_a_fault_and_most_of_them_are_gross(share, ask, live):
    foreign = drifted(live, "language", 0, 0).texts
    mixed = [
        other if at < share * 300 else text for at, (text, other) in enumerate(zip(live.texts, foreign, strict=True))
    ]
    finding = ask(mixed)
    assert "language" in faults(finding)
    assert finding.gross == (share > 0.5)
    assert "read like another language, baseline 0" in finding.summary


def test_another_script_is_another_language_and_full_of_unknown_tokens(ask, live):
    finding = ask([f"これは経済の話です {at} 株式市場" for at in range(300)])
    assert {"language", "unknown"} <= faults(finding)


def test_empty_texts(ask, live):
    finding = ask(["" if at % 4 == 0 else text for at, text in enumerate(live.texts)])
    assert "empty" in faults(finding)
    assert "25 % of the texts are empty" in finding.summary
    blank = ask([" \n\t " if at % 4 == 0 else text for at, text in enumerate(live.texts)])
    assert faults(blank), "white space alone is no text either"


def test_one_message_again_and_again(ask, live):
    finding = ask([live.texts[0] if at % 3 == 0 else text for at, text in enumerate(live.texts)])
    assert {"copies", "flood"} <= faults(finding)
    assert finding.gross
