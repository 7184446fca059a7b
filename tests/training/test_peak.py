"""The peak of a GPU is found by the name that CUDA gives it, and never by a part of another's."""

import pytest
import torch
from lokal.training.peak import peak_flops, peak_of_gpu


@pytest.mark.parametrize(
    ("name", "teraflops"),
    [
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756.0),
        ("NVIDIA H100 NVL", 835.0),
        ("NVIDIA GH200 480GB", 989.4),
        ("NVIDIA A100-SXM4-80GB", 312.0),
        ("NVIDIA L40S", 362.0),
        ("NVIDIA L40", 181.0),
        ("NVIDIA L4", 121.0),
        ("NVIDIA A10G", 70.0),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("AMD Instinct MI250X", 191.5),
    ],
)
def test_a_gpus_name_tells_its_dense_bf16_peak(name: str, teraflops: float):
    assert peak_of_gpu(name) == pytest.approx(teraflops * 1e12)


@pytest.mark.parametrize(
    "name", ["NVIDIA RTX A1000", "NVIDIA GeForce RTX 4090 Laptop GPU", "Tesla T4", ""]
)
def test_another_gpus_peak_is_not_known(name: str):
    assert peak_of_gpu(name) is None


def test_a_cpu_is_measured():
    measured = peak_flops(torch.device("cpu"), torch.float32)
    assert measured is not None
    assert 1e8 < measured < 1e15
