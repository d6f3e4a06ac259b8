"""The base model `tiny`: a small BERT made from scratch, for the start without a hub.

A WordPiece vocabulary of the training texts and random weights. Knows nothing of labels or of fitting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

NAME = "tiny"
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_VOCABULARY = 4000


def tiny_tokenizer(texts: Sequence[str], max_length: int) -> Any:
    """A lower-casing BertTokenizer whose WordPiece vocabulary is learnt from the texts."""
    from transformers import BertTokenizer  # takes seconds, and only training needs it

    learner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    learner.normalizer = normalizers.BertNormalizer(lowercase=True)
    learner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    learner.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(
            vocab_size=_VOCABULARY,
            min_frequency=2,
            # The trainer numbers "##x" pieces in the order of a hash map, and breaks ties by these numbers
            # (tokenizers issue 1794); pieces that come with the special tokens are numbered already.
            special_tokens=_SPECIAL + [f"##{character}" for character in _alphabet(learner.normalizer, texts)],
            show_progress=False,
        ),
    )
    return BertTokenizer(vocab=learner.get_vocab(), do_lower_case=True, model_max_length=max_length)


def _alphabet(normalizer: normalizers.Normalizer, texts: Sequence[str]) -> list[str]:
    return sorted({character for text in texts for character in normalizer.normalize_str(text) if character != " "})


def tiny_config(vocabulary: int, max_length: int) -> Any:
    """A BertConfig of about one million weights."""
    from transformers import BertConfig  # takes seconds, and only training needs it

    return BertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=max_length,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=256,
        pad_token_id=0,
    )
