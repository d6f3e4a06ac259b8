"""The outbox to Apprise: retries with back-off, give-up, one receiver's failure never another's.

Apprise URLs are secrets: they appear in no log line, no error and no stored row; receivers go by number.
Delivery is at least once: a crash between sending and noting it sends again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from model.errors import InputError
from monitors.protocols import Channel, Clock, DeliveryResult, Notification, Outbox
from monitors.verdict import Severity

logger = structlog.get_logger(__name__)

SECOND = 1_000_000
AT_A_TIME = 10
"""Notifications taken from the outbox at once: few enough to be tried before another monitor may take them."""
FINAL = re.compile(r"\berror=(4\d\d)\b")
WORTH_ANOTHER_TRY = {"408", "421", "423", "425", "429"}
"""Of the answers 4xx, those that time may mend."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a notification is tried. Seconds."""

    first: float = 5.0
    """Wait after the first failure; it doubles from then on …"""
    longest: float = 900.0
    """… up to this."""
    give_up: float = 86_400.0
    """Age at which a notification is given up."""


class Notifier:
    """Delivers what is due in the outbox. `jitter` gives shares of [0, 1) that spread retries."""

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        clock: Clock,
        jitter: Callable[[], float],
        patience: Patience = Patience(),
    ) -> None:
        self._outbox, self._channels, self._clock = outbox, channels, clock
        self._jitter, self._patience = jitter, patience

    def deliver(self) -> int:
        """Try everything that is due, once each; how many were delivered. Raises what the outbox raises."""
        tried: set[str] = set()
        delivered = 0
        while due := [one for one in self._outbox.due(self._clock(), AT_A_TIME) if one.key not in tried]:
            for notification in due:
                tried.add(notification.key)
                delivered += self._try(notification)
        return delivered

    def _try(self, notification: Notification) -> bool:
        result = self._send(notification)
        now = self._clock()
        told = {"key": notification.key, "attempt": notification.attempts + 1}
        if result.ok:
            self._outbox.delivered(notification.key, now)
            logger.info("notification_delivered", **told)
            return True
        wait = min(self._patience.first * 2.0 ** min(notification.attempts, 30), self._patience.longest)
        retry_at = now + int(wait * (0.5 + self._jitter() / 2) * SECOND)
        if not result.retry or retry_at - notification.created > self._patience.give_up * SECOND:
            self._outbox.failed(notification.key, now, None, result.error)
            logger.error("notification_given_up", error=result.error, **told)
        else:
            self._outbox.failed(notification.key, now, retry_at, result.error)
            logger.warning("notification_failed", error=result.error, **told)
        return False

    def _send(self, notification: Notification) -> DeliveryResult:
        channel = self._channels.get(notification.receiver)
        if channel is None:
            return DeliveryResult(False, retry=False, error="This receiver is no longer configured.")
        try:
            return channel.send(notification)
        except Exception as error:  # noqa: BLE001 - one broken notification must not stop the others
            return DeliveryResult(False, error=f"Sending failed with {type(error).__name__}.")


class AppriseChannel:
    """One receiver behind an Apprise URL; blocks for at most about 8 seconds. `number` counts from 1."""

    def __init__(self, url: str, number: int) -> None:
        apprise = _apprise()
        self._apprise = apprise.Apprise()
        self._types = {
            Severity.NONE: apprise.NotifyType.INFO,
            Severity.NOTICE: apprise.NotifyType.INFO,
            Severity.TICKET: apprise.NotifyType.WARNING,
            Severity.PAGE: apprise.NotifyType.FAILURE,
        }
        self._resolved = apprise.NotifyType.SUCCESS
        if not self._apprise.add(url) or len(self._apprise) != 1:
            raise InputError(
                f"Notification URL number {number} is not one that Apprise understands; see the list of services at "
                "https://github.com/caronc/apprise/wiki."
            )

    def send(self, notification: Notification) -> DeliveryResult:
        kind = self._resolved if notification.event == "resolved" else self._types[notification.severity]
        result = self._apprise.notify(
            body=notification.body, title=notification.title, notify_type=kind, body_format="text"
        )
        if result:
            return DeliveryResult(True)
        # Apprise tells the status of an answer in its log lines only; they may hold a host, so they go no further
        codes = [code for entry in result.logs() for code in FINAL.findall(str(entry.message))]
        if codes and codes[-1] not in WORTH_ANOTHER_TRY:
            return DeliveryResult(False, retry=False, error=f"The receiver refused it with status {codes[-1]}.")
        return DeliveryResult(False, error="The receiver did not take it.")


def apprise_channels(urls: Sequence[str]) -> dict[str, Channel]:
    """A channel a URL, by its number from 1. Raises InputError that names the number and not the URL."""
    return {str(number): AppriseChannel(url, number) for number, url in enumerate(urls, 1)}


def _apprise() -> Any:
    """Imported here, for only the monitor process needs it. What it and its HTTP client log may hold a URL."""
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    import apprise

    return apprise
