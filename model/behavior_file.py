"""Behavior tests from a YAML file, with one sentence for whatever is wrong with it. Knows nothing of models.

Messages name places such as `tests[2].cases[4]` and never a text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from model.behavior import BehaviorTest, Case, Pack
from model.errors import InputError
from model.evaluation.behavior import KINDS
from model.perturbations import CHANGES
from model.sample_news import LABELS

NEWS = "news"
NONE = "none"
_MOST_BYTES = 4_000_000
_MOST_TEXTS = 10_000
"""Of one test: aliases of YAML may multiply a small file without end."""
_SLOT = re.compile(r"\{([a-z_]+)\}")
_PACK_KEYS = {"name", "labels", "lexicon", "shared", "tests"}
_TEST_KEYS = {
    "name",
    "kind",
    "about",
    "at_most",
    "label",
    "texts",
    "cases",
    "change",
    "direction",
    "tolerance",
    "times",
}


def choose_pack(wish: str | None, labels: Sequence[str]) -> Pack | None:
    """The pack for a model with these classes: a file, `news`, or none for `none`.

    Where nothing is wished for, it is the news pack if the classes are the four of the news. Raises InputError.
    """
    if wish == NONE or (wish is None and set(labels) != set(LABELS)):
        return None
    path = Path(__file__).parent / "behavior_news.yaml" if wish in (None, NEWS) else Path(str(wish))
    return read_pack(path, labels)


def read_pack(path: Path, labels: Sequence[str]) -> Pack:
    """A pack whose classes are among `labels`. Raises InputError."""
    import yaml

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"The behavior file {path} is larger than 4 MB; split it.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise InputError(f"The behavior file {path} is nested too deeply.") from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"There is no behavior file {path}; give a YAML file, news or none.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"Cannot read the behavior file {path}: {reason}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"The behavior file {path} is not YAML{where}.") from None
    try:
        return _Reader(labels).pack(content, path.stem)
    except RecursionError:
        raise InputError(f"The behavior file {path} is nested too deeply.") from None
    except InputError as error:
        raise InputError(f"The behavior file {path}: {error}") from None


class _Reader:
    """Reads one file's content; every method raises InputError with the place."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._lexicon: dict[str, list[str]] = {}

    def pack(self, content: Any, name: str) -> Pack:
        top = _mapping(content, "the file", _PACK_KEYS)
        for label in _strings(top.get("labels", []), "labels"):
            self._known(label, "labels")
        lexicon = _mapping(top.get("lexicon", {}), "lexicon", None)
        for slot, words in lexicon.items():
            where = f"lexicon.{slot}"
            if not _SLOT.fullmatch(f"{{{slot}}}"):
                raise InputError(f"{where} must be called by small letters and underscores.")
            self._lexicon[slot] = _strings(words, where)
            if len(set(self._lexicon[slot])) < 2:
                raise InputError(f"{where} needs two different words at least.")
        tests = top.get("tests")
        if not isinstance(tests, list) or not tests:
            raise InputError("tests must be a list of at least one test.")
        made = tuple(self._test(test, f"tests[{number}]") for number, test in enumerate(tests, start=1))
        names = [test.name for test in made]
        twice = next((i for i, one in enumerate(names) if one in names[:i]), None)
        if twice is not None:
            raise InputError(f"tests[{twice + 1}] has the name of an earlier test; names must differ.")
        return Pack(_string(top.get("name", name), "name"), made)

    def _test(self, content: Any, where: str) -> BehaviorTest:
        facts = _mapping(content, where, _TEST_KEYS)
        kind = facts.get("kind")
        if kind not in KINDS:
            raise InputError(f"{where}.kind must be one of {', '.join(KINDS)}.")
        direction = facts.get("direction", "up")
        if direction not in ("up", "down"):
            raise InputError(f"{where}.direction must be up or down.")
        name = _string(facts.get("name"), f"{where}.name")
        if re.search(r"[\[\]<>=\n]", name) or len(name) > 80:
            raise InputError(f"{where}.name must have no brackets, <, >, = or line breaks, and at most 80 characters.")
        cases = tuple(self._cases(facts, kind, where))
        if not cases:
            raise InputError(f"{where} has no case; give texts or cases.")
        return BehaviorTest(
            name=name,
            kind=kind,
            cases=cases,
            about=_string(facts.get("about", "-"), f"{where}.about").removeprefix("-"),
            at_most=_share(facts.get("at_most", 0.0), f"{where}.at_most"),
            direction=direction,
            tolerance=_share(facts.get("tolerance", 0.0), f"{where}.tolerance"),
        )

    def _cases(self, facts: Mapping[str, Any], kind: str, where: str) -> Iterator[Case]:
        label = facts.get("label")
        change = facts.get("change")
        if kind == "minimum" and change is not None:
            raise InputError(f"{where} has a change, but a test of kind minimum has none.")
        times = facts.get("times", 1)
        if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 100:
            raise InputError(f"{where}.times must be a whole number from 1 to 100.")
        texts = list(islice(_flat(facts.get("texts", []), f"{where}.texts"), _MOST_TEXTS + 1))
        if len(texts) * times > _MOST_TEXTS:
            raise InputError(f"{where} has more than {_MOST_TEXTS} texts; take fewer.")
        if texts and kind != "minimum" and change is None:
            raise InputError(f"{where} has texts, so it needs a change: what is done to them.")
        for number, text in enumerate(texts, start=1):
            place = f"{where}.texts[{number}]"
            for turn in range(times):
                draw = random.Random(f"{turn}/{text}")  # the same words in every test: a text is classified once
                yield from self._changed(text, change, self._label(label, kind, place), where=place, draw=draw)
        cases = facts.get("cases", [])
        if not isinstance(cases, list):
            raise InputError(f"{where}.cases must be a list.")
        for number, case in enumerate(cases, start=1):
            place = f"{where}.cases[{number}]"
            one = _mapping(case, place, {"text", "changed", "label"})
            changed = one.get("changed")
            if (changed is None) != (kind == "minimum"):
                raise InputError(f"{place} needs {'no' if kind == 'minimum' else 'a'} changed text.")
            draw = random.Random(_string(one.get("text"), f"{place}.text"))
            words = {slot: draw.choice(choices) for slot, choices in self._lexicon.items()}
            text = self._filled(_string(one.get("text"), f"{place}.text"), words, place)
            after = None if changed is None else self._filled(_string(changed, f"{place}.changed"), words, place)
            yield Case(text, after, self._label(one.get("label", label), kind, place))

    def _changed(self, text: str, change: Any, named: str | None, *, where: str, draw: random.Random) -> Iterator[Case]:
        """The case that a text and a change make; none where the change finds nothing to do in this text."""
        words = {slot: draw.choice(choices) for slot, choices in self._lexicon.items()}
        before = self._filled(text, words, where)
        if change is None:
            yield Case(before, None, named)
            return
        if isinstance(change, str) and change in CHANGES:
            after = CHANGES[change](before, draw)
        elif isinstance(change, dict) and set(change) == {"swap"}:
            others = dict(words)
            for slot in _one_or_more(change["swap"], f"{where}: what is swapped", "slot"):
                if slot not in self._lexicon:
                    raise InputError(f"{where}: the change swaps a slot that the lexicon does not have.")
                others[slot] = draw.choice([word for word in self._lexicon[slot] if word != words[slot]])
            after = self._filled(text, others, where)
        elif isinstance(change, dict) and set(change) == {"add"}:
            added = _one_or_more(change["add"], f"{where}: what is added", "sentence")
            after = f"{before} {self._filled(draw.choice(added), words, where)}"
        else:
            known = ", ".join(CHANGES)
            raise InputError(f"{where}: change must be one of {known}, or {{swap: SLOT}}, or {{add: SENTENCE}}.")
        if after != before:
            yield Case(before, after, named)

    def _filled(self, text: str, words: Mapping[str, str], where: str) -> str:
        missing = sorted({slot for slot in _SLOT.findall(text) if slot not in words})
        if missing:
            raise InputError(f"{where} has the slot {{{missing[0][:40]}}}, which the lexicon does not have.")
        filled = _SLOT.sub(lambda slot: words[slot[1]], text)
        return filled[:1].upper() + filled[1:] if text.startswith("{") else filled

    def _label(self, label: Any, kind: str, where: str) -> str | None:
        if kind == "invariance":
            return None
        if label is None:
            raise InputError(f"{where} needs a label.")
        return self._known(str(label), where)

    def _known(self, label: str, where: str) -> str:
        if label not in self._labels:
            raise InputError(f"{where} names a class that the model does not have; it has {', '.join(self._labels)}.")
        return label


def _mapping(content: Any, where: str, keys: set[str] | None) -> dict[str, Any]:
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(f"{where} must be a mapping of names to values.")
    unknown = sorted(set(content) - keys) if keys is not None else []
    if unknown:
        raise InputError(f"{where} has the unknown key {unknown[0][:40]!r}; known are {', '.join(sorted(keys or ()))}.")
    return content


def _string(content: Any, where: str) -> str:
    if not isinstance(content, str) or not content.strip():
        raise InputError(f"{where} must be a text that is not empty.")
    return content


def _strings(content: Any, where: str) -> list[str]:
    if not isinstance(content, list):
        raise InputError(f"{where} must be a list of texts.")
    return [_string(one, f"{where}[{number}]") for number, one in enumerate(content, start=1)]


def _one_or_more(content: Any, where: str, what: str) -> list[str]:
    found = [content] if isinstance(content, str) else content
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one for one in found):
        raise InputError(f"{where} must be a {what} or a list of at least one {what}.")
    return found


def _flat(content: Any, where: str) -> Iterator[str]:
    """Texts of a list whose entries may be lists: `[*world, *sports]` of YAML is a list of lists."""
    if not isinstance(content, list):
        raise InputError(f"{where} must be a list of texts.")
    for number, one in enumerate(content, start=1):
        if isinstance(one, list):
            yield from _flat(one, f"{where}[{number}]")
        else:
            yield _string(one, f"{where}[{number}]")


def _share(content: Any, where: str) -> float:
    if isinstance(content, bool) or not isinstance(content, int | float) or not 0 <= content <= 1:
        raise InputError(f"{where} must be a number from 0 to 1.")
    return float(content)
