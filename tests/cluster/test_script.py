"""The batch script at work, with programs in place of SLURM's that do what the test says."""

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from lokal.cluster.job import Job, Launch, Task
from lokal.cluster.render import render_script
from lokal.cluster.settings import ClusterConfig, ClusterKind

from .fake_slurm import Fakes

CLUSTER = ClusterConfig(kind=ClusterKind.slurm, partition="main", max_restarts=2)
RUNS = """
trap 'exit 143' TERM
for ((n = 0; n < 100; n++)); do
  if [[ -e "$RUN/stop" ]]; then
    rm "$RUN/stop"
    printf '{\\n "state": "resumable",\\n "step": 7\\n}\\n' >"$RUN/state.json"
    exit 0
  fi
  sleep 0.05
done
exit 1
"""
FINISHES = """printf '{\\n "state": "finished",\\n "step": 9\\n}\\n' >"$RUN/state.json" """
FAILS = """
printf '{\\n "state": "failed",\\n "step": 4,\\n "code": %d\\n}\\n' "$CODE" >"$RUN/state.json"
exit 1
"""


class Batch:
    """One job's script and the folder of its run."""

    def __init__(self, tmp_path: Path, fakes: Fakes) -> None:
        self.run = tmp_path / "runs" / "my run"
        self.job = Job(
            step="finetune",
            run="my run",
            module="lokal.recipes.finetune",
            launch=Launch.torchrun,
            tasks=(Task(label="", run_folder=self.run, words=("name='my run'",)),),
            folder=self.run / "jobs" / "finetune",
        )
        self.fakes = fakes
        self.path = tmp_path / "job.sbatch"

    def start(
        self, *, srun: str, cluster: ClusterConfig = CLUSTER, env: dict[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        self.fakes.add("srun", srun)
        self.path.write_text(render_script(self.job, cluster, working_folder=self.run.parent))
        variables = {
            "PATH": f"{self.fakes.folder}:{os.environ['PATH']}",
            "SLURM_JOB_ID": "77",
            "SLURM_JOB_NODELIST": "node[1-2]",
            "RUN": str(self.run),
            **(env or {}),
        }  # HOME is not set
        return subprocess.Popen(
            ["bash", str(self.path)], env=variables, stdout=subprocess.PIPE, text=True
        )

    def outcome(self) -> dict:
        return json.loads((self.job.folder / "exit.json").read_text())


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    fakes = Fakes(tmp_path / "bin")
    fakes.add(
        "scontrol",
        """
case "$*" in
  "show hostnames"*) echo node1 ;;
  "show node"*) echo "NodeName=node1 NodeAddr=127.0.0.1 State=IDLE" ;;
  "show job"*) echo "JobId=77 JobState=${JOB_STATE:-RUNNING} Reason=None" ;;
  requeue*) kill -TERM "$PPID" ;;
esac
""",
    )
    return Batch(tmp_path, fakes)


def wait_until_begun(batch: Batch, process: "subprocess.Popen[str]") -> None:
    for _ in range(100):
        if batch.fakes.calls("srun"):
            time.sleep(0.1)
            return
        assert process.poll() is None
        time.sleep(0.05)


def test_the_end_of_the_run_is_written_down(batch: Batch) -> None:
    process = batch.start(srun=FINISHES)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    found = batch.outcome()
    assert (found["state"], found["code"], found["step"], found["job"]) == ("finished", 0, 9, "77")
    assert (batch.job.folder / "done").is_file()
    assert "launch name='my run'" in "".join(batch.fakes.calls("srun"))


def test_before_the_time_limit_the_run_saves_and_is_requeued(batch: Batch) -> None:
    process = batch.start(srun=RUNS)
    wait_until_begun(batch, process)
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=20)
    assert batch.fakes.calls("scontrol")[-1] == "requeue 77"
    assert (batch.outcome()["state"], batch.outcome()["step"]) == ("requeued", 7)
    assert not (batch.job.folder / "done").exists()


def test_what_was_cancelled_saves_and_stays_out_of_the_queue(batch: Batch) -> None:
    process = batch.start(srun=RUNS, env={"JOB_STATE": "COMPLETING"})
    wait_until_begun(batch, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 75
    assert "requeue 77" not in batch.fakes.calls("scontrol")
    assert batch.outcome()["state"] == "stopped"


def test_a_stop_that_the_user_asked_for_is_not_requeued(batch: Batch) -> None:
    process = batch.start(srun=RUNS)
    wait_until_begun(batch, process)
    (batch.run / "stop").touch()
    process.communicate(timeout=20)
    assert process.returncode == 75
    assert batch.outcome()["why"] == "saved as asked: submit again to go on"
    assert "requeue 77" not in batch.fakes.calls("scontrol")


def test_a_preemption_does_not_undo_a_cancel(batch: Batch) -> None:
    process = batch.start(srun=RUNS)
    wait_until_begun(batch, process)
    (batch.job.folder / "cancel").touch()
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=20)
    assert process.returncode == 75
    assert "requeue 77" not in batch.fakes.calls("scontrol")
    again = batch.start(srun=FINISHES)
    again.communicate(timeout=20)
    assert again.returncode == 75
    assert "cancelled by lokal cancel" in batch.outcome()["why"]


def test_requeues_end_at_the_cap(batch: Batch) -> None:
    process = batch.start(srun=RUNS, env={"SLURM_RESTART_COUNT": "2"})
    wait_until_begun(batch, process)
    process.send_signal(signal.SIGUSR1)
    process.communicate(timeout=20)
    assert process.returncode == 75
    assert "requeued 2 times already (cluster.max_restarts)" in batch.outcome()["why"]
    assert "requeue 77" not in batch.fakes.calls("scontrol")


@pytest.mark.parametrize(
    ("restart", "code", "state"), [(False, 1, "failed"), (True, 1, "requeued"), (True, 2, "failed")]
)
def test_a_dead_rank_is_requeued_only_if_asked_and_never_a_mistake(
    batch: Batch, restart: bool, code: int, state: str
) -> None:
    cluster = replace(CLUSTER, restart_failed=restart)
    process = batch.start(srun=FAILS, cluster=cluster, env={"CODE": str(code)})
    process.communicate(timeout=20)
    assert batch.outcome()["state"] == state


def test_without_a_host_list_nothing_runs(batch: Batch) -> None:
    batch.fakes.add("scontrol", "exit 1")
    process = batch.start(srun=FINISHES)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert batch.outcome()["why"] == "scontrol names no host of this job"
    assert batch.fakes.calls("srun") == []


def test_a_setup_line_that_fails_is_said(batch: Batch) -> None:
    process = batch.start(srun=FINISHES, cluster=replace(CLUSTER, setup=["false"]))
    process.communicate(timeout=20)
    assert batch.outcome()["why"] == "a line of cluster.setup failed, see the log"


def test_the_next_port_is_taken_where_somebody_listens(batch: Batch) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 20077)):
        process = batch.start(srun='echo "port $port"; ' + FINISHES)
        output, _ = process.communicate(timeout=20)
    assert "port 20078\n" in output
