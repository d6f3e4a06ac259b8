"""One false-alarm budget, spread over all checks and streams at the owner's schedule.

Knows how often checks are asked and how many there are, nothing of what they look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitors.protocols import Check, Stream

YEAR = 365.25 * 86_400
SPENT = 0.355
"""Part of a budget that is spent. A budget is what an unlucky month may bring, not the average one: with 12 notices
a year, an expected 0.355 a month leaves at most one in 95 of 100 months (Poisson)."""
MOST = 0.05
"""No check and no stream gets more: proof that is wrong one time in twenty is none, however large the budget."""
LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Budget:
    """The false-alarm probability that each check gets a round, and each stream for good."""

    interval_seconds: float
    """Time between two rounds."""
    false_pages_per_year: float
    false_notices_per_year: float
    checks: Sequence[Check]
    streams: Sequence[Stream] = ()

    @property
    def rounds_per_year(self) -> float:
        return YEAR / self.interval_seconds

    @property
    def check_alpha(self) -> float:
        """Probability that one check of the window alarms in one quiet round.

        Notices a year, less what streams over predictions may take, over rounds, over the checks that can alarm by
        chance (Bonferroni). Nothing is given back for windows that overlap: of a large one a part is looked at, another
        in each round, and then the alarms of a run need not repeat each other.
        """
        many = sum(getattr(check, "budgeted", True) for check in self.checks)
        left = SPENT * self.false_notices_per_year - self._count("predictions") * self.notice_stream_alpha
        return _held(left / self.rounds_per_year / max(many, 1))

    @property
    def stream_alpha(self) -> float:
        """Probability that one stream over labels ever alarms while nothing is wrong, from its start to its restart.

        Streams over labels page, so the pages pay for them; the probability is for a stream's whole life,
        not for a year: the promise is the stronger one.
        """
        return _held(SPENT * self.false_pages_per_year / max(self._count("labels"), 1))

    @property
    def notice_stream_alpha(self) -> float:
        """The same for a stream over predictions, which proves no harm and so is paid from the notices: as much as a
        check that is asked once a round may take of a year, and no more."""
        many = sum(getattr(check, "budgeted", True) for check in self.checks) + self._count("predictions")
        return _held(SPENT * self.false_notices_per_year / max(many, 1))

    @property
    def alphas(self) -> Mapping[str, float]:
        """By name of check and stream. Checks that cannot alarm by chance get the share of one that can."""
        of_streams = {"labels": self.stream_alpha, "predictions": self.notice_stream_alpha}
        return {one.name: self.check_alpha for one in self.checks} | {
            one.name: of_streams[one.reads] for one in self.streams
        }

    def _count(self, reads: str) -> int:
        return sum(stream.reads == reads for stream in self.streams)


def _held(alpha: float) -> float:
    return min(max(alpha, LEAST), MOST)
