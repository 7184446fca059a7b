"""No training reads replies of compared systems: not by path, copy, other name or other format."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lokal.data.artifacts import ARTIFACT_MARK, artifact_keys, refuse_artifact_row
from lokal.data.errors import UserError
from lokal.data.sample_files import resolve_sample
from lokal.recipes.evaluate import evaluate
from lokal.recipes.finetune import finetune
from lokal.recipes.prepare import prepare

WHY = "for comparison only and may not be trained on"


@pytest.fixture(scope="module")
def generations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of GPT-4's replies, as ``lokal evaluate`` writes it."""
    root = tmp_path_factory.mktemp("artifact")
    words = ["system=gpt-4", "baseline=sib200_gpt4", "languages=[id,hi,tl]"]
    assert evaluate.main([*words, f"root={root}", "name=x"]) == 0
    return root / "x/generations/gpt-4"


@pytest.fixture
def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that lets ``prepare`` read a file, and returns why it did not."""

    def run(path: Path, *more: str, field: str = "reply") -> str:
        words = ["region=id", "corpus=local", "corpus.sources.mine.licence=MIT", "name=x"]
        words += [f"corpus.sources.mine.path='{path}'", f"root={tmp_path}/runs"]
        code = prepare.main([*words, f"corpus.sources.mine.text_field={field}", *more])
        error = capsys.readouterr().err
        assert code == 2, error
        return error

    return run


@pytest.mark.parametrize("place", ["{own}/sib200-id.jsonl", "{own}/*.jsonl", "{link}"])
def test_by_path_the_manifest_tells(
    generations: Path, tmp_path: Path, refusal: Callable[..., str], place: str
) -> None:
    link = tmp_path / "innocent.jsonl"
    link.symlink_to(generations / "sib200-id.jsonl")
    error = refusal(Path(place.format(own=generations, link=link)))
    assert f"lies in {generations.resolve()}, replies or verdicts that lokal evaluate has" in error
    assert error.strip().splitlines()[-1].endswith(WHY)


def test_in_a_folder_below_it_the_manifest_tells_too(
    generations: Path, tmp_path: Path, refusal: Callable[..., str]
) -> None:
    copy = tmp_path / "again"
    shutil.copytree(generations, copy)
    (copy / "own/deep").mkdir(parents=True)
    (copy / "own/deep/rows.jsonl").write_text('{"reply": "laut"}\n')
    assert WHY in refusal(copy / "own/deep/rows.jsonl")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.parquet", "notes.txt"])
def test_a_copy_under_another_name_is_known_by_its_rows(
    generations: Path, tmp_path: Path, refusal: Callable[..., str], name: str
) -> None:
    raw, copy, more = (generations / "sib200-id.jsonl").read_bytes(), tmp_path / name, []
    if name.endswith(".gz"):
        raw = gzip.compress(raw)
    if name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [json.loads(line) for line in raw.decode().split("\n") if line]
        pq.write_table(pa.Table.from_pylist(rows), copy)
        more = ["corpus.sources.mine.format=parquet"]
    else:
        copy.write_bytes(raw)
    if name.endswith(".txt"):
        more = ["corpus.sources.mine.format=text"]
    error = refusal(copy, *more)
    assert "is a recorded model answer (it has reply, state, system)" in error
    assert WHY in error


def test_shipped_recordings_are_known_in_every_form(
    tmp_path: Path, refusal: Callable[..., str]
) -> None:
    shipped = resolve_sample("sample:recorded/sib200/id.jsonl")
    assert "a folder 'recorded'" in refusal(shipped, field="response")
    shutil.copy(shipped, tmp_path / "id.jsonl")
    assert "(it has model, response)" in refusal(tmp_path / "id.jsonl", field="response")


@pytest.mark.parametrize(
    "row",
    [
        {ARTIFACT_MARK: True, "content": "laut"},
        {"id": "a", "row": {"reply": {"system": "gpt", "reply": "x", "state": "ok"}}},
        {"system": "gpt", "label": {"a": -1.0}, "label_and_end": {"a": -2.0}},
        {"model": "gpt", "responses": ["a", "b"]},
        {"id": "canary-1", "model": "gpt", "reply": "x", "state": "ok"},
        {"id": "a", "returned_model": "gpt", "raw": {"choices": []}, "state": "ok"},
        {"id": "a", "left": "p", "right": "c", "how": "judged", "outcome": "tie"},
        {"id": "a", "system": "p", "how": "judged", "value": 0.5, "reasons": "terlalu pendek"},
        {"text": '{"model": "gpt", "response": "laut"}'},
    ],
)
def test_rows_that_are_artifacts(row: dict) -> None:
    with pytest.raises(UserError, match=WHY):
        refuse_artifact_row("here:1", row)


@pytest.mark.parametrize(
    "row",
    [
        {"text": "laut", "model": "kapal"},
        {ARTIFACT_MARK: False, "text": "laut"},
        {"text": '{"model": "gpt", broken'},
        {"messages": [{"role": "user", "content": "x"}], "system": "y"},
        {"prompt": "x", "completions": [{"model": "a", "response": "b"}]},
        {"text": "laut"},  # cut out of a reply: nothing tells any more
    ],
)
def test_rows_that_are_none(row: dict) -> None:
    refuse_artifact_row("here:1", row)
    assert artifact_keys(row) is None


def test_finetune_reads_no_folder_of_replies_as_corpus(
    generations: Path,
    tmp_path: Path,
    tiny_corpus: Path,
    tiny_llama_folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*more: str) -> str:
        model = ["model=local", f"model.path={tiny_llama_folder}", "~sources.sib200-train"]
        place = [f"root={tmp_path}/runs", "name=x", "region=id", "+sources.task=1.0"]
        assert finetune.main([*model, *place, *more]) == 2
        return capsys.readouterr().err

    assert "that lokal evaluate has made" in run(f"corpus_folder={generations}")
    corpus = f"corpus_folder={tiny_corpus}"
    assert "that lokal evaluate has made" in run(
        corpus, "mix.enabled=true", f"mix.folders=[{generations}]"
    )
    assert "that lokal evaluate has made" in run(corpus, f"watch.heldout_folders=[{generations}]")
    planted = tmp_path / "corpus/id"
    shutil.copytree(tiny_corpus, planted)
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([{"model": "gpt-4", "response": "laut", "text": "laut"}])
    pq.write_table(table, planted / "train-00001.parquet")
    error = run(f"corpus_folder={planted}")
    assert "train-00001.parquet holds recorded model answers (it has model, response)" in error
