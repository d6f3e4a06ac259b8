"""Do the labels prove that accuracy has fallen? A betting test over labels in the order in which they arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from monitors.baseline import Baseline
from monitors.checks._drift import judge_p
from monitors.checks._words import percent
from monitors.statistics.betting import Wager, Wealth, advance, place_bets, start
from monitors.verdict import Aspect, Finding, State
from monitors.window import Window


class Harm:
    name = "harm"
    title = "Harm proven by labels"
    aspect = Aspect.HARM
    reads: Literal["predictions", "labels"] = "labels"

    def advance(
        self, baseline: Baseline, state: Mapping[str, Any] | None, new: Window, *, margin: float, alpha: float
    ) -> tuple[Mapping[str, Any], Finding]:
        """Bet on every label that the error rate exceeds the baseline's true one + `margin`; see `betting.advance`.

        A state of another baseline or margin starts anew. The alarm stays until the stream is started anew.
        """
        known = baseline.reference.known
        count = int(known.sum())
        if count == 0:
            why = "The baseline holds no labels to compare with."
            return {}, Finding(self.name, self.aspect, State.INSUFFICIENT, why)
        errors = count - int(baseline.reference.correct[known].sum())
        wager = place_bets(errors, count, margin)
        key = f"{baseline.id}/{margin!r}"
        wealth = _remember(state, wager) if state is not None and state.get("key") == key else start(wager)
        wealth = advance(wager, wealth, ~new.correct[new.known])
        return _keep(wealth, key), self._finding(wealth, baseline, margin, alpha)

    def _finding(self, wealth: Wealth, baseline: Baseline, margin: float, alpha: float) -> Finding:
        if wealth.labels == 0:
            return Finding(self.name, self.aspect, State.INSUFFICIENT, "No label has arrived yet.")
        p_value = min(1.0, 1.0 / max(float(wealth.peak), 1e-300))
        state, score, threshold = judge_p(p_value, alpha)
        then = percent(baseline.accuracy.value)
        accuracy = percent(1 - int(wealth.errors) / wealth.labels)
        proven = (
            f"Labels prove that accuracy has fallen by more than the margin of {100 * margin:.3g} points: "
            f"{accuracy} of {wealth.labels} labels since the test began were right, baseline {then}."
        )
        quiet = f"{wealth.labels} labels give no proof that accuracy has fallen ({accuracy} right, baseline {then})."
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=state,
            summary=proven if state is State.ALARM else quiet,
            score=score,
            threshold=threshold,
            p_value=p_value,
            count=wealth.labels,
            details={"labels": wealth.labels, "errors": int(wealth.errors)},
        )


def _keep(wealth: Wealth, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "labels": wealth.labels,
        "errors": int(wealth.errors),
        "money": wealth.money.tolist(),
        "peak": float(wealth.peak),
    }


def _remember(state: Mapping[str, Any], wager: Wager) -> Wealth:
    """A state that an earlier release kept begins anew."""
    money = np.asarray(state.get("money", ()), np.float64)
    if money.shape != wager.stakes.shape:
        return start(wager)
    return Wealth(
        labels=int(state["labels"]),
        errors=np.asarray(int(state["errors"])),
        money=money,
        peak=np.asarray(float(state["peak"])),
    )


STREAM = Harm()
