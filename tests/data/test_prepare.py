"""What ``make_corpus`` says of work that it cannot do, before hours are spent on it."""

import gzip
import json
from pathlib import Path

import pytest
from lokal.data.errors import RunError, UserError
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


def test_a_corpus_without_a_row_names_the_first_fault(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "corpus.sources.mine.format=parquet")
    with pytest.raises(UserError, match=r"the first: .*sarili.jsonl: no Parquet file"):
        make_corpus(plan)


def test_a_wrong_tokenizer_is_told_before_anything_is_read(tmp_path: Path) -> None:
    wrong = tmp_path / "tokenizer.json"
    wrong.write_text("{}", encoding="utf-8")
    plan = plan_of(tmp_path, f"tokenizer={wrong}")
    with pytest.raises(UserError, match="is no tokenizer"):
        make_corpus(plan)
    assert not (plan.folder.with_name(".tl.tmp") / "read").exists()


def x_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "putol.jsonl.gz"
    lines = [json.dumps({"text": text * n}) for n in range(1, 400) for text in TEXTS]
    cut.write_bytes(gzip.compress("\n".join(lines).encode())[:-200])
    words = ["region=tl", "corpus=local", f"corpus.sources.mine.path={cut}", "name=putol"]
    words += ["corpus.sources.mine.licence=MIT", f"root={tmp_path}/runs"]
    assert prepare.main(words) == 0
    error = capsys.readouterr().err
    assert "source mine was not read whole (damaged file: 1)" in error
    assert "(1 part, " in error
