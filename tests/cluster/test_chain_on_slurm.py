"""``lokal submit recipe=pipeline`` on a real SLURM: one region fails, the others come through."""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
from lokal.recipes.submit import submit

from ..local_slurm import needs_slurm
from .slurm_desk import CLUSTER, show_all, wait

_WORDS = (
    "recipe=pipeline", *CLUSTER, "cluster.nodes=1", "experiment=quickstart", "regions=[id,hi,tl]",
    "finetune=['training.max_steps=5','training.micro_rows=8','strategy=single']",
    "finetune_region.hi=['tokens.max_tokens=219','tokens.max_too_long_share=1.0']",
    "+finetune_region.tl=['training.lr=1e30']", "evaluate=['answers.max_new_tokens=2']",
)  # fmt: skip
_ACTIVE = {"PENDING", "RUNNING", "COMPLETING"}


@pytest.mark.proof
@needs_slurm
def test_a_region_that_fails_takes_its_own_successors_along_and_the_report_says_so(
    tmp_path: Path, tiny_llama_folder: Path
) -> None:
    printed = io.StringIO()
    parent = f"parent=['model=local','model.path={tiny_llama_folder}']"
    with contextlib.redirect_stderr(printed):
        assert submit.main([*_WORDS, f"root={tmp_path}", parent]) == 0, printed.getvalue()
    jobs = {step: job for job, step in re.findall(r"job (\d+): (\S+) of", printed.getvalue())}
    end = jobs["conclude"]
    wait(
        lambda: not {state for state in show_all(end).values() if state in _ACTIVE},
        what=f"the chain: {show_all(*jobs.values())}",
        seconds=1200,
    )
    assert show_all(jobs["prepare"]) == dict.fromkeys("012", "COMPLETED")
    assert show_all(jobs["finetune"]) == {"0": "COMPLETED", "1": "COMPLETED", "2": "FAILED"}
    children = show_all(jobs["evaluate-children"])
    assert children == {"0": "COMPLETED", "1": "COMPLETED", "2": "CANCELLED"}
    run = tmp_path / "quickstart"
    ended = json.loads((run / "jobs" / "conclude" / "exit.json").read_text())
    assert (ended["state"], ended["code"]) == ("finished", 5)
    results = json.loads((run / "report" / "results.json").read_text())
    assert set(results["regions"]) == {"id", "hi"}
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert "finetune: " in page
    assert "training.max_skipped_steps" in page
