"""The small SLURM itself: it works, leaves nothing, and says why where it can't be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .. import debian
from ..local_slurm import own_slurm
from . import packages
from .packages import NoSlurmError, check_machine
from .settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def traces() -> tuple[int, str, str]:
    """Return how many of its daemons run, and the network's and the host file's state."""
    names = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    daemons = sum(b"/tmp/lk-" in name or b"slurmd\0-D\0-N\0n" in name for name in names)
    return daemons, str(sorted(os.listdir("/sys/class/net"))), Path("/etc/hosts").read_text()


def test_two_nodes_run_a_step_under_their_own_names_and_nothing_is_left() -> None:
    before = traces()
    with own_slurm() as cluster:
        folder = cluster.settings.folder
        assert sorted(cluster.run("srun", "-N2", "printenv", "SLURMD_NODENAME").split()) == [
            "n1",
            "n2",
        ]
        if cluster.settings.isolated:
            assert sorted(cluster.run("srun", "-N2", "hostname").split()) == ["n1", "n2"]
        cluster.run("sbatch", "--output=/dev/null", "--wrap=sleep 60")
    assert traces() == before
    assert not folder.exists()


def test_who_is_not_root_reads_why_there_is_no_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NoSlurmError, match="needs root: slurmd starts jobs as their users"):
        check_machine(install=True)


def test_missing_packages_are_named_and_apts_own_reason_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "missing_packages", lambda: ["slurmd", "munge"])
    with pytest.raises(NoSlurmError, match="not installed: slurmd munge; LOKAL_SLURM=install"):
        check_machine(install=False)
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(debian, "_POLICY", tmp_path / "policy-rc.d")
    with pytest.raises(NoSlurmError, match="apt-get update: E: no network"):
        check_machine(install=True)
    assert not (tmp_path / "policy-rc.d").exists()


def test_a_folder_too_deep_for_sockets_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 50 characters"):
        Settings(folder=Path("/tmp") / ("x" * 60))


def test_told_to_start_none_the_tests_skip() -> None:
    script = "import tests.local_slurm as s\nwith s.own_slurm(): pass"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | {"LOKAL_SLURM": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Skipped: LOKAL_SLURM=off" in result.stderr
