from pathlib import Path

import pytest
from lokal.data import hardware
from lokal.data.hardware import Precision, cpu_flags, num_cores, pick_precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx avx2", Precision.fp32),
        ("fpu avx512f avx512_bf16", Precision.bf16),
        ("fpu amx_bf16 amx_tile", Precision.bf16),
    ],
)
def test_picks_bf16_only_where_the_cpu_multiplies_it(
    flags: str, expected: Precision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu_info = tmp_path / "cpuinfo"
    cpu_info.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    monkeypatch.setattr(hardware, "_gpu_has_bf16", lambda: False)
    monkeypatch.setattr(hardware, "cpu_flags", lambda: cpu_flags(cpu_info))
    assert pick_precision() is expected


def test_what_the_user_asks_for_is_kept() -> None:
    assert pick_precision(Precision.bf16) is Precision.bf16
    assert pick_precision(Precision.fp32) is Precision.fp32


def test_a_machine_without_cpuinfo_has_no_flags(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "absent") == set()


def test_the_containers_quota_limits_the_cores(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert num_cores(quota) == 1
    quota.write_text("50000 100000\n")
    assert num_cores(quota) == 1
    quota.write_text("max 100000\n")
    assert num_cores(quota) >= 1
    assert num_cores(tmp_path / "absent") >= 1
