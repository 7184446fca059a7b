"""A real SLURM for the tests that need one: the one of this shell, or a small one of our own.

``LOKAL_SLURM``: ``install`` also gets missing packages (so does ``CI=true``), ``off`` starts none.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .slurm.cluster import Cluster
from .slurm.packages import NoSlurmError, check_machine
from .slurm.settings import Settings

needs_slurm = pytest.mark.usefixtures("slurm")


def partition() -> str:
    """Return the default partition of the SLURM that this process sees, or ``""``."""
    try:
        found = subprocess.run(
            ["sinfo", "--noheader", "--format", "%P"], capture_output=True, text=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return next((name.rstrip("*") for name in found.stdout.split() if name.endswith("*")), "")


@pytest.fixture(scope="session")
def slurm() -> Iterator[None]:
    """Let SLURM's commands find a cluster of two nodes or more, or skip with the reason."""
    if partition():
        yield
        return
    with own_slurm():
        yield


@contextmanager
def own_slurm(
    *, nodes: int = 2, foreign_names: bool = False, lost_seconds: int = 60
) -> Iterator[Cluster]:
    """Start a cluster, lead SLURM's commands to it, and end it; skip where that can't be."""
    wish = os.environ.get("LOKAL_SLURM", "install" if os.environ.get("CI") == "true" else "")
    if wish == "off":
        pytest.skip("LOKAL_SLURM=off")
    folder = Path(tempfile.mkdtemp(prefix="lk-", dir="/tmp"))
    before = os.environ.get("SLURM_CONF")
    try:
        check_machine(install=wish == "install")
        settings = Settings(
            folder=folder, nodes=nodes, foreign_names=foreign_names, lost_seconds=lost_seconds
        )
        cluster = Cluster(settings, outlives=False)
        cluster.start()
    except NoSlurmError as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no SLURM: {error}")
    os.environ["SLURM_CONF"] = str(cluster.conf)
    try:
        yield cluster
    finally:
        os.environ.pop("SLURM_CONF")
        if before is not None:
            os.environ["SLURM_CONF"] = before
        cluster.stop()
