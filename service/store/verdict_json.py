"""Verdicts as JSON and back, every field with its type.

JSON knows no NaN and no infinity: one becomes null, the other the largest number.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from model.prediction import Estimate
from monitors.verdict import Aspect, Finding, Kind, Severity, State, Verdict


def encode_verdict(verdict: Verdict) -> dict[str, Any]:
    """Every field by its name, in JSON's own types. Raises TypeError for what JSON cannot hold in `details`."""
    return {field.name: _plain(getattr(verdict, field.name)) for field in fields(verdict)}


def decode_verdict(raw: Mapping[str, Any]) -> Verdict:
    """The verdict that `encode_verdict` made; fields that this version does not know are left out."""
    raw = _known(Verdict, raw)
    return Verdict(
        **{
            **raw,
            "kind": Kind(raw["kind"]),
            "severity": Severity(raw["severity"]),
            "reasons": tuple(raw["reasons"]),
            "findings": tuple(_finding(finding) for finding in raw["findings"]),
            "accuracy": _estimate(raw.get("accuracy")),
            "estimated_accuracy": _estimate(raw.get("estimated_accuracy")),
        }
    )


def _finding(raw: Mapping[str, Any]) -> Finding:
    raw = _known(Finding, raw)
    return Finding(
        **{
            **raw,
            "aspect": Aspect(raw["aspect"]),
            "state": State(raw["state"]),
            "estimate": _estimate(raw.get("estimate")),
        }
    )


def _estimate(raw: Mapping[str, Any] | None) -> Estimate | None:
    if raw is None:
        return None
    numbers = {name: math.nan if raw[name] is None else float(raw[name]) for name in ("value", "low", "high")}
    return Estimate(**numbers, count=int(raw["count"]))


def _known(noun: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(noun)}
    return {name: value for name, value in raw.items() if name in names}


def _plain(value: Any) -> Any:
    """The same in JSON's own types; numpy's scalars and arrays are taken for what they hold."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return max(-sys.float_info.max, min(sys.float_info.max, value))
    if value is None or isinstance(value, str | bool | int):
        return value
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    raise TypeError(f"A verdict cannot keep a {type(value).__name__}.")
