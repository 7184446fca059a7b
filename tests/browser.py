"""A real browser for tests of pages: the Chromium of this machine, by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str:
    """Return the browser's path, or ``""``."""
    if named := os.environ.get("LOKAL_BROWSER"):
        return named
    return next((path for name in _NAMES if (path := shutil.which(name))), "")


needs_browser = pytest.mark.skipif(
    not find_browser(), reason="no Chromium here: apt-get install chromium, or LOKAL_BROWSER=PATH"
)


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """Start a headless browser, and end it."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()
