"""Writes the generated files: `python -m dashboards.build`. They are committed, and a test says that they are fresh."""

from __future__ import annotations

from pathlib import Path

from dashboards import overview, quality, service
from dashboards.grafana import rendered
from dashboards.objects import config_maps, prometheus_rule

HERE = Path(__file__).parent
BOARDS = (overview.BOARD, quality.BOARD, service.BOARD)


def generated() -> dict[Path, str]:
    """Path, relative to this folder, and content of every generated file."""
    boards = {board.file: rendered(board) for board in BOARDS}
    return {Path("generated", name): text for name, text in boards.items()} | {
        Path("kubernetes/dashboards.yml"): config_maps(boards),
        Path("kubernetes/prometheusrule.yml"): prometheus_rule(HERE / "rules"),
    }


def main() -> None:
    for path, text in generated().items():
        target = HERE / path
        target.parent.mkdir(exist_ok=True)
        written = target.with_suffix(".new")
        written.write_text(text, encoding="utf-8")
        written.replace(target)


if __name__ == "__main__":
    main()
