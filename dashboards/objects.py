"""The rules and dashboards as Kubernetes objects: PrometheusRule, and one ConfigMap a board. Development time only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_HEAD = "# Made by `python -m dashboards.build`; change the rules or the boards instead.\n"
_LABELS = {"app.kubernetes.io/name": "bertwatch"}


class _Blocks(yaml.SafeDumper):
    """Text of several lines as a block, so that a person can read the expressions."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _text)


def prometheus_rule(rules: Path) -> str:
    """All groups of a folder's rule files as one PrometheusRule."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(rules.glob("*.yml"), reverse=True)]
    groups = [group for file in files for group in file["groups"]]
    return _object("monitoring.coreos.com/v1", "PrometheusRule", "bertwatch", _LABELS, {"spec": {"groups": groups}})


def config_maps(boards: Mapping[str, str]) -> str:
    """One ConfigMap a board (file name to JSON): together they outgrow the annotation that `kubectl apply` makes."""
    labels = _LABELS | {"grafana_dashboard": "1"}
    return "---\n".join(
        _object("v1", "ConfigMap", f"bertwatch-{name.removesuffix('.json')}", labels, {"data": {name: _compact(text)}})
        for name, text in boards.items()
    )


def _compact(text: str) -> str:
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))


def _object(version: str, kind: str, name: str, labels: Mapping[str, str], body: Mapping[str, Any]) -> str:
    document = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": dict(labels)}, **body}
    return _HEAD + yaml.dump(document, Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=1_000_000)
