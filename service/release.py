"""What a release asks of an evaluation beyond its figures: a cut-off, behavior tests, gates, another baseline.

Knows nothing of how rows were classified, or of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model.behavior import Pack
from model.behavior_file import choose_pack
from model.errors import InputError
from model.evaluation.cutoff import Costs, CutOffWish
from model.gates import Gate, GateResult, figure_names, judge_gates, read_gate, refuse_unknown
from model.remote import local_directory
from monitors.baseline import Baseline, compare, load_baseline

if TYPE_CHECKING:
    from model.evaluation.paired import Comparison


@dataclass(frozen=True, slots=True)
class Words:
    """The questions as a command line has them."""

    cut_off: str | None = None
    positive_class: str | None = None
    cost_false_positive: float = 1.0
    cost_false_negative: float = 1.0
    behavior: str | None = None
    require: tuple[str, ...] = ()
    compare: str | None = None
    """A directory or its URL."""
    allow_missing_classes: bool = False

    def questions(self, labels: Sequence[str]) -> Questions:
        """What is asked of a model with these classes. Raises InputError for what cannot be asked."""
        costs = Costs(self.cost_false_positive, self.cost_false_negative)
        asked = Questions(
            cut_off=CutOffWish.read(self.cut_off, self.positive_class, costs),
            behavior=choose_pack(self.behavior, labels),
            gates=tuple(read_gate(text) for text in self.require),
            other=None if self.compare is None else _baseline_at(self.compare),
            allow_missing_classes=self.allow_missing_classes,
        )
        asked.refuse(labels)
        return asked


def _baseline_at(place: str) -> Baseline:
    with local_directory(place) as directory:
        return load_baseline(directory)


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """What is asked before anything is known."""

    cut_off: CutOffWish = field(default_factory=CutOffWish)
    behavior: Pack | None = None
    gates: tuple[Gate, ...] = ()
    other: Baseline | None = None
    """To compare with."""
    allow_missing_classes: bool = False

    def refuse(self, labels: Sequence[str]) -> None:
        """Raise InputError for what cannot be asked of a model with these classes."""
        self.cut_off.positive_class(labels)
        tests = () if self.behavior is None else tuple(test.name for test in self.behavior.tests)
        refuse_unknown(self.gates, figure_names(labels, tests))
        if self.other is not None and set(self.other.model.labels) != set(labels):
            raise InputError(
                f"The baseline to compare with has the classes {', '.join(self.other.model.labels)}, "
                f"and this model has {', '.join(labels)}; they cannot be compared."
            )

    def answered(self, baseline: Baseline) -> Answers:
        """The gates and the comparison, for a baseline that is made."""
        figures = dict(baseline.metrics) | (baseline.behavior.figures if baseline.behavior else {})
        failed = baseline.behavior.failed if baseline.behavior else ()
        return Answers(
            gates=judge_gates(self.gates, figures, baseline.undefined, failed),
            comparison=None if self.other is None else compare(self.other, baseline),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What came of it."""

    gates: tuple[GateResult, ...] = ()
    comparison: Comparison | None = None
