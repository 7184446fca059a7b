"""The SLURM that this shell sees, for tests that need a real one."""

import subprocess

import pytest


def partition() -> str:
    """Return the default partition of the SLURM that this shell sees, or ``""``."""
    try:
        found = subprocess.run(
            ["sinfo", "--noheader", "--format", "%P"], capture_output=True, text=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return next((name.rstrip("*") for name in found.stdout.split() if name.endswith("*")), "")


needs_slurm = pytest.mark.skipif(not partition(), reason="no SLURM here: sinfo does not answer")
