"""A real browser for tests of pages: the Chromium of this machine, by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .debian import NotInstalledError, install_packages, may_install

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str:
    """Return the browser's path, or ``""``."""
    named = os.environ.get("LOKAL_BROWSER", "")
    if named not in ("", "install"):
        return named
    return next((path for name in _NAMES if (path := shutil.which(name))), "")


def browser_path() -> str:
    """Return the browser's path; Debian's is installed where that was asked for.

    The test is skipped, with the reason, where there is none and none can be installed.
    """
    if not find_browser() and may_install("LOKAL_BROWSER"):
        try:
            install_packages(["chromium"])
        except NotInstalledError as error:
            pytest.skip(str(error))
    return find_browser() or pytest.skip(
        "no Chromium here: LOKAL_BROWSER=install gets it as root, LOKAL_BROWSER=PATH names one"
    )


@contextmanager
def open_browser() -> Iterator["Browser"]:
    """Start a headless browser, and end it."""
    from playwright.sync_api import sync_playwright

    path = browser_path()
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
