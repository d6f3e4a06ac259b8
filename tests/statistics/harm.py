"""How many labels it takes to prove harm, beside an oracle: `python -m tests.statistics.harm [--quick] [--json FILE]`.

Streams of right and wrong answers, the baseline drawn anew for each. Prints the Markdown table of delays and the one of
false alarms. About four minutes on one core; `--quick` takes one.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from monitors.statistics.betting import HELP, Wealth, advance, place_bets, start

ALPHA = 0.05
QUIET = 1000


@dataclass(frozen=True)
class Case:
    """A baseline of `rows` at `error`, and what is asked of it."""

    rows: int = 800
    error: float = 0.1
    margin: float = 0.02


@dataclass(frozen=True)
class Streams:
    """n streams: how many errors each baseline made, and answers in order."""

    errors: np.ndarray
    wrong: np.ndarray
    """(n, labels)."""
    surplus: np.ndarray | None = None
    """(n, labels)."""

    def take(self, rows: np.ndarray) -> Streams:
        return Streams(self.errors[rows], self.wrong[rows], None if self.surplus is None else self.surplus[rows])


def draw_streams(rng: np.random.Generator, case: Case, count: int, rates: np.ndarray) -> Streams:
    return Streams(rng.binomial(case.rows, case.error, count), rng.random((count, len(rates))) < rates)


def first_alarms(case: Case, streams: Streams, alpha: float = ALPHA) -> np.ndarray:
    """(n,): the label at which the betting test alarms; infinite where it never does."""
    first = np.full(len(streams.errors), np.inf)
    alive = np.arange(len(first))
    wager = place_bets(streams.errors, case.rows, case.margin)
    wealth = start(wager)
    for label in range(streams.wrong.shape[1]):
        surplus = None if streams.surplus is None else streams.surplus[alive, label : label + 1]
        wealth = advance(wager, wealth, streams.wrong[alive, label : label + 1], surplus)
        seen = wealth.peak > 1 / alpha
        if seen.any():
            first[alive[seen]] = label + 1
            alive = alive[~seen]
            if not len(alive):
                break
            wager = place_bets(streams.errors[alive], case.rows, case.margin)
            money, errors, peak = (column[~seen] for column in (wealth.money, wealth.errors, wealth.peak))
            wealth = Wealth(wealth.labels, errors, money, peak)
    return first


def oracle_alarms(case: Case, streams: Streams, after: float, alpha: float = ALPHA) -> np.ndarray:
    """(n,): the same for an oracle with the same margin, baseline and level, which begins with the change.

    It knows the true error rates before and `after`, and so has nothing to mix over. For each rate that the baseline
    may have, it multiplies the baseline's likelihood ratio by that of the labels, true rate against allowed rate, and
    alarms when the smallest product exceeds 1 / `alpha`. With a known baseline this is Wald's test: ln(1 / α) over the
    divergence, 245 labels from 90 to 85 % without a margin and 750 with two points of it.
    """
    if after <= case.error + case.margin:
        return np.full(len(streams.errors), np.inf)
    rates = np.linspace(max(case.error - 0.03, 1e-4), min(after, 1 - case.margin) - 1e-4, 150)
    errors = streams.errors[:, None]
    money = stats.binom.logpmf(errors, case.rows, case.error) - stats.binom.logpmf(errors, case.rows, rates)
    error, right = np.log(after / (rates + case.margin)), np.log((1 - after) / (1 - rates - case.margin))
    first = np.full(len(money), np.inf)
    for label in range(streams.wrong.shape[1]):
        money += np.where(streams.wrong[:, label, None], error, right)
        seen = (money.min(axis=1) > np.log(1 / alpha)) & np.isinf(first)
        first[seen] = label + 1
        if np.isfinite(first).all():
            break
    return first


def delays(case: Case, loss: float, count: int, most: int, *, quiet: int = 0, seed: int = 0) -> dict[str, float]:
    """Median labels from the change to the alarm, ours and the oracle's, on the same streams.

    Streams that alarm before the change are left out: they are counted as false alarms elsewhere.
    """
    rng = np.random.default_rng([seed, round(1000 * loss)])
    harmful = draw_streams(rng, case, count, np.full(most, case.error + loss))
    oracle = float(np.median(oracle_alarms(case, harmful, case.error + loss)))
    before = rng.random((count, quiet)) < case.error
    ours = first_alarms(case, Streams(harmful.errors, np.concatenate([before, harmful.wrong], axis=1))) - quiet
    ours = float(np.median(ours[ours > 0]))
    return {"loss": loss, "quiet": quiet, "ours": ours, "oracle": oracle, "ratio": ours / oracle}


def false_alarms(case: Case, loss: float, count: int, labels: int, *, seed: int = 0) -> float:
    """Share of streams with an alarm within `labels`, at a loss that is none or one that the margin accepts."""
    rng = np.random.default_rng([seed, case.rows, round(1000 * loss)])
    streams = draw_streams(rng, case, count, np.full(labels, case.error + loss))
    return float(np.isfinite(first_alarms(case, streams)).mean())


def helped_delays(loss: float, share: float, count: int, most: int, *, seed: int = 0) -> dict[str, float]:
    """Median labels with and without guesses that know `share` of the variance of errors, fresh, 800 rows, margin 2.

    Rows are of two kinds, easy and hard, and guesses know which; a loss makes errors of right answers evenly.
    """
    rng = np.random.default_rng([seed, 7, round(1000 * loss)])
    case = Case()
    easy = case.error - np.sqrt(share * case.error * (1 - case.error) / 4)
    hard = case.error + 4 * (case.error - easy)
    guess = np.where(rng.random((count, most)) < 0.2, hard, easy)
    more = loss / (1 - case.error)
    wrong = rng.random(guess.shape) < guess + more * (1 - guess)
    errors = rng.binomial(case.rows, case.error, count)
    held = np.minimum(guess, HELP)
    middle = 0.2 * min(hard, HELP) + 0.8 * easy
    plain = float(np.median(first_alarms(case, Streams(errors, wrong))))
    helped = float(np.median(first_alarms(case, Streams(errors, wrong, held - middle))))
    return {"loss": loss, "share": share, "plain": plain, "helped": helped, "saved": 1 - helped / plain}


def _table(found: dict[str, list[dict[str, float]]]) -> list[str]:
    lines = ["| loss | quiet labels before | labels to alarm, median | oracle | ratio |", "|---|---|---|---|---|"]
    for row in found["delays"]:
        ratio = f"{row['ratio']:.2f}" if np.isfinite(row["ratio"]) else "–"
        lines.append(
            f"| −{100 * row['loss']:.0f} | {row['quiet']} | {row['ours']:.0f} | {row['oracle']:.0f} | {ratio} |"
        )
    lines += ["", "| margin | loss | streams that alarm within 10,000 labels |", "|---|---|---|"]
    for row in found["false_alarms"]:
        lines.append(f"| {100 * row['margin']:.0f} | {100 * row['loss']:.0f} | {100 * row['share']:.1f} % |")
    lines += ["", "| loss | variance that guesses know | labels without | with | saved |", "|---|---|---|---|---|"]
    for row in found["helped"]:
        figures = f"{row['plain']:.0f} | {row['helped']:.0f} | {100 * row['saved']:.0f} %"
        lines.append(f"| −{100 * row['loss']:.0f} | {100 * row['share']:.0f} % | {figures} |")
    return lines


MOST = {0.03: 20_000, 0.05: 12_000, 0.1: 3000, 0.5: 200}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the streams")
    parser.add_argument("--json", type=Path, default=None, help="write the figures here too")
    given = parser.parse_args()
    part = 5 if given.quick else 1
    case, found = Case(), {"delays": [], "false_alarms": [], "helped": []}
    for loss, most in MOST.items():
        for quiet in (0, QUIET):
            sys.stderr.write(f"−{100 * loss:.0f} points after {quiet} quiet labels\n")
            found["delays"].append(delays(case, loss, (200 if most > 5000 else 600) // part, most, quiet=quiet))
    for margin, loss in ((0.02, 0.0), (0.0, 0.0), (0.02, 0.01), (0.02, 0.02)):
        sys.stderr.write(f"false alarms at −{100 * loss:.0f} points with a margin of {100 * margin:.0f}\n")
        share = false_alarms(Case(margin=margin), loss, 1000 // part, 10_000)
        found["false_alarms"].append({"margin": margin, "loss": loss, "streams": 1000 // part, "share": share})
    for loss, share in ((0.1, 0.15), (0.1, 0.3), (0.05, 0.3)):
        sys.stderr.write(f"with guesses that know {100 * share:.0f} %\n")
        found["helped"].append(helped_delays(loss, share, 600 // part, MOST[loss]))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write("\n".join(_table(found)) + "\n")


if __name__ == "__main__":
    main()
