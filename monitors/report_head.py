"""The head of a drift report: our verdict, its reasons, its numbers, every check with its threshold.

Everything that is not written here is escaped. Knows nothing of Evidently.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from monitors.baseline import Baseline
from monitors.messages import FIRST_LOOK, SURENESS, WORDS, moment
from monitors.statistics.distances import size
from monitors.verdict import Finding, Severity, State, Verdict

COLOURS = {
    Severity.NONE: "#1a7f4b",
    Severity.NOTICE: "#1f6fb2",
    Severity.TICKET: "#b35c00",
    Severity.PAGE: "#b3261e",
}

DISTANCES = ("jensen_shannon", "wasserstein", "ks_distance")

STYLE = """<style>
.bw{all:initial;display:block;box-sizing:border-box;max-width:1120px;margin:24px auto;padding:24px 28px;
 font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;border:1px solid #d5d9de;
 border-top:6px solid var(--bw);border-radius:8px}
.bw *{box-sizing:border-box}
.bw h1{font-size:26px;line-height:1.25;margin:2px 0 4px}
.bw p{margin:4px 0}
.bw .quiet{color:#59616b;font-size:13px}
.bw .badge{display:inline-block;vertical-align:3px;margin-left:8px;padding:1px 10px;border-radius:99px;font-size:13px;
 font-weight:600;color:#fff;background:var(--bw)}
.bw ul{margin:10px 0;padding-left:20px}
.bw dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:12px;margin:16px 0}
.bw dl div{padding:10px 14px;border:1px solid #e3e6ea;border-radius:6px}
.bw dt{color:#59616b;font-size:13px}
.bw dd{margin:0;font-size:20px;font-weight:600}
.bw dd small{display:block;font-size:13px;font-weight:400;color:#59616b}
.bw .wide{overflow-x:auto}
.bw table{border-collapse:collapse;width:100%;font-size:14px;margin:8px 0 12px}
.bw th,.bw td{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid #e3e6ea}
.bw th{color:#59616b;font-weight:600;font-size:13px}
.bw td:first-child{white-space:nowrap}
.bw .number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bw .alarm{font-weight:700;color:var(--bw)}
@media (prefers-color-scheme:dark){.bw{color:#e6e8eb;background:#16191d;border-color:#343a41;border-top-color:var(--bw)}
.bw .quiet,.bw dt,.bw dd small,.bw th{color:#a3abb5}.bw dl div,.bw th,.bw td{border-color:#343a41}
.bw .alarm{color:inherit}}
</style>"""


def head(baseline: Baseline, verdict: Verdict, threshold: float, sampled: tuple[int, int]) -> str:
    """HTML to stand first in the body. `threshold` is −log10 p of a column; `sampled` the rows of both sides."""
    name = " ".join((baseline.model.name, "model", verdict.model_version[:8])).strip()
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in verdict.reasons)
    advice = "" if verdict.severity is Severity.NONE else FIRST_LOOK.get(verdict.kind, "")
    return f"""{STYLE}
<section class="bw" style="--bw:{COLOURS[verdict.severity]}">
<p class="quiet">bertwatch · drift report · {escape(name)} · baseline {escape(baseline.id[:12])}</p>
<h1>{escape(WORDS[verdict.kind]).capitalize()} <span class="badge">{_loudness(verdict.severity)}</span></h1>
<p>{escape(SURENESS.get(verdict.kind, ""))} {escape(advice)}</p>
<p class="quiet">{verdict.count:,} predictions from {moment(verdict.start)} to {moment(verdict.end)}</p>
<ul>{reasons}</ul>
<dl>{"".join(_figures(verdict))}</dl>
<div class="wide"><table>
<thead><tr><th>Check</th><th>Looks at</th><th>Says</th><th class="number">Score</th><th class="number">Threshold</th>
<th>In words</th></tr></thead>
<tbody>{"".join(_row(finding) for finding in verdict.findings)}</tbody>
</table></div>
{_effects(verdict.findings)}
<p class="quiet">Below, Evidently compares {sampled[0]:,} sampled rows of the window with {sampled[1]:,} of the
baseline, column by column. The verdict above decides: a column is marked as drifted only where the checks above found
a change, and then if its −log10 p exceeds {threshold:.2f}, which shares their false-alarm probability between the
columns. A change that no column carries alone can leave every column unmarked. No text is part of this report.</p>
</section>"""


def _figures(verdict: Verdict) -> Iterator[str]:
    if verdict.accuracy is not None and verdict.accuracy.count:
        one = verdict.accuracy
        yield _figure("Accuracy", f"{one.value:.3f}", f"{one.low:.3f}–{one.high:.3f}, {one.count:,} labels")
    else:
        yield _figure("Accuracy", "–", "no labels yet")
    if verdict.baseline_accuracy is not None:
        yield _figure("Baseline accuracy", f"{verdict.baseline_accuracy:.3f}", "on rows that the model had never seen")
    if verdict.estimated_accuracy is not None:
        one = verdict.estimated_accuracy
        trust = "" if verdict.estimate_trusted else "; not to be trusted now"
        yield _figure("Estimated without labels", f"{one.value:.3f}", f"{one.low:.3f}–{one.high:.3f}{trust}")
    if verdict.coverage is not None:
        yield _figure("Predictions with a label", f"{verdict.coverage:.1%}", "of the accuracy window")


def _figure(name: str, value: str, more: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>"


def _row(finding: Finding) -> str:
    said = ' class="alarm"' if finding.state is State.ALARM else ""
    return (
        f"<tr><td>{escape(finding.check.replace('_', ' '))}</td><td>{finding.aspect.replace('_', ' ')}</td>"
        f'<td{said}>{finding.state}</td><td class="number">{_number(finding.score)}</td>'
        f'<td class="number">{_number(finding.threshold)}</td><td>{escape(finding.summary)}</td></tr>'
    )


def _effects(findings: Sequence[Finding]) -> str:
    """The loudest columns of every check with their effect sizes, in the units of other tools; nothing without any."""
    rows = "".join(
        f"<tr><td>{escape(str(column['name']))}</td><td>{escape(finding.check.replace('_', ' '))}</td>"
        + "".join(f'<td class="number">{float(column[key]):.3g}</td>' for key in ("baseline_mean", "mean"))
        + f'<td class="number">{float(column["psi"]):.3f} ({size(float(column["psi"]))})</td>'
        + "".join(f'<td class="number">{float(column[key]):.3f}</td>' for key in DISTANCES)
        + "</tr>"
        for finding in findings
        for column in finding.details.get("columns", ())
        if set(column) >= {"psi", *DISTANCES}  # findings that an earlier version has stored hold none
    )
    mixes = "".join(_mix(finding.details) for finding in findings if set(finding.details) >= MIXED)
    if not rows:
        return mixes
    return f"""<div class="wide"><table>
<thead><tr><th>Loudest columns</th><th>Of</th><th class="number">Baseline mean</th><th class="number">Mean</th>
<th class="number">PSI</th><th class="number">Jensen–Shannon</th><th class="number">Wasserstein</th>
<th class="number">Kolmogorov–Smirnov</th></tr></thead><tbody>{rows}</tbody></table></div>{mixes}
<p class="quiet">Effect sizes as Evidently computes them, Wasserstein in standard deviations of the baseline. None is 0
on quiet traffic, and none decides: a check's score against its threshold does.</p>"""


MIXED = {"psi", "jensen_shannon", "total_variation"}


def _mix(details: Mapping[str, Any]) -> str:
    index, gap, moved = (float(details[key]) for key in ("psi", "jensen_shannon", "total_variation"))
    return f"<p>Class mix: PSI {index:.3f} ({size(index)}), Jensen–Shannon {gap:.3f}, {moved:.1%} in another class.</p>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _loudness(severity: Severity) -> str:
    return "quiet" if severity is Severity.NONE else severity.value
