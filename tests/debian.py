"""Programs of the machine that tests need: from Debian, where this process may install them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
_APT_SECONDS = {"update": 90, "install": 240}


class NotInstalledError(Exception):
    """Why a package is not there, in one line."""


def may_install(variable: str) -> bool:
    """Return whether it was asked for by the variable, or by CI, and this process is root."""
    asked = os.environ.get(variable) == "install" or os.environ.get("CI") == "true"
    return asked and os.geteuid() == 0


def install_packages(names: list[str]) -> None:
    """Install Debian packages without starting their services, in a bounded time.

    Raises:
        NotInstalledError: they could not be had.
    """
    if shutil.which("apt-get") is None:
        raise NotInstalledError(f"not installed: {' '.join(names)}; this machine has no apt-get")
    quick = ["-o", "Acquire::http::Timeout=10", "-o", "Acquire::Retries=1"]
    calls = {
        "update": ["apt-get", *quick, "update"],
        "install": ["apt-get", *quick, "install", "-y", "--no-install-recommends", *names],
    }
    with _no_services():
        for what, command in calls.items():
            try:
                subprocess.run(
                    command,
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_APT_SECONDS[what],
                    check=True,
                )
            except subprocess.TimeoutExpired as error:
                raise NotInstalledError(
                    f"apt-get {what} took over {error.timeout:.0f} s"
                ) from error
            except subprocess.CalledProcessError as error:
                lines = error.stderr.decode(errors="replace").strip().splitlines() or ["no reason"]
                raise NotInstalledError(f"apt-get {what}: {lines[-1]}") from error


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian's packages from starting their daemons while the body runs."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
