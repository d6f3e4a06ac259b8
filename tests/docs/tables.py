"""The tables of the README that are made from the code: `python -m tests.docs.tables` writes them anew.

Each stands between `<!-- table:NAME -->` and `<!-- end -->`; a test says that they are fresh.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from monitors.checks import all_checks, all_streams
from service.metrics import ALL_METRICS
from service.settings import PREFIX, Settings

README = Path(__file__).resolve().parents[2] / "README.md"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    names = list(head)
    return "\n".join(["| " + " | ".join(names) + " |", "|" + "---|" * len(names), *lines])


def settings_table() -> str:
    def default(value: object) -> str:
        if value is None or value == "":
            return ""
        return f"`{str(value).lower() if isinstance(value, bool) else value}`"

    rows = (
        (f"`{PREFIX}{name.upper()}`", default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return _table(("setting", "default", "meaning"), rows)


def metrics_table() -> str:
    rows = (
        (f"`{metric.name}`", metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.help)
        for metric in ALL_METRICS
    )
    return _table(("metric", "type", "labels", "meaning"), rows)


def checks_table() -> str:
    rows = (
        (f"`{check.name}`", check.title, check.aspect.value, _first_paragraph(check))
        for check in (*all_checks(), *all_streams())
    )
    return _table(("check", "title", "aspect", "what it answers"), rows)


def alerts_table() -> str:
    """Every alert of the Prometheus rules; its heading in the runbook says what to do."""
    groups = yaml.safe_load((README.parent / "dashboards/rules/alerts.yml").read_text(encoding="utf-8"))["groups"]
    rows = (
        (
            f"[`{rule['alert']}`](dashboards/runbook.md#{rule['alert'].lower()})",
            str(rule.get("labels", {}).get("severity", "that of the verdict")),
            str(rule.get("for", "at once")),
            _plain(str(rule["annotations"]["summary"]), rule["alert"]),
        )
        for group in groups
        for rule in group["rules"]
    )
    return _table(("alert", "severity", "after", "meaning"), rows)


def _plain(summary: str, alert: str) -> str:
    """A summary without its templates."""
    if alert == "BertwatchEpisode":
        return "An episode is open: the monitor's verdict, forwarded with its severity"
    return " ".join(re.sub(r"\{\{.*?\}\}", "…", summary).split())


def _first_paragraph(check: object) -> str:
    text = inspect.getdoc(sys.modules[type(check).__module__]) or ""
    return " ".join(text.split("\n\n")[0].split())


TABLES: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "metrics": metrics_table,
    "checks": checks_table,
    "alerts": alerts_table,
}


def with_fresh_tables(text: str) -> str:
    """`text` with every marked table as the code has it now. Raises KeyError for a name that there is not."""

    def fresh(match: re.Match[str]) -> str:
        return f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}"

    return re.sub(r"(<!-- table:([a-z]+) -->)\n.*?(<!-- end -->)", fresh, text, flags=re.S)


if __name__ == "__main__":
    README.write_text(with_fresh_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
