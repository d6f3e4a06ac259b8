"""What commands share: settings as flags, and how several values are given. Knows of no command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from model.errors import InputError
from service.settings import Settings, load_settings

DIRECTORY = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


def settings_flags(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Flags for the named settings (all, if none is named): same name, same meaning, default from `Settings`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names or tuple(Settings.model_fields)):
            field = Settings.model_fields[name]
            flag = "--" + name.replace("_", "-")
            shown = "" if field.default in (None, "") else f"  [default: {field.default}]"
            if field.annotation is bool:
                option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=f"{field.description}{shown}")
            else:
                option = click.option(flag, name, default=None, metavar="VALUE", help=f"{field.description}{shown}")
            command = option(command)
        return click.option("--config", type=FILE, default=None, help="TOML file of settings (also BERTWATCH_CONFIG).")(
            command
        )

    return decorate


def settings_from(flags: dict[str, Any], needed: tuple[str, ...] = ()) -> Settings:
    """Takes `config` out of a command's flags and reads the settings; InputError where a needed one is not set."""
    config = flags.pop("config", None)
    settings, _ = load_settings(flags, config=config)
    for name in needed:
        need(settings, name)
    return settings


def need(settings: Settings, name: str) -> None:
    if getattr(settings, name) is None:
        flag = "--" + name.replace("_", "-")
        raise InputError(f"{flag} is needed (or BERTWATCH_{name.upper()}, or {name!r} in a settings file).")


class OfManyValues(click.Command):
    """Options that may be given several times take several values behind one flag too: `--score-columns A B C`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {flag for option in self.params if getattr(option, "multiple", False) for flag in option.opts}
        spread: list[str] = []
        current = ""
        for arg in args:
            if arg.startswith("--"):
                current = arg if arg in many else ""
            elif current and spread[-1] != current:
                spread.append(current)
            spread.append(arg)
        return super().parse_args(ctx, spread)
