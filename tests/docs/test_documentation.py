"""The documents say what the code does: tables are fresh, commands and files exist, links lead somewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from model.behavior_file import read_pack
from service.cli import main
from service.settings import Settings
from tests.docs.tables import README, TABLES, with_fresh_tables

ROOT = README.parent
DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("dashboards/*.md"), *ROOT.glob("tests/**/*.md")])


def readme() -> str:
    return README.read_text(encoding="utf-8")


def commands(group: click.Group, prefix: str = "bertwatch") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
        else:
            found[f"{prefix} {name}"] = command
    return found


def test_tables_are_fresh() -> None:
    """`python -m tests.docs.tables` has been run since the code changed, and no table is missing."""
    assert set(re.findall(r"<!-- table:([a-z]+) -->", readme())) == set(TABLES)
    assert with_fresh_tables(readme()) == readme(), "run: .venv/bin/python -m tests.docs.tables"


@pytest.mark.parametrize("command", sorted(commands(main)))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`{command}" in readme() or f"{command} " in readme()


def test_every_command_in_the_readme_exists_with_its_flags() -> None:
    """A shell line that starts with `bertwatch` names a command, and only flags that this command has."""
    known = commands(main)
    lines = re.sub(r"\\\n\s*", " ", readme())
    shown = [line.strip() for line in re.findall(r"^\s*(?:\.venv/bin/)?(bertwatch .*)$", lines, re.M)]
    assert shown
    for line in shown:
        name = max((name for name in known if line.startswith(name)), key=len, default=None)
        assert name, line
        flags = {flag for option in known[name].params for flag in (*option.opts, *option.secondary_opts)}
        used = set(re.findall(r"\s(--[a-z-]+)", line.split("#")[0]))
        assert used <= flags | {"--help"}, line


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for document in DOCUMENTS:
        named = set(re.findall(r"`make ([a-z-]+)`", document.read_text(encoding="utf-8")))
        assert named <= targets, document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (document.parent / target).exists(), target


def test_contracts_of_architecture_are_those_of_the_linter() -> None:
    """The rules in ARCHITECTURE.md are the names of the import contracts, sentence by sentence."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    rules = (ROOT / "ARCHITECTURE.md").read_text().split("## The rules")[1].split("\n## ")[0]
    written = {line.removeprefix("- ") for line in rules.splitlines() if line.startswith("- ")}
    assert written == {contract["name"] for contract in linter["contracts"]}


def test_compose_names_only_what_exists() -> None:
    """compose.yaml parses; every file it mounts is in the project; every BERTWATCH_ variable is a setting."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    volumes = set(compose["volumes"])
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (ROOT / source).exists(), volume
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        for name in service.get("environment", {}):
            if name.startswith("BERTWATCH_"):
                assert name.removeprefix("BERTWATCH_").lower() in Settings.model_fields, name


def test_help_texts_are_whole_sentences() -> None:
    for name, command in commands(main).items():
        assert (command.help or "").rstrip().endswith("."), name


def test_the_project_speaks_of_itself_alone() -> None:
    """No document or source names the machine it was made on."""
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/**/*.py"), *ROOT.glob("*/**/*.md"), *ROOT.glob("*.yaml")]:
        if any(part.startswith(".") for part in path.relative_to(ROOT).parts):
            continue  # environments of this clone, which git ignores
        text = path.read_text(encoding="utf-8")
        assert "/work" + "/" not in text, path
        assert "/ro" + "ot/" not in text, path


def test_the_behavior_file_of_the_readme_is_one(tmp_path: Path) -> None:
    """A reader can copy it."""
    shown = re.search(r"```yaml\n(.*?)```", readme(), re.S)
    assert shown is not None
    (tmp_path / "pack.yaml").write_text(shown[1])
    pack = read_pack(tmp_path / "pack.yaml", ["billing", "technical"])
    assert [test.name for test in pack.tests] == ["no internet is technical", "another product"]
    assert all(test.cases for test in pack.tests)
