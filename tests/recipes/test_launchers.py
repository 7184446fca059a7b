"""``lokal finetune`` under other launchers: the losses of its own two processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from .test_finetune import Bench, environment

WORDS = ("method.dropout=0.0", "training.micro_rows=1", "strategy=ddp", "training.max_steps=4")
SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path, tiny_corpus: Path
) -> Bench:
    return Bench(tmp_path_factory.mktemp("launchers"), tiny_llama_folder, tiny_corpus)


@pytest.fixture(scope="module")
def own(bench: Bench) -> list[float]:
    """Return the losses of the processes that lokal starts itself."""
    code, printed = bench.run("own", *WORDS, "launch.processes=2")
    assert code == 0, printed
    return bench.losses("own")


def start(command: Sequence[str], **variables: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(command),
        env=environment() | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"} | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.proof
def test_two_torchruns_of_one_process_each_give_the_losses_of_two_processes(
    bench: Bench, own: list[float]
) -> None:
    place = ["--nnodes=2", "--master-addr=127.0.0.1", f"--master-port={free_port()}"]
    agents = [
        start(["torchrun", *place, f"--node-rank={rank}", *bench.command("torchrun", *WORDS)[1:]])
        for rank in (0, 1)
    ]
    assert [agent.wait() for agent in agents] == [0, 0]
    assert bench.losses("torchrun") == own


@pytest.mark.proof
def test_accelerate_launch_gives_the_losses_of_two_processes(
    bench: Bench, own: list[float]
) -> None:
    options = ["--multi_gpu", "--num_processes=2", f"--main_process_port={free_port()}"]
    assert start(["accelerate", "launch", *options, *bench.command("a", *WORDS)[1:]]).wait() == 0
    assert bench.losses("a") == own


@pytest.mark.proof
@pytest.mark.parametrize("strategy", ["ddp", "zero2"])
def test_the_deepspeed_launcher_gives_the_losses_of_two_processes(
    bench: Bench, own: list[float], strategy: str
) -> None:
    words = [*bench.command(strategy, *WORDS, f"strategy={strategy}")[3:]]
    options = ["--num_accelerators=2", f"--master_port={free_port()}", "--no_local_rank"]
    command = ["deepspeed", *options, "--module", "lokal.recipes.finetune", *words]
    assert start(command, DS_ACCELERATOR="cpu").wait() == 0
    assert bench.losses(strategy) == pytest.approx(own, abs=1e-4)
