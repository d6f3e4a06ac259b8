"""From the pieces to the figures: targets, tables, one JSON. Knows the shape of what `jobs` wrote, no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tests.bench.drift.figures import (
    HARMFUL,
    MISSED,
    OPEN,
    REACHED,
    Rate,
    Target,
    bounded,
    fires,
    joint_score,
    quiet_months,
    rate,
    shown,
    threshold_at,
    within,
)
from tests.bench.drift.jobs import Job
from tests.bench.drift.scenarios import COVERT, LABELS_ONLY, QUIET, half

SUSPICIOUS = {"harmful", "suspected_harm", "suspected_harm_severe"}
OURS = "bertwatch"
MONTH = 720
Scored = dict[tuple[str, int], list[float]]
"""Scores of windows by scenario and size."""


@dataclass(frozen=True, eq=False)
class Found:
    """Everything that is known of one world, for one half of the scenarios."""

    world: str
    half: str
    losses: dict[str, float]
    pieces: dict[str, list[tuple[Job, Any]]]

    def names(self, *, harmful: bool | None = None, labels_too: bool = False) -> list[str]:
        return [
            name
            for name, loss in self.losses.items()
            if half(name) == self.half
            and (labels_too or name not in LABELS_ONLY)
            and (harmful is None or (loss >= HARMFUL) == harmful)
        ]

    def of(self, what: str) -> Iterator[tuple[dict[str, Any], Any]]:
        for job, content in self.pieces.get(what, []):
            if job.world == self.world:
                yield job.arguments, content

    def verdicts(self, name: str) -> list[dict[str, Any]]:
        return [row for asked, rows in self.of("verdicts") if asked["scenario"] == name for row in rows]

    def ours(self, base: int) -> tuple[Scored, dict[tuple[str, int], list[bool]]]:
        """Scores and nominal alarms at 1 %, by scenario and size."""
        scores: Scored = {}
        nominal: dict[tuple[str, int], list[bool]] = {}
        for asked, rows in self.of("windows"):
            if asked["base"] == base:
                key = (asked["scenario"], asked["size"])
                scores.setdefault(key, []).extend(joint_score(row["p"]) for row in rows)
                nominal.setdefault(key, []).extend(fires(row["p"], 0.01) for row in rows)
        if base == 800:
            for name in self.losses:
                found = [row["p"] for row in self.verdicts(name)]
                scores.setdefault((name, 500), []).extend(joint_score(p) for p in found)
                nominal.setdefault((name, 500), []).extend(fires(p, 0.01) for p in found)
        return scores, nominal

    def peers(self) -> dict[str, Scored]:
        """By peer and method."""
        found: dict[str, Scored] = {}
        for asked, answer in self.of("peer"):
            for method, said in answer["methods"].items():
                into = found.setdefault(f"{asked['peer']}: {method}", {})
                for name, score in zip(answer["scenarios"], said["scores"], strict=True):
                    into.setdefault((name, asked["size"]), []).append(-np.inf if score is None else float(score))
        return found


@dataclass(frozen=True)
class Sheet:
    """One table, its targets, and its numbers for the JSON."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    targets: list[Target]
    note: str = ""

    def markdown(self) -> str:
        lines = [f"**{self.title}**", "", "| " + " | ".join(self.header) + " |", "|---" * len(self.header) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join([*lines, "", *([self.note, ""] if self.note else [])])


def all_sheets(found: Found) -> list[Sheet]:
    return [budget(found), quiet_rates(found), detection(found), label_free(found), judged(found), scenarios(found)]


def budget(found: Found) -> Sheet:
    """(a) At the shipped budget."""
    months = [content["episodes"] for _, content in found.of("month")]
    pages = rate(any(severity == "page" for *_, severity in told) for told in months)
    quiet = rate(sum(severity != "page" for *_, severity in told) <= 1 for told in months)
    mean = float(np.mean([len(told) for told in months])) if months else float("nan")
    harmful = found.names(harmful=True, labels_too=True)
    runs = {asked["scenario"]: rows for asked, rows in found.of("begun") if asked["scenario"] in harmful}
    hours = [row["hours"] for rows in runs.values() for row in rows]
    seen = {most: rate(hour is not None and hour <= most for hour in hours) for most in (1, 3, 24)}
    noticed = [500 * hour for hour in hours if hour is not None]
    delay = f"{np.median(noticed):.0f}" if noticed else "–"
    rows = [
        (OURS, f"{mean:.2f}", *(str(seen[most]) for most in (1, 3, 24)), delay),
    ]
    inputs = found.names(harmful=True)
    for peer, scores in found.peers().items():
        usual = scores.get((QUIET, 500), [])
        if not usual:
            continue
        alerts = MONTH * float(np.mean(np.array(usual) > 1.0))
        at = threshold_at(usual, 0.0)
        chances = [float(np.mean(np.array(scores.get((name, 500), [0.0])) > at)) for name in inputs]
        chances += [0.0] * (len(harmful) - len(inputs))  # nothing that reads no label sees a change of meaning
        parts = (shown(within(chances, most)) for most in (1, 3, 24))
        median = float(np.median(chances)) if chances else 0.0
        rows.append((peer, f"{alerts:.0f}", *parts, f"{500 / median:.0f}" if median else "never"))
    many = max((len(scores.get((QUIET, 500), [])) for scores in found.peers().values()), default=0)
    targets = [
        Target("quiet months with a page", "0", f"{pages.hits} of {pages.count}", _none(pages)),
        Target("quiet months with at most one notice", "≥ 95 %", str(quiet), quiet.at_least(0.95)),
        *_from_all_months(months),
    ]
    return Sheet(
        f"At the shipped budget, one round an hour on 500 predictions ({found.world})",
        ("", "alerts in a quiet month", "harmful seen within 1 h, %", "3 h, %", "24 h, %", "median delay, predictions"),
        rows,
        targets,
        f"{len(months)} simulated months, each with a fresh baseline of 800; harmful scenarios of the half "
        f"`{found.half}`, a fifth of the labels an hour late. A peer's alerts are those of its own default "
        f"threshold; what it sees is at the largest score of {many} quiet windows, which still gives it more false "
        "alarms than the budget has.",
    )


def _from_all_months(months: list[list[Any]]) -> list[Target]:
    if not months:
        return []
    value, low = quiet_months(sum(map(len, months)), len(months))
    found = f"{shown(value)} (from {shown(low)})"
    return [Target("the same, from the alerts of all months", "≥ 95 %", found, REACHED if low >= 0.95 else OPEN)]


def _none(happened: Rate) -> str:
    return MISSED if happened.hits else REACHED if happened.count else OPEN


def quiet_rates(found: Found) -> Sheet:
    """(b) How often quiet windows fire."""
    rows, targets = [], []
    for base in (800, 2400):
        _, nominal = found.ours(base)
        cells = []
        for size in (50, 200, 500, 1000):
            fired = rate(nominal.get((QUIET, size), []))
            cells.append(str(fired))
            if fired.count:
                what = f"quiet windows of {size} that fire, baseline {base}"
                targets.append(Target(what, "1 %", f"{fired} of {fired.count}", fired.about(0.01)))
        rows.append((f"{OURS} at a nominal 1 %, baseline {base}", *cells))
    for peer, scores in found.peers().items():
        cells = [str(rate(np.array(scores.get((QUIET, size), [])) > 1.0)) for size in (50, 200, 500, 1000)]
        rows.append((f"{peer}, as it comes, baseline 800", *cells))
    title = f"Quiet windows that fire, % with the exact interval of 95 % ({found.world})"
    return Sheet(title, ("", "50 rows", "200", "500", "1000"), rows, targets)


WANTED = {(50, True): 0.84, (200, True): 0.96, (200, False): 0.86}


def detection(found: Found) -> Sheet:
    """(b) What is seen at 1 % false alarms: harmful / other scenarios."""
    scores, nominal = found.ours(800)
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    best: dict[tuple[int, bool], tuple[float, str]] = {}
    table: list[tuple[str, list[str]]] = []
    for peer, said in found.peers().items():
        cells = []
        for size in (50, 200, 500, 1000):
            pair = [_seen(said, found.names(harmful=harm), size) for harm in (True, False)]
            cells.append(" / ".join(shown(one.value) if one.count else "–" for one in pair))
            for harm, one in zip((True, False), pair, strict=True):
                if one.count and one.value > best.get((size, harm), (-1.0, ""))[0]:
                    best[size, harm] = (one.value, peer)
        table.append((peer, cells))
    mine, equal = [], []
    for size in (50, 200, 500, 1000):
        pair = [
            rate(hit for name in found.names(harmful=harm) for hit in nominal.get((name, size), []))
            for harm in (True, False)
        ]
        mine.append(" / ".join(str(one) for one in pair))
        calibrated = [_seen(scores, found.names(harmful=harm), size) for harm in (True, False)]
        equal.append(" / ".join(shown(one.value) if one.count else "–" for one in calibrated))
        for harm, one in zip((True, False), pair, strict=True):
            kind = "harmful" if harm else "other"
            if (size, harm) in WANTED and one.count:
                bound = WANTED[size, harm]
                what = f"{kind} scenarios seen at {size} rows"
                targets.append(Target(what, f"≥ {100 * bound:.0f} %", str(one), one.at_least(bound)))
            if (size, harm) in best and calibrated[0].count:
                same = calibrated[0 if harm else 1]
                result = (
                    REACHED
                    if same.value > best[size, harm][0]
                    else "equal"
                    if same.value == best[size, harm][0]
                    else MISSED
                )
                wanted = f"> {shown(best[size, harm][0])} % ({best[size, harm][1]})"
                targets.append(
                    Target(
                        f"{kind} scenarios at {size} rows, beyond every peer", wanted, f"{shown(same.value)} %", result
                    )
                )
    rows.append((f"{OURS}, at its nominal 1 %", *mine))
    rows.append((f"{OURS}, calibrated as the peers are", *equal))
    rows += [(peer, *cells) for peer, cells in table]
    title = f"Seen at 1 % false alarms, harmful / other scenarios that change inputs, % ({found.world})"
    note = (
        f"Half `{found.half}`; baseline 800. Peers get the threshold that one in a hundred of their quiet windows "
        "exceeds."
    )
    return Sheet(title, ("", "50 rows", "200", "500", "1000"), rows, targets, note)


def _seen(scores: Scored, names: list[str], size: int) -> Rate:
    usual = scores.get((QUIET, size), [])
    if len(usual) < 50:
        return Rate(0, 0)
    at = threshold_at(usual, 0.01)
    return rate(score > at for name in names for score in scores.get((name, size), []))


def label_free(found: Found) -> Sheet:
    """(c) Accuracy without labels."""
    asked = [*found.names(), QUIET]
    errors = {name: _errors(found.verdicts(name)) for name in asked}
    cbpe: dict[str, list[float]] = {}
    for arguments, answer in found.of("peer"):
        if arguments["peer"] == "nannyml" and arguments["size"] == 500:
            for name, guess, truth in zip(answer["scenarios"], answer["estimates"], answer["accuracy"], strict=True):
                cbpe.setdefault(name, []).append(abs(guess - truth))
    harmless = [*found.names(harmful=False), QUIET]
    overt = [name for name in asked if name not in COVERT]
    rows = []
    for who, by_name in ((OURS, errors), ("NannyML CBPE", cbpe)):
        cells = [f"{_mean(by_name, some)[0]:.2f}" for some in (asked, overt, harmless, found.names(harmful=True))]
        rows.append((who, *cells))
    quiet = rate(row["trusted"] for row in found.verdicts(QUIET))
    wrong, wrong_overt = (_distrusted(found, names) for names in (asked, overt))
    untrusted = "not trusted where the error exceeds 8 points"
    targets = [
        bounded("accuracy without labels, mean absolute error", 4.5, *_mean(errors, asked)),
        bounded("the same without covert stories", 4.5, *_mean(errors, overt)),
        bounded("the same where nothing is harmed", 1.5, *_mean(errors, harmless)),
        Target(untrusted, "≥ 90 %", f"{wrong} of {wrong.count}", wrong.at_least(0.9)),
        Target(
            f"{untrusted}, without covert stories",
            "≥ 90 %",
            f"{wrong_overt} of {wrong_overt.count}",
            wrong_overt.at_least(0.9),
        ),
        Target("trusted in quiet windows", "≥ 95 %", f"{quiet} of {quiet.count}", quiet.at_least(0.95)),
    ]
    title = f"Accuracy without labels, windows of 500: mean absolute error in points ({found.world})"
    note = (
        f"Half `{found.half}` without changes of meaning, and quiet windows. The truth is the window's own accuracy, "
        "which alone scatters by about 1.1 points around what the texts would have on average."
    )
    return Sheet(title, ("", "all", "all but covert", "harmless", "harmful"), rows, targets, note)


def _distrusted(found: Found, names: list[str]) -> Rate:
    """How often the flag was down where the estimate was more than 8 points off."""
    rows = [row for name in names for row in found.verdicts(name) if row["estimate"] is not None]
    return rate(not row["trusted"] for row in rows if abs(row["estimate"] - row["accuracy"]) > 0.08)


def _errors(rows: list[dict[str, Any]]) -> list[float]:
    return [abs(row["estimate"] - row["accuracy"]) for row in rows if row["estimate"] is not None]


def _mean(errors: dict[str, list[float]], names: list[str]) -> tuple[float, float]:
    """Mean over scenarios in points, with the standard error from the windows within them."""
    present = [np.array(errors[name]) for name in names if errors.get(name)]
    if not present:
        return float("nan"), float("nan")
    spread = np.sqrt(sum(one.var(ddof=1) / len(one) for one in present if len(one) > 1)) / len(present)
    return 100 * float(np.mean([one.mean() for one in present])), 100 * float(spread)


def judged(found: Found) -> Sheet:
    """(d) Verdicts on windows of 500."""
    rows = []
    bad = [row for name in found.names(harmful=True, labels_too=True) for row in found.verdicts(name)]
    fine = [row for name in found.names(harmful=False, labels_too=True) for row in found.verdicts(name)]
    for how, kind, severity in (("a fifth labelled", "kind", "severity"), ("no label", "kind_blind", "severity_blind")):
        called = rate(row[kind] in SUSPICIOUS for row in bad)
        paged = rate(row[severity] == "page" for row in bad)
        for_nothing = rate(row[severity] == "page" for row in fine)
        ticket = rate(row[severity] == "ticket" for row in fine)
        rows.append((how, str(called), str(paged), str(for_nothing), str(ticket)))
    called = rate(row["kind"] in SUSPICIOUS for row in bad)
    for_nothing = rate(row["severity"] == "page" for row in fine)
    targets = [
        Target(
            "harmful windows called harmful or suspected", "≥ 90 %", f"{called} of {called.count}", called.at_least(0.9)
        ),
        Target(
            "harmless windows that page", "< 1 %", f"{for_nothing} of {for_nothing.count}", for_nothing.at_most(0.01)
        ),
    ]
    header = ("labels", "harmful: called so or suspected", "harmful: paged", "harmless: paged", "harmless: ticket")
    return Sheet(f"Verdicts on one window of 500, % ({found.world})", header, rows, targets, f"Half `{found.half}`.")


def scenarios(found: Found) -> Sheet:
    """Every scenario of the half, one line each."""
    rows = []
    _, nominal = found.ours(800)
    for name in found.names(labels_too=True):
        verdicts = found.verdicts(name)
        kinds = [row["kind"] for row in verdicts]
        usual = max(set(kinds), key=kinds.count) if kinds else "–"
        blind = [row["kind_blind"] for row in verdicts]
        usual_blind = max(set(blind), key=blind.count) if blind else "–"
        bias = [row["estimate"] - row["accuracy"] for row in verdicts if row["estimate"] is not None]
        trusted = rate(row["trusted"] for row in verdicts)
        rows.append(
            (
                name,
                f"{-100 * found.losses[name]:+.1f}",
                shown(rate(nominal.get((name, 200), [])).value) if (name, 200) in nominal else "–",
                usual_blind.replace("_", " "),
                usual.replace("_", " "),
                f"{100 * np.mean(bias):+.1f}" if bias else "–",
                shown(trusted.value) if verdicts else "–",
            )
        )
    header = (
        "scenario",
        "true change, points",
        "seen at 200 rows, %",
        "verdict, no label",
        "a fifth labelled",
        "estimate's bias",
        "trusted, %",
    )
    return Sheet(f"Scenarios of the half `{found.half}` ({found.world})", header, rows, [])


def targets_table(sheets: list[Sheet], more: list[Target]) -> str:
    lines = ["| figure | wanted | found | |", "|---|---|---|---|"]
    for target in [*(target for sheet in sheets for target in sheet.targets), *more]:
        lines.append(f"| {target.what} | {target.wanted} | {target.found} | {target.result} |")
    return "\n".join(lines) + "\n"


def as_json(sheets: list[Sheet]) -> list[dict[str, Any]]:
    return [asdict(sheet) for sheet in sheets]
