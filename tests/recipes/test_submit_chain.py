"""The pipeline as a chain of jobs: what waits for what, and what is left when a region fails."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from lokal.cluster.job import Job, Launch, Wait
from lokal.cluster.record import JobRecord, Outcome
from lokal.cluster.settings import ClusterConfig, ClusterKind
from lokal.recipes.chain import PER_REGION, chain_jobs
from lokal.recipes.pipeline import pipeline
from lokal.recipes.submit import submit
from lokal.recipes.tools import conclude, tokenise

CLUSTER = ClusterConfig(kind=ClusterKind.slurm, nodes=2, processes_per_node=1)


@pytest.fixture(scope="module")
def chain(tiny_llama_folder: Path) -> list[Job]:
    return chain_jobs(pipeline.compose(words(tiny_llama_folder)), CLUSTER)


@pytest.fixture
def jobs(chain: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Return the chain with the files of its jobs and runs below an own folder."""
    monkeypatch.chdir(tmp_path)
    moved = [
        replace(
            job,
            folder=tmp_path / "jobs" / job.step,
            tasks=tuple(replace(task, run_folder=tmp_path / task.label) for task in job.tasks),
        )
        for job in chain
    ]
    last = moved[-1].tasks[0]
    told = replace(last, words=(str(tmp_path / "jobs"), *last.words[1:]))
    return [*moved[:-1], replace(moved[-1], tasks=(told,))]


def words(tiny: Path) -> list[str]:
    parent = f"parent=['model=local','model.path={tiny}']"
    return ["name=all", parent, "finetune=['strategy=fsdp']", "split=dev"]


def end(job: Job, number: int, state: str = "finished") -> None:
    job.folder.mkdir(parents=True, exist_ok=True)
    record = JobRecord.of(job, number="0", now=datetime.now(UTC))
    record.write()
    outcome = Outcome(state, 0 if state == "finished" else 1, "why not", 0, "0", 0, "")
    record.write_outcome(number, outcome)


def test_each_region_waits_for_itself_and_the_report_for_all(jobs: list[Job]) -> None:
    by_step = {job.step: job for job in jobs}
    for before, step in pairwise(PER_REGION):
        assert [(one.step, one.wait) for one in by_step[step].after] == [(before, Wait.each)]
        assert [task.label for task in by_step[step].tasks] == ["id", "hi", "tl"]
    assert by_step["finetune"].launch is Launch.torchrun
    assert by_step["tokenise"].launch is Launch.single
    assert {(one.step, one.wait) for one in by_step["conclude"].after} == {
        ("evaluate-parent", Wait.end),
        ("evaluate-children", Wait.end),
        ("evaluate-baselines", Wait.end),
    }
    assert [job.step for job in jobs][-1] == "conclude"


def test_the_comparison_leaves_out_what_failed_and_says_why(
    jobs: list[Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in jobs[:-1]:
        for number, task in enumerate(job.tasks):
            is_gone = task.label == "hi" and job.step in ("finetune", "evaluate-children")
            state = "failed" if task.label == "gpt-4" or is_gone else "finished"
            end(job, number, state)
    state = {"state": "failed", "step": 3, "total_steps": 9, "reason": "a source is missing"}
    Path("hi").mkdir()
    Path("hi/state.json").write_text(json.dumps(state))
    seen = []
    monkeypatch.setattr(conclude, "compare", _Compare(seen))
    assert conclude.main(list(jobs[-1].tasks[0].words)) == 5
    config = seen[0]
    assert (config.regions, config.baselines) == (["id", "tl"], ["gpt-3.5-turbo"])
    assert list(config.corpora) == list(config.models) == ["id", "tl"]
    assert config.failed == {"hi": "finetune: a source is missing"}
    assert "hi failed: finetune: a source is missing" in capsys.readouterr().err


class _Compare:
    def __init__(self, seen: list) -> None:
        self.seen = seen

    def compose(self, words: list[str]) -> object:
        from lokal.recipes.compare import compare

        return compare.compose(words)

    def __call__(self, config: object) -> int:
        self.seen.append(config)
        return 0


def test_without_a_region_or_the_parent_there_is_nothing_to_compare(
    jobs: list[Job], capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude.main(list(jobs[-1].tasks[0].words)) == 2
    assert "holds no chain: lokal submit recipe=pipeline makes one" in capsys.readouterr().err
    for number in range(3):
        end(jobs[0], number, "failed")
    assert conclude.main(list(jobs[-1].tasks[0].words)) == 1
    assert "no region came through: its reason stands above" in capsys.readouterr().err


def test_a_sweep_over_the_pipeline_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert submit.main(["recipe=pipeline", "sweep.region=[id]"]) == 2
    assert "recipe=pipeline goes through regions=[...] by itself" in capsys.readouterr().err


def test_rows_are_encoded_before_the_training_and_found_by_it(
    tmp_path: Path, tiny_llama_folder: Path, tiny_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = [f"corpus_folder={tiny_corpus}", "~sources.sib200-train", "+sources.task=1"]
    own = [*corpus, "model=local", f"model.path={tiny_llama_folder}", f"root={tmp_path}", "name=x"]
    assert tokenise.main(own) == 0
    manifest = tmp_path / "x" / "tokens" / "id" / "manifest.json"
    before = manifest.stat().st_mtime_ns
    assert tokenise.main(own) == 0
    assert manifest.stat().st_mtime_ns == before
    assert tokenise.main(["trainig.lr=1"]) == 2
    assert "unknown key 'trainig.lr'" in capsys.readouterr().err


@pytest.mark.proof
def test_a_chain_on_this_machine_compares_the_regions_that_came_through(
    tmp_path: Path, tiny_llama_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "runs, with space"
    settings = [
        *words(tiny_llama_folder)[1:2],
        "experiment=quickstart",
        "regions=[hi,tl]",  # the quickstart's 219 tokens are too few for Hindi in this tokenizer
        "finetune=['training.max_steps=2','strategy=fsdp','launch.processes=1']",
        "+finetune_region.tl=['tokens.max_too_long_share=1.0']",
        "evaluate=['answers.max_new_tokens=2']",
        f"root='{root}'",
    ]
    assert submit.main(["recipe=pipeline", "cluster=local", *settings]) == 5
    assert "finetune of quickstart (hi) is cancelled: tokenise" in capsys.readouterr().err
    page = (root / "quickstart/report/index.html").read_text()
    assert "<b>Hindi is not compared.</b> tokenise: " in page
    assert list(json.loads((root / "quickstart/report/results.json").read_text())["failed"]) == [
        "hi"
    ]
