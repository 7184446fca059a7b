"""``lokal submit``, ``jobs`` and ``cancel`` with programs in place of SLURM's, also broken ones."""

import json
import os
from pathlib import Path

import pytest
from lokal.recipes.submit import submit
from lokal.recipes.tools import cancel, jobs, logs

from .fake_slurm import Fakes

CLUSTER = ["cluster.nodes=2", "cluster.time_limit=04:00:00", "strategy=fsdp"]
GONE = 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1'
DOWN = 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1'


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    made = Fakes(tmp_path / "bin")
    made.add("sbatch", f"n=$(wc -l <{made.folder}/sbatch.calls); echo $((40 + n))")
    for name in ("squeue", "scontrol", "sacct"):
        made.add(name, GONE)
    made.add("scancel", "exit 0")
    monkeypatch.setenv("PATH", f"{made.folder}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def words(tiny_corpus: Path) -> list[str]:
    corpus = f"corpus_folder={tiny_corpus}"
    return ["recipe=finetune", *CLUSTER, corpus, "model=local", "model.path=/tiny", "name=first"]


def shows(fakes: Fakes, *lines: str) -> None:
    fakes.add("scontrol", "cat <<'E'\n" + "\n".join(lines) + "\nE")


def record(step: str = "finetune") -> dict:
    return json.loads(Path(f"runs/first/jobs/{step}/job.json").read_text())


def test_writes_the_script_and_remembers_the_number(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 0
    path = Path("runs/first/jobs/finetune/job.sbatch").resolve()
    assert fakes.calls("sbatch") == [f"--parsable {path}"]
    assert capsys.readouterr().err == f"[submit] job 41: finetune of first; {path}\n"
    assert (record()["job"], record()["tasks"][0]["run_folder"]) == ("41", str(path.parents[2]))


@pytest.mark.parametrize("flag", ["--dry-run", "dry_run=true"])
def test_a_dry_run_prints_the_script_and_submits_nothing(
    fakes: Fakes, words: list[str], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main([*words, flag]) == 0
    out = capsys.readouterr().out
    assert out.startswith("#!/bin/bash\n# lokal finetune, of the run first\n")
    assert "-m lokal.recipes.finetune" in out
    assert fakes.calls("sbatch") == []
    assert not Path("runs").exists()


@pytest.mark.parametrize("state", ["PENDING", "REQUEUE_HOLD"])
def test_what_waits_or_runs_is_not_queued_again(
    fakes: Fakes, words: list[str], state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 0
    shows(fakes, f"JobId=41 JobState={state} Reason=None Restarts=0 NodeList=node1")
    assert submit.main(words) == 0
    assert "job 41 has finetune of first: not queued again" in capsys.readouterr().err
    assert submit.main([*words, "training.lr=2e-5"]) == 2
    assert (
        "job 41 has finetune of first with other settings: wait for it" in capsys.readouterr().err
    )
    assert len(fakes.calls("sbatch")) == 1


@pytest.mark.parametrize("state", ["NODE_FAIL", ""])
def test_what_ended_early_is_queued_anew(fakes: Fakes, words: list[str], state: str) -> None:
    assert submit.main(words) == 0
    if state:
        shows(fakes, f"JobId=41 JobState={state} Reason=None Restarts=0 NodeList=node1")
    assert submit.main(words) == 0
    assert record()["job"] == "42"


def test_finished_work_is_not_queued(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 0
    model = Path("runs/first/model")
    model.mkdir()
    (model / "manifest.json").touch()
    Path("runs/first/jobs/finetune/done").touch()
    assert submit.main(words) == 0
    assert "finetune of first is done: nothing to do" in capsys.readouterr().err
    (model / "manifest.json").unlink()
    assert submit.main(words) == 0
    assert len(fakes.calls("sbatch")) == 2


def test_where_nobody_answers_no_second_job_is_risked(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 0
    for name in ("squeue", "scontrol"):
        fakes.add(name, DOWN)
    assert submit.main(words) == 1
    assert "neither squeue nor scontrol answers, and job 41 may" in capsys.readouterr().err
    assert cancel.main(["first"]) == 1
    assert jobs.main(["first"]) == 0
    assert "unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["cluster.time_limit="], "/tiny has no config.json, from which a plan takes"),
        (["strategy=single"], "strategy=single runs one process, the cluster 2 x 8: choose"),
        (["trainig.lr=1"], "unknown key 'trainig.lr': did you mean 'training.lr'?"),
        (["recipe=submit"], "recipe=submit cannot be submitted: choose one of c"),
        (["corpus_folder=none"], "none is unfinished (no manifest.json): lokal prepare makes it"),
        (["sweep.seed=[1,1]"], "sweep.seed must name each once"),
        (["+cluster.sbatch.output=x"], "cluster.sbatch.output is set by lokal itself"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_queued(
    fakes: Fakes,
    words: list[str],
    extra: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keys = [word.partition("=")[0] for word in extra]
    kept = [word for word in words if word.partition("=")[0] not in keys]
    assert submit.main([*kept, *extra]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert fakes.calls("sbatch") == []
    assert not Path("runs").exists()


def test_a_refusal_of_slurm_is_passed_on_in_its_words(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    refusal = "sbatch: error: Batch job submission failed: Invalid partition name specified"
    fakes.add("sbatch", f'echo "sbatch: error: a hint" >&2; echo "{refusal}" >&2; exit 1')
    assert submit.main(words) == 2
    assert "Batch job submission failed: Invalid partition name specified: correct" in (
        capsys.readouterr().err
    )
    assert not Path("runs/first/jobs/finetune/job.json").exists()
    fakes.add("sbatch", 'echo "welcome to the cluster"')
    assert submit.main(words) == 1
    assert "sbatch answered 'welcome to the cluster', which holds no" in capsys.readouterr().err


def test_without_sbatch_the_cure_is_named(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert submit.main(words) == 2
    assert "cluster=slurm needs sbatch on this machine: log in" in capsys.readouterr().err


def test_a_session_on_the_cluster_leaves_nothing_behind(
    fakes: Fakes, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLURM_NNODES", "SBATCH_PARTITION", "SLURM_MEM_PER_CPU"):
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    fakes.add("sbatch", 'env | grep -E "^(SLURM|SBATCH)_" >seen; echo 5')
    assert submit.main(words) == 0
    assert Path("seen").read_text() == "SLURM_CONF=/etc/slurm.conf\n"


def test_a_sweep_is_one_array_with_a_run_folder_each(fakes: Fakes, words: list[str]) -> None:
    sweep = ["sweep.region=[id,hi]", "sweep.seed=[0,1]", "cluster.cpus_per_process=3"]
    assert submit.main([*words, *sweep, "after=[7,8]"]) == 0
    found = [(task["label"], task["run_folder"]) for task in record()["tasks"]]
    labels = ["id/seed-0", "id/seed-1", "hi/seed-0", "hi/seed-1"]
    assert found == [(label, str(Path("runs/first", label).resolve())) for label in labels]
    script = Path("runs/first/jobs/finetune/job.sbatch").read_text()
    assert "#SBATCH --array=0-3\n" in script
    assert "region=hi seed=1 name=first/hi/seed-1" in script
    assert "--dependency=afterok:7,afterok:8 --kill-on-invalid-dep=yes" in fakes.calls("sbatch")[0]


def test_seeds_share_the_corpus_of_their_run(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    own = [word for word in words if not word.startswith("corpus_folder")]
    assert submit.main([*own, "sweep.seed=[0,1]", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("corpus_folder=runs/first/corpus/id") == 2


def test_jobs_tells_why_a_job_waits_and_how_far_it_is(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 0
    shows(fakes, "JobId=41 JobState=PENDING Reason=PartitionNodeLimit Restarts=2 NodeList=(null)")
    lines = [
        {"step": n, "loss": 3.0, "tokens": 100, "tokens_per_second": 10.0} for n in range(1, 5)
    ]
    Path("runs/first/metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    Path("runs/first/state.json").write_text('{"state": "running", "step": 4, "total_steps": 400}')
    assert jobs.main([]) == 0
    row = capsys.readouterr().out.splitlines()[1].split("  ")
    assert [cell.strip() for cell in row if cell] == [
        "first",
        "finetune",
        "41",
        "pending",
        "2",
        "4 of 400, loss 3.0000, 1 h 06 min left",
        "PartitionNodeLimit: can never start: the partition has not so many nodes",
    ]


def test_jobs_knows_the_end_where_slurm_has_forgotten_it(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main(words) == 0
    assert jobs.main(["first"]) == 0
    assert "lost" in capsys.readouterr().out
    end = {"state": "failed", "code": 1, "why": "see the log", "step": 3, "job": "41"}
    folder = Path("runs/first/jobs/finetune")
    (folder / "exit.json").write_text(json.dumps(end | {"restarts": 1, "time": ""}))
    (folder / "log.txt").write_text("[train] x\nlokal finetune: no space left on the disk\n")
    assert jobs.main(["first"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split()[3:] == ["failed", "1", "no", "space", "left", "on", "the", "disk"]


def test_cancel_takes_what_waits_and_lets_training_save(
    fakes: Fakes, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.main([*words, "sweep.region=[id,hi,tl]"]) == 0
    task = "Reason=None Restarts=0 NodeList=node1"
    shows(
        fakes,
        f"JobId=42 ArrayJobId=41 ArrayTaskId=0 JobState=RUNNING {task}",
        f"JobId=41 ArrayJobId=41 ArrayTaskId=1-2%2 JobState=PENDING {task}",
    )
    assert cancel.main(["first"]) == 0
    assert fakes.calls("scancel") == ["41_1 41_2"]
    assert Path("runs/first/id/stop").exists()
    assert Path("runs/first/jobs/finetune/cancel-0").exists()
    assert "job 41_0, finetune (id), saves at its next step" in capsys.readouterr().out
    assert cancel.main(["first", "--now"]) == 0
    assert fakes.calls("scancel")[1:] == ["41_1 41_2", "41_0"]
    assert cancel.main(["first/hi"]) == 0
    assert fakes.calls("scancel")[-1] == "41_1"


def test_logs_follow_a_job_that_waits_until_it_ends(fakes: Fakes, words: list[str]) -> None:
    assert submit.main(words) == 0
    shows(fakes, "JobId=41 JobState=PENDING Reason=Resources Restarts=0 NodeList=")
    folder, clock = Path("runs/first/jobs/finetune"), iter(range(0, 1000, 10))

    def starts(_: float) -> None:
        shows(fakes, "JobId=41 JobState=RUNNING Reason=None Restarts=0 NodeList=node[1-2]")
        (folder / "log.txt").write_bytes(b"[job 41.0] starts\n10%\r20%\n[tr")
        events.append(ends)

    def ends(_: float) -> None:
        fakes.add("scontrol", GONE)
        (folder / "log.txt").write_bytes(b"[job 41.0] starts\n10%\r20%\n[train] done\n")
        end = {"state": "finished", "code": 0, "why": "the model is written", "step": 3}
        (folder / "exit.json").write_text(
            json.dumps(end | {"job": "41", "restarts": 0, "time": ""})
        )

    events = [starts]
    lines = logs.follow(
        Path("runs/first"), sleep=lambda s: events.pop(0)(s), clock=lambda: next(clock)
    )
    assert list(lines) == [
        "finetune: pending Resources: waits for free nodes",
        "finetune: running node[1-2]",
        "[job 41.0] starts",
        "20%",
        "finetune: finished the model is written",
        "[train] done",
    ]
