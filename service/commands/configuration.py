"""Commands that show how things are set, and whether notifications arrive."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from service.commands._flags import settings_flags, settings_from
from service.settings import load_settings


@click.command("settings")
@settings_flags()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON, alone on stdout.")
def show_settings(as_json: bool, **flags: Any) -> None:
    """Each setting with its value, where it came from, and what it means."""
    config = flags.pop("config", None)
    _, sources = load_settings(flags, config=config)
    rows = [(s.name, _shown(s.name, s.value), s.source, s.description) for s in sources]
    if as_json:
        keys = ("name", "value", "source", "description")
        click.echo(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], default=str))
        return
    wide = max(len(row[0]) for row in rows)
    for name, value, source, description in rows:
        click.echo(f"{name:<{wide}}  {value}  ({source})\n{'':<{wide}}  {description}")


def _shown(name: str, value: Any) -> Any:
    """Secrets are named, not shown."""
    if name == "notify_urls" and value:
        return f"{len(str(value).split())} hidden"
    return value if value is None or isinstance(value, bool | int | float) else _without_password(str(value))


def _without_password(value: str) -> str:
    if "://" not in value or "@" not in value:
        return value
    scheme, rest = value.split("://", 1)
    user, place = rest.rsplit("@", 1)
    return f"{scheme}://{user.split(':', 1)[0]}:…@{place}"


@click.group()
def alerts() -> None:
    """Notifications."""


@alerts.command("test")
@settings_flags("notify_urls", "notify_file", "public_url")
def alerts_test(**flags: Any) -> None:
    """Send a test notification to every receiver and say what came of it."""
    from service.wiring import alerts_test

    sys.exit(alerts_test(settings_from(flags)))
