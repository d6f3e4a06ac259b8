"""What came of a release's questions, for a terminal and as JSON. Knows nothing of how it was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from monitors.baseline import Baseline
from service.release import Answers

if TYPE_CHECKING:
    from model.evaluation.paired import Change, Comparison

_ROWS_SHOWN = 10
_SHOWN = ("accuracy", "balanced_accuracy", "macro_f1", "macro_roc_auc", "roc_auc", "log_loss", "ece")


def release_lines(baseline: Baseline, answers: Answers) -> Iterator[str]:
    """Cut-off, behavior tests, comparison and gates as a person reads them; nothing of what was not asked."""
    cut = baseline.cut_off
    if cut is not None:
        yield f"cut-off: {baseline.model.labels[cut.positive]} from a score of {cut.value:g} on ({cut.chosen_by})"
    if baseline.behavior is not None:
        tests, failed = baseline.behavior.tests, baseline.behavior.failed
        yield f"behavior tests ({baseline.behavior.pack}): {len(tests) - len(failed)} of {len(tests)} pass"
        for test in tests:
            if not test.passed:
                wrong = f"{len(test.failed)} of {test.failures.count} cases"
                yield f"  failed: {test.name}, {wrong} ({test.failures.value:.1%}, {test.at_most:.0%} may fail)"
    if answers.comparison is not None:
        yield from comparison_lines(answers.comparison)
    for gate in answers.gates:
        yield f"gate {gate.gate}: {'passed' if gate.passed else 'FAILED'}, {gate.reason}"


def comparison_lines(found: Comparison) -> Iterator[str]:
    """What changed since the older baseline, as a person reads it."""
    how = f"on the {found.rows} rows that both have" if found.paired else "not on the same rows"
    yield f"compared with baseline {found.old_id} ({found.old_model.name or found.old_model.version}), {how}:"
    by_class = [c for c in found.changes if c.name.startswith("recall[")]
    for change in (*(c for c in found.changes if c.name in _SHOWN), *by_class, *(b.change for b in found.behavior)):
        if change.name in _SHOWN or change.clear:
            mark = "  worse" if change.worse else "  better" if change.clear else ""
            yield f"  {change.name:<26} {change.difference:+.4f}  ({change.low:+.4f} to {change.high:+.4f}){mark}"
    if found.p_value is not None:
        yield f"  McNemar's exact test of the accuracy: p = {found.p_value:.3g}"
    for flips, words in ((found.regressed, "now wrong"), (found.mended, "now right")):
        if found.paired:
            rows = ", ".join(str(flip.row) for flip in flips[:_ROWS_SHOWN])
            more = f" and {len(flips) - _ROWS_SHOWN} more" if len(flips) > _ROWS_SHOWN else ""
            yield f"  {len(flips)} rows {words}{f': {rows}{more}' if flips else ''}"


def release_facts(baseline: Baseline, answers: Answers) -> dict[str, Any]:
    """The same for a machine; nothing is rounded or left out."""
    cut, behavior = baseline.cut_off, baseline.behavior
    return {
        "cut_off": None if cut is None else asdict(cut) | {"positive": baseline.model.labels[cut.positive]},
        "behavior": None if behavior is None else {
            "pack": behavior.pack,
            "passed": not behavior.failed,
            "tests": {
                test.name: {"passed": test.passed, "at_most": test.at_most, "failed": list(test.failed),
                            "cases": test.failures.count, "value": test.failures.value,
                            "low": test.failures.low, "high": test.failures.high}
                for test in behavior.tests
            },
        },
        "gates": [
            {"gate": str(result.gate), "figure": result.gate.figure, "passed": result.passed, "value": result.value,
             "reason": result.reason}
            for result in answers.gates
        ],
        "comparison": None if answers.comparison is None else comparison_facts(answers.comparison),
    }  # fmt: skip


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """The same for a machine."""

    def change(each: Change) -> dict[str, Any]:
        return {"old": each.old.value, "new": each.new.value, "difference": each.difference, "low": each.low,
                "high": each.high, "clear": each.clear, "worse": each.worse}  # fmt: skip

    return {
        "baseline": found.old_id,
        "model_version": found.old_model.version,
        "paired_rows": found.rows,
        "mcnemar_p": found.p_value,
        "metrics": {each.name: change(each) for each in found.changes},
        "behavior": {
            each.name: change(each.change) | {"newly_failed": each.newly_failed and list(each.newly_failed)}
            for each in found.behavior
        },
        "worse": [each.name for each in found.worse],
        "flips": {
            "now_wrong": [asdict(flip) for flip in found.regressed],
            "now_right": [asdict(flip) for flip in found.mended],
        },
    }
