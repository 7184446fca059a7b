"""A loopback server of all vendors, and a key in a variable."""

from collections.abc import Iterator

import pytest

from ...vendors.server import VendorServer
from .asking import KEY, KEY_NAME


@pytest.fixture
def server() -> Iterator[VendorServer]:
    with VendorServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_NAME, KEY)
