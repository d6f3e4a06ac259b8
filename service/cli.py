"""The entry point: which commands there are, and how their errors end. What a command does stands in `commands`.

Exit status: 0 done, 1 a gate said no, 2 input or surroundings wrong.
"""

from __future__ import annotations

from typing import Any

import click

from model.errors import BertwatchError
from service.commands import baselines, configuration, log, offline, running


class _Group(click.Group):
    """Turns the error family into one sentence and its exit status, for every command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command of two words (`baseline promote`) beside one that is its first word."""
        name = " ".join(args[:2])
        if name in self.commands:
            return name, self.commands[name], args[2:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BertwatchError as error:
            click.echo(f"bertwatch: {error}", err=True)
            ctx.exit(error.exit_status)
        except KeyboardInterrupt:
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="bertwatch")
def main() -> None:
    """Serve a BERT text classifier, keep every answer, and know whether it is still right."""


for _command in (
    offline.train,
    offline.check,
    offline.calibrate,
    offline.sagemaker,
    offline.model_group,
    baselines.baseline,
    baselines.baseline_from_log,
    baselines.baseline_promote,
    baselines.baseline_compare,
    baselines.evaluate,
    running.serve,
    running.monitor,
    running.replay,
    running.demo,
    log.audit,
    log.db,
    configuration.show_settings,
    configuration.alerts,
):
    main.add_command(_command)


if __name__ == "__main__":
    main()
