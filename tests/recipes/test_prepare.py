"""``lokal prepare`` as a user runs it: the shipped sample, own files, kills, mistakes."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from lokal.data.document import CORPUS_SCHEMA, DROPPED_SCHEMA
from lokal.data.manifest import read_manifest, require_whole, sha256_of_file
from lokal.data.plan import plan_corpus
from lokal.data.sample_files import resolve_sample
from lokal.data.suite import load_suite, read_items
from lokal.recipes.prepare import prepare

SAMPLES = {
    "id": ["sib200-train", "flores-dev", "ud-gsd", "edgeai"],
    "hi": ["sib200-train", "flores-dev", "edgeai"],
    "tl": ["sib200-train", "flores-dev", "ud-newscrawl", "noli-me-tangere", "edgeai"],
}
TEXTS = [
    "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं।",
    "क्‍षमा करें, दर्शनार्‍थी कल सुबह ही यहाँ आएँगे।",
    "क्षमा करें -- दर्शनार्थी कल सुबह ही यहाँ आएँगे!",
    "mujhe yeh film bahut pasand aayi yaar",
]


def read(folder: Path, stem: str) -> list[dict[str, object]]:
    files = sorted(folder.glob(f"{stem}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def hashes(folder: Path) -> dict[str, str]:
    files = (file for file in folder.iterdir() if file.name != "manifest.json")
    return {file.name: sha256_of_file(file) for file in files}


def own_files(tmp_path: Path, *lines: str) -> list[str]:
    """Return the words that make a corpus of one JSONL file."""
    file = tmp_path / "own.jsonl"
    rows = [json.dumps({"id": f"own/{n}", "text": text}) for n, text in enumerate(TEXTS)]
    file.write_text("\n".join([*rows, *lines]) + "\n", encoding="utf-8")
    return [
        "region=hi",
        "corpus=local",
        f"corpus.sources.mine.path={file}",
        "corpus.sources.mine.licence=MIT",
        "heldout_share=0",
        f"root={tmp_path / 'runs'}",
        "name=own",
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    for region in SAMPLES:
        assert prepare.main([f"region={region}", f"root={root}", "name=first"]) == 0
    return root


@pytest.fixture
def failing(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run, expect the exit code, and return the one line of the error."""

    def run(words: list[str], *, code: int = 2) -> str:
        capsys.readouterr()
        assert prepare.main(words) == code
        errors = capsys.readouterr().err
        assert "Traceback" not in errors
        return next(line for line in errors.splitlines() if line.startswith("lokal prepare:"))

    return run


@pytest.mark.parametrize("region", SAMPLES)
def test_the_sample_becomes_a_finished_corpus(runs: Path, region: str) -> None:
    folder = runs / "first" / "corpus" / region
    manifest = require_whole(folder)
    train, heldout, dropped = (read(folder, stem) for stem in ("train", "heldout", "dropped"))
    for stem, schema in (("train", CORPUS_SCHEMA), ("dropped", DROPPED_SCHEMA)):
        assert pq.read_schema(folder / f"{stem}-00000.parquet").equals(schema)
    funnel = json.loads((folder / "funnel.json").read_text(encoding="utf-8"))
    assert list(funnel["sources"]) == SAMPLES[region]
    assert funnel["rows_read"] == len(train) + len(heldout) + len(dropped)
    assert manifest.counts["train_rows"] == len(train) > 1000
    assert manifest.licences == sorted({row["licence"] for row in train})  # pyright: ignore[reportArgumentType]
    assert {row["lang"] for row in train} == {region}
    assert not {row["id"] for row in train} & {row["id"] for row in heldout}
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert all(f"| {source} |" in card for source in SAMPLES[region])


@pytest.mark.parametrize("region", SAMPLES)
def test_no_row_of_the_sample_is_a_dev_or_test_item(runs: Path, region: str) -> None:
    folder = runs / "first" / "corpus" / region
    funnel = json.loads((folder / "funnel.json").read_text(encoding="utf-8"))
    assert funnel["decontaminated"]["items_met"]["sib200 test"] == 77
    kept = {str(row["text"]) for row in read(folder, "train") + read(folder, "heldout")}
    suite = load_suite("sib200")
    for split in ("dev", "test"):
        assert not {item.text for item in read_items(suite, split=split, language=region)} & kept


@pytest.mark.parametrize("region", SAMPLES)
def test_nearly_every_task_row_is_kept_as_a_conversation(runs: Path, region: str) -> None:
    folder = runs / "first" / "corpus" / region
    rows = read(folder, "train") + read(folder, "heldout")
    tasks = [row["messages"] for row in rows if row["source"] == "sib200-train"]
    assert len(tasks) >= 700
    roles = Counter(tuple(turn["role"] for turn in turns) for turns in tasks)  # pyright: ignore[reportGeneralTypeIssues, reportOptionalIterable]
    assert list(roles) == [("system", "user", "assistant")]
    texts = [row["messages"] for row in rows if row["source"] == "flores-dev"]
    assert texts == [None] * len(texts)


def test_the_same_work_gives_the_same_bytes_with_one_process_or_two(
    runs: Path, tmp_path: Path
) -> None:
    words = ["region=id", f"root={tmp_path}", "name=again", "engine.workers=2"]
    assert prepare.main(words) == 0
    assert hashes(tmp_path / "again" / "corpus" / "id") == hashes(runs / "first" / "corpus" / "id")


def test_a_finished_corpus_is_not_made_again_and_nothing_heavy_is_imported(runs: Path) -> None:
    before = (runs / "first" / "corpus" / "tl" / "manifest.json").stat().st_mtime_ns
    script = (
        "import sys; from lokal.recipes.prepare import prepare; code = prepare.main(sys.argv[1:]); "
        "heavy = {'torch', 'transformers', 'datasets', 'datatrove', 'pyarrow'} & set(sys.modules); "
        "print(sorted(heavy)); sys.exit(code)"
    )
    words = ["region=tl", f"root={runs}", "name=first"]
    result = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
    assert result.stderr == f"[prepare] {runs}/first/corpus/tl is finished: nothing to do\n"
    assert (runs / "first" / "corpus" / "tl" / "manifest.json").stat().st_mtime_ns == before


def test_other_settings_need_another_name_or_overwrite(
    tmp_path: Path, failing: Callable[..., str]
) -> None:
    words = own_files(tmp_path)
    assert prepare.main(words) == 0
    assert "choose another name=..., or overwrite=true" in failing([*words, "seed=1"])
    assert prepare.main([*words, "seed=1", "overwrite=true"]) == 0
    manifest = read_manifest(tmp_path / "runs" / "own" / "corpus" / "hi")
    assert manifest is not None
    assert manifest.seeds == {"heldout": 1}


def test_own_files_go_through_every_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare.main(own_files(tmp_path)) == 0
    folder = tmp_path / "runs" / "own" / "corpus" / "hi"
    kept = read(folder, "train")
    assert [row["text"] for row in kept] == TEXTS[:2]  # joiners and nukta as they were written
    assert [row["script"] for row in kept] == ["Deva", "Deva"]
    reasons = [(row["id"], row["step"], row["reason"]) for row in read(folder, "dropped")]
    assert reasons == [
        ("own/2", "duplicate", "same text"),
        ("own/3", "script", "other script"),
    ]
    errors = capsys.readouterr().err
    assert "datatrove" not in errors
    assert list((tmp_path / "runs" / "own" / "logs" / "prepare-hi").rglob("task_00000.log"))
    assert [path.name for path in folder.parent.iterdir()] == ["hi"]


KILLS = {
    "in a gate": (
        "from lokal.data.steps.script_gate import ScriptGate as C; name = 'judge'; after = 2"
    ),
    "in the last pass": (
        "from lokal.data.steps.deduplicate import Deduplicate as C; name = 'judge'; after = 2"
    ),
    "before the move": "import lokal.data.prepare as C; name = '_move_in_place'; after = 0",
}


@pytest.mark.parametrize("place", KILLS)
def test_a_killed_run_leaves_nothing_and_goes_on(tmp_path: Path, place: str) -> None:
    words = own_files(tmp_path)
    script = f"""
import os, signal, sys
{KILLS[place]}
real, calls = getattr(C, name), []
def dying(*args, **settings):
    calls.append(1)
    if len(calls) > after:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **settings)
setattr(C, name, dying)
from lokal.recipes.prepare import prepare
sys.exit(prepare.main(sys.argv[1:]))
"""
    result = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, check=False
    )
    assert result.returncode == -9
    folder = tmp_path / "runs" / "own" / "corpus" / "hi"
    assert not folder.exists()
    assert prepare.main(words) == 0
    resumed = hashes(folder)
    assert prepare.main([*words[:-1], "name=unbroken"]) == 0
    assert resumed == hashes(tmp_path / "runs" / "unbroken" / "corpus" / "hi")
    assert [path.name for path in folder.parent.iterdir()] == ["hi"]


def test_a_damaged_corpus_is_made_again(tmp_path: Path) -> None:
    words = own_files(tmp_path)
    assert prepare.main(words) == 0
    folder = tmp_path / "runs" / "own" / "corpus" / "hi"
    whole = hashes(folder)
    (folder / "train-00000.parquet").unlink()
    assert prepare.main(words) == 0
    assert hashes(folder) == whole


def test_a_fourth_region_costs_one_yaml_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs" / "region").mkdir(parents=True)
    (tmp_path / "configs" / "region" / "ms.yaml").write_text(
        """
code: ms
name: Malay
native_name: Bahasa Melayu
iso639_3: zsm
flores: [zsm_Latn]
sib200: zsm_Latn
belebele: zsm_Latn
global_mmlu: ms
fineweb2: zsm_Latn
lingua: MALAY
cld2: ms
scripts: [Latn]
confusable: {id: 400}
prompts: {topic: "Tentukan topik teks. Jawab dengan satu label: {labels}"}
""",
        encoding="utf-8",
    )
    rows = gzip.decompress(resolve_sample("sample:langid/neighbours_dev.jsonl.gz").read_bytes())
    texts = [json.loads(line)["text"] for line in rows.splitlines() if b'"lang": "ms"' in line]
    lines = [json.dumps({"text": f"{text} {n}"}) for n, text in enumerate(texts)]
    (tmp_path / "zsm.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setenv("LOKAL_CONFIG_DIR", str(tmp_path / "configs"))
    words = [
        "region=ms",
        "corpus=local",
        f'corpus.sources.mine.path="{tmp_path}/{{iso639_3}}.jsonl"',
        "corpus.sources.mine.licence=CC-BY-SA-4.0",
        f"root={tmp_path}",
        "name=fourth",
    ]
    assert prepare.main(words) == 0
    folder = tmp_path / "fourth" / "corpus" / "ms"
    # One Malay sentence shares 50 characters with its Indonesian dev item.
    assert len(read(folder, "train")) + len(read(folder, "heldout")) == 98
    assert [row["reason"] for row in read(folder, "dropped")] == ["sib200 dev: 50 characters"]
    assert "Bahasa Melayu" in (folder / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["region=xx"], "region"),
        (["region=id", "corpus.sources.ud-gsd.pth=x"], "pth"),
        (["region=id", "corpus=local"], "corpus.sources.mine.licence has no value"),
        (["region=id", "min_script_share=2"], "min_script_share must lie in [0, 1], got 2"),
        (["region=id", "engine.workers=0"], "engine.workers must be 1 or more, got 0"),
        (["region=id", "decontaminate=[sib201]"], "unknown suite 'sib201'"),
        (["region=id", "region.scripts=[Latin]"], "unknown script 'Latin': choose one of"),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, failing: Callable[..., str], words: list[str], message: str
) -> None:
    assert message in failing([*words, f"root={tmp_path}", "name=wrong"])
    assert list(tmp_path.iterdir()) == []


def test_recorded_answers_cannot_be_selected(tmp_path: Path, failing: Callable[..., str]) -> None:
    answers = resolve_sample("sample:recorded/sib200/id.jsonl")
    words = [
        "region=id",
        "corpus=local",
        "corpus.sources.mine.licence=MIT",
        f"root={tmp_path}/runs",
        "name=wrong",
    ]
    shipped = 'corpus.sources.mine.path="sample:recorded/sib200/{region}.jsonl"'
    assert "may not be trained on" in failing([*words, shipped])
    copy = tmp_path / "harmless.jsonl"
    copy.write_bytes(answers.read_bytes())
    error = failing([*words, f"corpus.sources.mine.path={copy}"])
    assert f"{copy}:1 is a recorded model answer" in error
    assert not (tmp_path / "runs" / "wrong" / "corpus" / "id").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_corrupt_line_is_one_line_from_any_process_and_can_be_repaired(
    tmp_path: Path, failing: Callable[..., str], workers: int
) -> None:
    words = [*own_files(tmp_path, '{"text": "putus'), f"engine.workers={workers}"]
    words[2] = words[2].replace("own.jsonl", "o*.jsonl")
    (tmp_path / "other.jsonl").write_text('{"text": "यह एक और पंक्ति है।"}\n', encoding="utf-8")
    assert f"{tmp_path}/own.jsonl:5 is not JSON" in failing(words)
    own_files(tmp_path)
    assert prepare.main(words) == 0
    assert len(read(tmp_path / "runs" / "own" / "corpus" / "hi", "train")) == 3


def test_a_corpus_that_loses_every_row_says_where(
    tmp_path: Path, failing: Callable[..., str]
) -> None:
    words = own_files(tmp_path)
    error = failing([*words, "min_script_share=1", "corpus.sources.mine.limit_rows=3", "region=tl"])
    assert "corpus local has no row left for tl: of 3 rows most were dropped by script" in error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(
    tmp_path: Path, failing: Callable[..., str]
) -> None:
    words = own_files(tmp_path)
    work = tmp_path / "runs" / "own" / "corpus" / ".hi.tmp"
    work.mkdir(parents=True)
    (work / "key").write_text(plan_corpus(prepare.compose(words)).key, encoding="ascii")
    (work / "counts.json.tmp").symlink_to("/dev/full")
    assert "no space left on the disk" in failing(words, code=1)
    assert not (tmp_path / "runs" / "own" / "corpus" / "hi").exists()
    os.remove(work / "counts.json.tmp")
    assert prepare.main(words) == 0
