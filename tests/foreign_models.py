"""Directories as strangers save them: BERT, DistilBERT and RoBERTa with random weights and our own vocabularies."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertTokenizer,
    BertTokenizerLegacy,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaTokenizer,
)

MAX_LENGTH = 24
WORDS = {
    "Sports": ["match", "goal", "striker", "league", "keeper", "coach", "penalty", "derby", "stadium", "whistle"],
    "Weather": ["storm", "rain", "sunshine", "frost", "wind", "forecast", "thunder", "drizzle", "hail", "cloud"],
}
FILLERS = ["the", "a", "on", "of", "today", "in", "and", "late", "over", "town"]


def make_rows(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of 4 to 16 words about sports or the weather, and their labels."""
    draw = random.Random(seed)
    labels = [tuple(WORDS)[row % 2] for row in range(count)]
    texts = [
        " ".join(draw.choice(WORDS[label] + FILLERS) for _ in range(draw.randint(4, 16))) + f" {label[0]}{row}."
        for row, label in enumerate(labels)
    ]
    return texts, labels


def make_foreign_model(kind: str, path: Path) -> Path:
    """One of `FOREIGN`, written to `path`; the same weights each time."""
    torch.manual_seed(int(hashlib.sha256(kind.encode()).hexdigest()[:8], 16))
    FOREIGN[kind](path)
    return path


def _vocabulary() -> dict[str, int]:
    words = sorted({word for words in WORDS.values() for word in words} | set(FILLERS))
    letters = "abcdefghijklmnopqrstuvwxyz0123456789."
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters, *(f"##{letter}" for letter in letters)]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def _bert_network(path: Path, classes: int = 3) -> None:
    # A wide initialisation, or random weights would give every text the same scores.
    config = BertConfig(
        vocab_size=len(_vocabulary()), hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=40, num_labels=classes, initializer_range=0.4,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(path)


def _bert_fast(path: Path) -> None:
    _bert_network(path)
    BertTokenizer(vocab=_vocabulary(), model_max_length=MAX_LENGTH).save_pretrained(path)


def _bert_vocabulary_only(path: Path) -> None:
    _bert_network(path, classes=2)
    (path / "vocab.txt").write_text("\n".join(_vocabulary()) + "\n", encoding="utf-8")


def _bert_slow(path: Path) -> None:
    _bert_network(path)
    (path / "vocab.txt").write_text("\n".join(_vocabulary()) + "\n", encoding="utf-8")
    BertTokenizerLegacy(str(path / "vocab.txt"), model_max_length=MAX_LENGTH).save_pretrained(path)


def _distilbert(path: Path) -> None:
    config = DistilBertConfig(
        vocab_size=len(_vocabulary()), dim=48, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=40,
        num_labels=4, initializer_range=0.4,
    )  # fmt: skip
    DistilBertForSequenceClassification(config).save_pretrained(path)
    BertTokenizer(
        vocab=_vocabulary(), model_max_length=MAX_LENGTH, model_input_names=["input_ids", "attention_mask"]
    ).save_pretrained(path)


def _roberta(path: Path) -> None:
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    learner.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner.train_from_iterator(
        make_rows(60, seed=3)[0],
        trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    learner.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    config = RobertaConfig(
        vocab_size=learner.get_vocab_size(), hidden_size=48, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=42, type_vocab_size=1, num_labels=4, initializer_range=0.4,
    )  # fmt: skip
    RobertaForSequenceClassification(config).save_pretrained(path)
    learner.save(str(path / "tokenizer.json"))
    RobertaTokenizer.from_pretrained(path, model_max_length=MAX_LENGTH).save_pretrained(path)


FOREIGN: dict[str, Callable[[Path], None]] = {
    "bert-fast": _bert_fast,
    "bert-vocabulary-only": _bert_vocabulary_only,
    "bert-slow": _bert_slow,
    "distilbert": _distilbert,
    "roberta": _roberta,
}
