"""The only reader of environment and files: every setting, its default and its meaning.

Precedence: flag, environment (`BERTWATCH_<NAME>`), file (`--config` or `BERTWATCH_CONFIG`, TOML), default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model.errors import InputError

PREFIX = "BERTWATCH_"
CONFIG_VARIABLE = "BERTWATCH_CONFIG"


class StoreText(StrEnum):
    """What the log keeps of a text."""

    FULL = "full"
    HASH = "hash"
    NONE = "none"


class NotifyMode(StrEnum):
    """Who tells people about quality: we ourselves, or Alertmanager from our metrics."""

    DIRECT = "direct"
    ALERTMANAGER = "alertmanager"


class Settings(BaseModel):
    """All settings. Seconds, rows and shares unless a name says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # what is served
    model: str | None = Field(None, description="Model: our artifact, a Hugging Face directory or a hub name.")
    baseline: str | None = Field(
        None, description="Baseline directory, or its s3:// URL, that live traffic is held to."
    )
    labels: str | None = Field(None, description="Class names for a model that calls them LABEL_0, …; comma-separated.")
    engine: str = Field("auto", description="Inference engine; auto takes the fastest exact one.")
    workers: int = Field(0, ge=0, le=256, description="Single-thread engine workers; 0 is one a core.")

    # the record
    database: str = Field("sqlite:///bertwatch.db", description="SQLAlchemy URL of the log; SQLite or PostgreSQL.")
    store_text: StoreText = Field(StoreText.FULL, description="What the log keeps of a text: full, hash or none.")

    # the door
    host: str = Field("127.0.0.1", description="Address to listen on; other than loopback needs a key file.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    key_file: Path | None = Field(None, description="File of bearer keys, one a line; asked of every caller.")
    allow_anonymous: bool = Field(False, description="Listen beyond loopback without keys.")
    queue_size: int = Field(256, ge=1, description="Texts that may wait; beyond it the answer is 503.")
    queue_tokens: int = Field(
        32_768, ge=1, description="Tokens that may wait, at four characters each; beyond it the answer is 503."
    )
    max_batch: int = Field(8, ge=1, le=256, description="Texts that one worker takes at a time.")
    max_characters: int = Field(50_000, ge=1, description="Longest text in characters; beyond it the answer is 422.")
    max_batch_items: int = Field(256, ge=1, description="Most items in one batch request.")
    max_body_bytes: int = Field(4_194_304, ge=1024, description="Largest request body; beyond it the answer is 413.")
    request_timeout: float = Field(30.0, gt=0, description="Longest wait for an answer; beyond it the answer is 503.")

    # the monitor
    monitor: bool = Field(True, description="Start the monitor beside the service.")
    interval: float = Field(300.0, gt=0, description="Time between two rounds of checks.")
    window: float = Field(3600.0, gt=0, description="Length of the window that a round looks at.")
    minimum_rows: int = Field(200, ge=2, description="Rows a window must hold; it reaches back for them.")
    window_reach: float = Field(86_400.0, gt=0, description="How far a window may reach back for its minimum of rows.")
    accuracy_window: float = Field(86_400.0, gt=0, description="Predictions over which accuracy is shown.")
    margin: float = Field(0.02, gt=0, lt=1, description="Loss of accuracy that you accept.")
    false_pages_per_year: float = Field(1.0, ge=0.001, description="Budget: false pages a year; 0.001 is the least.")
    false_notices_per_year: float = Field(12.0, gt=0, description="Budget: false notices and tickets a year.")
    page_without_labels: bool = Field(True, description="Page for severe suspected harm before any label has arrived.")
    resolve_rounds: int = Field(3, ge=1, description="Quiet rounds in a row before an episode may resolve.")
    resolve_labels: int = Field(100, ge=1, description="Fresh labels that a harmful episode needs to resolve.")
    silence: float = Field(0.0, ge=0, description="Seconds without a prediction that are a data fault; 0 is never.")

    # who is told
    notify_mode: NotifyMode = Field(NotifyMode.DIRECT, description="direct (Apprise) or alertmanager (metrics only).")
    notify_urls: str = Field("", description="Apprise URLs, separated by white space; secret.", repr=False)
    notify_file: Path | None = Field(None, description="File of Apprise URLs, one a line; secret.")
    public_url: str = Field("", description="Address of this service as people reach it; links in notifications.")

    # housekeeping
    retention_days: float = Field(
        0.0,
        ge=0,
        description="Days after which the monitor takes rows out of the log, once a day; 0 keeps them for ever.",
    )
    report_rows: int = Field(2000, ge=100, description="Most rows of a window in an Evidently report.")
    reports_kept: int = Field(20, ge=1, description="Reports kept; older ones are dropped.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe line in the log.")


@dataclass(frozen=True, slots=True)
class Source:
    """A setting with the place its value came from, for `bertwatch settings`."""

    name: str
    value: Any
    source: str
    description: str


def load_settings(
    flags: Mapping[str, Any], environ: Mapping[str, str] = os.environ, config: Path | None = None
) -> tuple[Settings, list[Source]]:
    """Merge file, environment and flags (a flag that is None was not given). Raises InputError."""
    config = config or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for origin, layer in (
        (f"file {config}", _read_file(config) if config else {}),
        ("environment", _read_environment(environ)),
        ("flag", {name: value for name, value in flags.items() if value is not None}),
    ):
        for name, value in layer.items():
            if name not in Settings.model_fields:
                raise InputError(f"There is no setting {name!r} ({origin}); `bertwatch settings` lists them all.")
            values[name] = value
            sources[name] = origin
    try:
        settings = Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise InputError(f"Setting {name!r} ({sources.get(name, 'default')}) is wrong: {first['msg']}.") from None
    listed = [
        Source(name, getattr(settings, name), sources.get(name, "default"), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return settings, listed


def _read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    names = {key for key in environ if key.startswith(PREFIX) and key != CONFIG_VARIABLE}
    return {key.removeprefix(PREFIX).lower(): environ[key] for key in sorted(names)}


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read the settings file {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The settings file {path} is not TOML: {error}.") from None
