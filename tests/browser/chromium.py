"""Chromium of the system: Playwright's own needs a download. Without it, tests in a browser are skipped."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

MISSING = "no Chromium here: `apt-get install chromium` installs it"


@contextmanager
def launched() -> Iterator[Browser]:
    """Start it, or skip the test."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that a container's root does not have.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
