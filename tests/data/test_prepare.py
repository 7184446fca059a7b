"""What ``make_corpus`` says of work that it cannot do, before hours are spent on it."""

import json
from pathlib import Path

import pytest
from lokal.data.errors import RunError
from lokal.data.plan import CorpusPlan, plan_corpus
from lokal.data.prepare import _alone_in, make_corpus
from lokal.recipes.prepare import prepare

TEXTS = [
    "Kumusta ka? Ang mga bata'y naglalaro sa tabing-ilog tuwing hapon.",
    "Si Señor Peña ay bumili ng isda sa palengke kaninang umaga.",
]


def plan_of(tmp_path: Path, *words: str) -> CorpusPlan:
    file = tmp_path / "sarili.jsonl"
    file.write_text("\n".join(json.dumps({"text": text}) for text in TEXTS), encoding="utf-8")
    own = [f"corpus.sources.mine.path={file}", "corpus.sources.mine.licence=MIT"]
    where = [f"root={tmp_path}/runs", "name=sarili", "heldout_share=0"]
    return plan_corpus(prepare.compose(["region=tl", "corpus=local", *own, *where, *words]))


def test_a_second_run_into_the_same_folder_is_refused_and_spoils_nothing(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    work = plan.folder.with_name(".tl.tmp")
    work.mkdir(parents=True)
    with _alone_in(work), pytest.raises(RunError, match="another lokal prepare works in"):
        make_corpus(plan)
    assert list(work.iterdir()) == []
    assert make_corpus(plan).counts["train_rows"] == len(TEXTS)
