"""Has the traffic stopped? No prediction is not no drift. Knows when the newest prediction was made."""

from __future__ import annotations

from monitors.baseline import Baseline
from monitors.protocols import Evidence
from monitors.verdict import Aspect, Finding, State

MICROSECONDS = 1e6


class Silence:
    name = "silence"
    title = "Silence"
    aspect = Aspect.DATA
    budgeted = False
    """Takes no share of the false-alarm budget: the owner says how long a silence is a fault, and no chance is in
    it."""

    def run(self, baseline: Baseline, evidence: Evidence, alpha: float) -> Finding:
        """ALARM where the newest prediction is older than `evidence.silence` seconds; 0 never alarms.

        The score is seconds since the newest prediction. A version without any prediction has not fallen silent.
        """
        window = evidence.window
        last = evidence.last if evidence.last is not None else int(window.time.max()) if len(window) else None
        if last is None:
            return Finding(self.name, self.aspect, State.INSUFFICIENT, "No prediction has been made yet.")
        quiet = max(evidence.now - last, 0) / MICROSECONDS
        allowed = evidence.silence
        if allowed <= 0:
            summary = f"The newest prediction is {_span(quiet)} old; no silence is set as a fault."
            return Finding(self.name, self.aspect, State.OK, summary, count=len(window))
        silent = quiet > allowed
        return Finding(
            check=self.name,
            aspect=self.aspect,
            state=State.ALARM if silent else State.OK,
            summary=(
                f"No prediction for {_span(quiet)}; {_span(allowed)} are allowed."
                if silent
                else f"The newest prediction is {_span(quiet)} old; {_span(allowed)} are allowed."
            ),
            score=quiet,
            threshold=allowed,
            count=len(window),
        )


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


CHECK = Silence()
