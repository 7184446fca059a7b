"""``lokal prepare`` as a user runs it: the shipped sample, own files, kills, mistakes."""

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
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "manifest.json")
    return {str(file.relative_to(folder)): sha256_of_file(file) for file in files}


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
        for file in folder.glob(f"{stem}-*.parquet"):
            assert pq.read_schema(file).equals(schema)
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
    words = own_files(tmp_path, '{"text": "कटी')
    assert prepare.main(words) == 0
    folder = tmp_path / "runs" / "own" / "corpus" / "hi"
    kept = read(folder, "train")
    assert [row["text"] for row in kept] == [*TEXTS[:2], TEXTS[3]]  # joiners and nukta as written
    assert [row["script"] for row in kept] == ["Deva", "Deva", "Latn"]
    assert [row["register"] for row in kept] == ["", "", "hinglish"]
    dropped = read(folder, "dropped")
    reasons = [(row["id"], row["step"], row["reason"]) for row in dropped]
    assert reasons == [
        ("own/2", "duplicate", "same text"),
        ("mine/own.jsonl/848", "read", "not JSON"),
    ]
    assert f"{tmp_path}/own.jsonl:5" in str(dropped[1]["detail"])
    assert prepare.main([*words, "language.registers.hinglish=drop", "overwrite=true"]) == 0
    reasons = [row["reason"] for row in read(folder, "dropped")]
    assert reasons == ["same text", "register hinglish", "not JSON"]
    errors = capsys.readouterr().err
    assert "datatrove" not in errors
    assert list((tmp_path / "runs" / "own" / "logs" / "prepare-hi").rglob("task_00000.log"))
    assert [path.name for path in folder.parent.iterdir()] == ["hi"]


KILLS = {
    "in a gate": (
        "from lokal.data.steps.script_gate import ScriptGate as C; name = 'judge'; after = 2"
    ),
    "among the pairs": (
        "from lokal.data.steps.find_pairs import FindPairs as C; name = 'stream'; after = 9"
    ),
    "while the corpus is written": (
        "from lokal.data.steps.split_clusters import SplitClusters as C; name = 'judge'; after = 1"
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
    (folder / "train-00000-00000.parquet").unlink()
    assert prepare.main(words) == 0
    assert hashes(folder) == whole


VIETNAM = """
code: vi
name: Vietnamese
native_name: Tiếng Việt
iso639_3: vie
flores: [vie_Latn]
sib200: vie_Latn
belebele: vie_Latn
global_mmlu: vi
fineweb2: vie_Latn
lingua: VIETNAMESE
cld2: vi
scripts: [Latn]
prompts: {topic: "Xác định chủ đề của văn bản. Trả lời bằng một nhãn: {labels}"}
"""
VIETNAMESE = [
    "Sáng nay trời mưa to nên chợ mở cửa muộn hơn mọi ngày.",
    "Mẹ tôi nấu một nồi canh chua cá lóc cho cả nhà cùng ăn.",
    "Chiếc xe đạp cũ của ông nội vẫn còn chạy rất tốt.",
    "Thư viện thành phố vừa nhận thêm hai nghìn cuốn sách mới.",
    "Các em học sinh đang tập hát để chuẩn bị cho ngày khai giảng.",
    "Giá gạo năm nay tăng nhẹ vì mùa lũ kéo dài ở miền Tây.",
]
ENGLISH = "The river was calm that morning and nobody in the village had heard about the storm."


def test_a_fourth_region_costs_one_yaml_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "configs" / "region").mkdir(parents=True)
    (tmp_path / "configs" / "region" / "vi.yaml").write_text(VIETNAM, encoding="utf-8")
    texts = [*VIETNAMESE, ENGLISH, VIETNAMESE[0].upper()]
    lines = [json.dumps({"text": text}) for text in texts]
    (tmp_path / "vie.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setenv("LOKAL_CONFIG_DIR", str(tmp_path / "configs"))
    words = [
        "region=vi",
        "corpus=local",
        f'corpus.sources.mine.path="{tmp_path}/{{iso639_3}}.jsonl"',
        "corpus.sources.mine.licence=CC-BY-SA-4.0",
        f"root={tmp_path}",
        "name=fourth",
    ]
    assert prepare.main(words) == 0
    folder = tmp_path / "fourth" / "corpus" / "vi"
    assert {row["text"] for row in read(folder, "train") + read(folder, "heldout")} == {*VIETNAMESE}
    assert [row["reason"] for row in read(folder, "dropped")] == ["other language", "same text"]
    assert "Tiếng Việt" in (folder / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["region=xx"], "region"),
        (["region=id", "corpus.sources.ud-gsd.pth=x"], "pth"),
        (["region=id", "corpus=local"], "corpus.sources.mine.licence has no value"),
        (
            ["region=id", "language.min_script_share=2"],
            "language.min_script_share must lie in [0, 1], got 2",
        ),
        (["region=id", "name=../elsewhere"], "name must lead to a folder below root"),
        (["region=id", "engine.workers=0"], "engine.workers must be 1 or more, got 0"),
        (["region=id", "decontaminate.suites=[sib201]"], "unknown suite 'sib201'"),
        (["region=id", "region.scripts=[Latin]"], "unknown script 'Latin': choose one of"),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, failing: Callable[..., str], words: list[str], message: str
) -> None:
    assert message in failing([f"root={tmp_path}", "name=wrong", *words])
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
    words = own_files(tmp_path, '{"text": "putus')
    words += [f"engine.workers={workers}", "corpus.on_bad_row=stop"]
    words[2] = words[2].replace("own.jsonl", "o*.jsonl")
    (tmp_path / "other.jsonl").write_text('{"text": "यह एक और पंक्ति है।"}\n', encoding="utf-8")
    assert f"{tmp_path}/own.jsonl:5: not JSON" in failing(words)
    own_files(tmp_path)
    assert prepare.main(words) == 0
    assert len(read(tmp_path / "runs" / "own" / "corpus" / "hi", "train")) == 4


def test_a_corpus_that_loses_every_row_says_where(
    tmp_path: Path, failing: Callable[..., str]
) -> None:
    words = own_files(tmp_path)
    error = failing(
        [*words, "language.min_script_share=1", "corpus.sources.mine.limit_rows=3", "region=tl"]
    )
    assert "corpus local has no row left for tl: of 3 rows most were dropped by script" in error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(
    tmp_path: Path, failing: Callable[..., str]
) -> None:
    words = own_files(tmp_path)
    work = tmp_path / "runs" / "own" / "corpus" / ".hi.tmp"
    work.mkdir(parents=True)
    (work / "key").write_text(plan_corpus(prepare.compose(words)).key, encoding="ascii")
    (work / "corpus").mkdir()
    (work / "corpus" / "card.md.tmp").symlink_to("/dev/full")
    assert "no space left on the disk" in failing(words, code=1)
    assert not (tmp_path / "runs" / "own" / "corpus" / "hi").exists()
    os.remove(work / "corpus" / "card.md.tmp")
    assert prepare.main(words) == 0
