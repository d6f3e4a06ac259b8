"""What fine-tuning begins with: pretrained weights and their tokenizer, or `tiny`, a small BERT made from scratch.

Knows nothing of rows or of fitting.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from model.artifact import model_directory, most_tokens, read_config, tokenizer_files, weight_files
from model.errors import InputError
from model.loading import loading

TINY = "tiny"
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_VOCABULARY = 4000


def base_directory(base_model: str) -> Path:
    """The directory of pretrained weights that a path or a hub name stands for."""
    path = model_directory(base_model)
    read_config(path)
    weight_files(path)
    tokenizer_files(path)
    return path


def begin(base: Path | None, texts: Sequence[str], classes: Sequence[str], max_length: int) -> tuple[Any, Any]:
    """Tokenizer and network before the first step; `base` None is `tiny`.

    Random weights come from torch's own generator. Raises InputError for a directory that cannot be fine-tuned.
    """
    from transformers import (  # takes seconds, which commands that do not train need not pay
        AutoModelForSequenceClassification,
        AutoTokenizer,
        BertForSequenceClassification,
    )

    names = dict(enumerate(classes))
    numbers = {name: number for number, name in names.items()}
    if base is None:
        tokenizer = _tiny_tokenizer(texts, max_length)
        config = _tiny_config(len(tokenizer), max_length)
        config.id2label, config.label2id = names, numbers
        return tokenizer, BertForSequenceClassification(config)
    try:
        with loading():
            tokenizer = AutoTokenizer.from_pretrained(str(base), local_files_only=True, trust_remote_code=False)
            network = AutoModelForSequenceClassification.from_pretrained(
                str(base),
                num_labels=len(names),
                id2label=names,
                label2id=numbers,
                dtype="float32",
                ignore_mismatched_sizes=True,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{base} cannot be fine-tuned ({type(error).__name__}): it is not a model with its tokenizer."
        ) from error
    network.config.problem_type = None
    tokenizer.model_max_length = min(max_length, most_tokens(base, read_config(base)))
    return tokenizer, network


def _tiny_tokenizer(texts: Sequence[str], max_length: int) -> Any:
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


def _tiny_config(vocabulary: int, max_length: int) -> Any:
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
