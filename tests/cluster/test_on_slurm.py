"""``lokal submit`` on a real SLURM of two nodes: no step is lost, whatever happens to the job."""

import subprocess
import time
from pathlib import Path

import pytest

from ..local_slurm import needs_slurm, own_slurm
from .slurm_desk import Desk, no_home, show, wait

SHORT = ("training.max_steps=80", "training.save_every_steps=1000", "tracker=wandb_offline")
LONG = ("training.max_steps=300", *SHORT[1:])


@pytest.fixture(scope="module")
def desk(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path, tiny_corpus: Path
) -> Desk:
    root = tmp_path_factory.mktemp("cluster") / "my runs"
    return Desk(root, tiny_llama_folder, tiny_corpus)


@pytest.fixture(scope="module")
def here(desk: Desk) -> str:
    """Return the name of the short run in two processes of this machine."""
    desk.run_here("here", *SHORT)
    return "here"


@pytest.fixture(scope="module")
def unbroken(desk: Desk) -> str:
    """Return the name of the long run in two processes of this machine."""
    desk.run_here("unbroken", *LONG)
    return "unbroken"


@needs_slurm
def test_two_nodes_give_the_losses_and_weights_of_two_processes(desk: Desk, here: str) -> None:
    job = desk.submit("nodes", *SHORT)
    assert desk.wait_for_end(job, "nodes") == "COMPLETED"
    assert desk.curve("nodes") == desk.curve(here)
    assert desk.weights("nodes") == desk.weights(here)
    outcome = desk.outcome("nodes")
    assert (outcome["state"], outcome["code"]) == ("finished", 0)
    assert outcome["step"] == desk.curve(here)[-1][0]
    assert show(job)["NumNodes"] == "2"


@needs_slurm
def test_asked_by_scancel_it_saves_requeues_and_goes_on_at_the_very_row(
    desk: Desk, here: str
) -> None:
    job = desk.submit("asked", *SHORT)
    desk.wait_for_steps("asked", 5)
    subprocess.run(["scancel", "--signal=USR1", "--batch", job], check=True)
    assert_nothing_is_lost(desk, "asked", job, here, restarts=1)
    assert len(desk.resumed_at("asked")) == 1, desk.log("asked")


def assert_nothing_is_lost(
    desk: Desk, name: str, job: str, unbroken: str, *, restarts: int | None
) -> None:
    """Check that the job was requeued so often, and ended as the unbroken run did."""
    assert desk.wait_for_end(job, name) == "COMPLETED", desk.log(name)
    found = int(show(job)["Restarts"])
    assert found >= 1 if restarts is None else found == restarts
    assert desk.curve(name) == desk.curve(unbroken)
    assert desk.weights(name) == desk.weights(unbroken)
    ids = desk.wandb_ids(name)
    assert len(set(ids)) == 1
    assert len(ids) >= 2
    print(f"{name}: restarts {found}, saved at {desk.resumed_at(name)}, starts in W&B {len(ids)}")


@pytest.mark.proof
@needs_slurm
def test_preempted_by_a_higher_partition_it_saves_requeues_and_goes_on(
    desk: Desk, unbroken: str
) -> None:
    job = desk.submit("preempted", *LONG, cluster=("cluster.partition=low",))
    desk.wait_for_steps("preempted", 10)
    higher = ["sbatch", "--parsable", "--partition=high", "--nodes=2", "--exclusive"]
    subprocess.run(
        [*higher, "--output=/dev/null", "--wrap=sleep 3"], check=True, capture_output=True
    )
    assert_nothing_is_lost(desk, "preempted", job, unbroken, restarts=None)
    assert desk.resumed_at("preempted"), desk.log("preempted")


@pytest.mark.proof
@needs_slurm
def test_at_its_time_limit_it_saves_requeues_and_goes_on(desk: Desk, unbroken: str) -> None:
    job = desk.submit("limited", *LONG)
    desk.wait_for_steps("limited", 10)
    minutes = int(show(job)["RunTime"].split(":")[1])
    set_limit(job, minutes + 1)  # less than cluster.signal_seconds away
    wait(lambda: show(job)["Restarts"] == "1", what="the requeue")
    set_limit(job, 20)
    assert_nothing_is_lost(desk, "limited", job, unbroken, restarts=None)
    assert desk.resumed_at("limited"), desk.log("limited")


def set_limit(job: str, minutes: int) -> None:
    subprocess.run(["scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}"], check=True)


@pytest.mark.proof
@needs_slurm
def test_a_killed_rank_ends_the_job_within_seconds_everywhere(desk: Desk) -> None:
    job = desk.submit("killed", *LONG[:1])
    desk.wait_for_steps("killed", 10)
    seconds = desk.kill_rank("killed", 1)
    started = time.monotonic()
    assert desk.wait_for_end(job, "killed") == "FAILED"
    print(f"ranks gone {seconds:.1f} s, job {time.monotonic() - started:.1f} s after the kill")
    assert desk.outcome("killed")["state"] == "failed"


@pytest.mark.proof
@needs_slurm
@pytest.mark.parametrize("rank", [0, 1])
def test_with_restart_failed_a_killed_rank_costs_only_the_steps_since_the_last_save(
    desk: Desk, unbroken: str, rank: int
) -> None:
    words = (LONG[0], "training.save_every_steps=5", LONG[2])
    name = f"restarted-{rank}"
    job = desk.submit(name, *words, cluster=("cluster.restart_failed=true",))
    desk.wait_for_steps(name, 12)
    seconds = desk.kill_rank(name, rank)
    assert_nothing_is_lost(desk, name, job, unbroken, restarts=1)
    print(f"rank {rank} killed: all ranks gone {seconds:.1f} s later")


@pytest.mark.proof
@pytest.mark.parametrize("harm", ["slurmd", "node"])
def test_a_node_that_dies_costs_only_the_steps_since_the_last_save(
    desk: Desk, unbroken: str, harm: str
) -> None:
    words = (LONG[0], "training.save_every_steps=5", LONG[2])
    name = f"dead-{harm}"
    with own_slurm(nodes=3, lost_seconds=15) as cluster:
        if not cluster.settings.isolated:
            pytest.skip("nodes share this machine's processes: CAP_SYS_ADMIN is missing")
        job = desk.submit(name, *words)
        desk.wait_for_steps(name, 12)
        assert show(job)["NodeList"] == "n[1-2]"
        started = time.monotonic()
        (cluster.kill_slurmd if harm == "slurmd" else cluster.kill_node)("n2")
        wait(lambda: int(show(job)["Restarts"]) == 1, what="the requeue")
        print(f"{harm} of n2 killed: requeued {time.monotonic() - started:.1f} s later")
        assert_nothing_is_lost(desk, name, job, unbroken, restarts=1)
        assert "n2" not in show(job)["NodeList"].split(",")


@pytest.mark.proof
@needs_slurm
def test_it_copes_with_foreign_host_names_a_busy_port_no_home_and_a_folder_with_spaces(
    desk: Desk, here: str
) -> None:
    with own_slurm(foreign_names=True) as cluster, no_home():
        if not cluster.settings.isolated:
            pytest.skip("nodes share this machine's names: CAP_SYS_ADMIN is missing")
        hosts = cluster.run("srun", "-N2", "hostname").split()
        assert sorted(hosts) == ["rack-1", "rack-2"]
        with pytest.raises(subprocess.CalledProcessError):
            cluster.run("sacct")
        with cluster.occupied("n1", ports=[20000 + number for number in range(1, 5)]):
            job = desk.submit(
                "hard", *SHORT, cluster=("+cluster.environment.GLOO_SOCKET_IFNAME=eth0",)
            )
            assert desk.wait_for_end(job, "hard") == "COMPLETED", desk.log("hard")
    assert " " in str(desk.root)
    assert desk.curve("hard") == desk.curve(here)
