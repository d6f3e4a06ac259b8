"""A foreign tokenizer is read by transformers once: afterwards the same ids come without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.artifact import open_artifact
from model.tokenization import Batch, open_tokenizer

FAST = ("bert-fast", "bert-vocabulary-only", "distilbert", "roberta")
TEXTS = ["storm over the town", "Goal! 3-1, the derby …", "", "a late whistle " * 20]
OPEN = """
import sys
from model.artifact import open_artifact
from model.tokenization import open_tokenizer
print(open_tokenizer(open_artifact(sys.argv[1])).batch(["storm over the town"]).input_ids.tolist())
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opened(path: Path) -> Batch:
    return open_tokenizer(open_artifact(str(path))).batch(TEXTS)


def kept(cache: Path) -> list[Path]:
    return sorted(cache.rglob("tokenizer-*.json"))


@pytest.mark.parametrize("kind", FAST)
def test_what_was_kept_gives_the_same_batches(foreign: Callable[[str], Path], cache: Path, kind: str) -> None:
    first = opened(foreign(kind))
    assert len(kept(cache)) == 1
    second = opened(foreign(kind))
    for name in ("input_ids", "attention_mask", "tokens", "unknown", "truncated"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


def test_a_second_start_loads_neither_torch_nor_transformers(foreign: Callable[[str], Path]) -> None:
    path = foreign("roberta")
    ids = open_tokenizer(open_artifact(str(path))).batch(["storm over the town"]).input_ids.tolist()
    done = subprocess.run(
        [sys.executable, "-c", OPEN, path], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [str(ids), "[]"]


def test_a_slow_tokenizer_is_not_kept(foreign: Callable[[str], Path], cache: Path) -> None:
    opened(foreign("bert-slow"))
    assert kept(cache) == []


@pytest.mark.parametrize("content", ["", "[]", '{"tokenizer": "{}"}'])
def test_what_is_damaged_is_made_anew(foreign: Callable[[str], Path], cache: Path, content: str) -> None:
    expected = opened(foreign("distilbert")).input_ids
    [file] = kept(cache)
    file.write_text(content)
    np.testing.assert_array_equal(opened(foreign("distilbert")).input_ids, expected)
    assert json.loads(file.read_text()).keys() == {"tokenizer", "pad", "unknown", "cut_left"}


def test_another_configuration_is_read_anew(foreign: Callable[[str], Path], cache: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(foreign("distilbert"), tmp_path / "copy")
    opened(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "note": "another"}))
    opened(copy)
    assert len(kept(cache)) == 2


def test_a_cache_that_cannot_be_written_to_is_no_error(foreign: Callable[[str], Path], cache: Path) -> None:
    cache.write_text("a file where a directory should be")
    assert opened(foreign("distilbert")).input_ids.shape[0] == len(TEXTS)
