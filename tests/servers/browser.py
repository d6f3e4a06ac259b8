"""Starts the system's Chromium for a test, headless and without calls home. Knows no page.

Playwright's own browsers are not downloaded: Debian's package is enough, and is what `make test` installs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

CANDIDATES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str:
    """Path of the browser. Raises LookupError with the way to get one."""
    for name in CANDIDATES:
        if path := shutil.which(name):
            return path
    raise LookupError("No Chromium on this machine: install your system's package (Debian: apt-get install chromium).")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that is closed with the block. As root Chromium runs only without its sandbox."""
    sandbox = () if os.geteuid() else ("--no-sandbox",)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=[*QUIET, *sandbox])
        try:
            yield browser
        finally:
            browser.close()
