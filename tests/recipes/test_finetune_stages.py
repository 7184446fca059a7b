"""``stage=cpt``, ``sft`` and ``dpo`` as a user runs them, one behind the other."""

import contextlib
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from lokal.recipes.export import export
from lokal.recipes.finetune import finetune
from lokal.recipes.prepare import prepare

SMALL = (
    "training.precision=fp32", "training.rows_per_step=4", "training.micro_rows=2",
    "training.max_steps=3", "training.epochs=99", "tokens.max_tokens=256",
)  # fmt: skip


def run(root: Path, name: str, model: Path, *words: str) -> tuple[int, str]:
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        code = finetune.main(
            [f"name={name}", f"root={root}", "model=local", f"model.path={model}", *SMALL, *words]
        )
    return code, printed.getvalue()


def records(root: Path, name: str) -> list[dict[str, Any]]:
    lines = (root / name / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def pretrained(root: Path, tiny_llama_folder: Path, tiny_corpus: Path) -> tuple[Path, str]:
    """Return the model folder of a full run over running text, and what was printed."""
    code, printed = run(
        root, "cpt", tiny_llama_folder, "stage=cpt", "method=full", "~sources.flores-dev",
        "+sources.text=1", f"corpus_folder={tiny_corpus}", "training.lr=0.01",
    )  # fmt: skip
    assert code == 0, printed
    return root / "cpt" / "model", printed


def test_cpt_packs_whole_texts_and_trains_every_token_but_the_first_of_each(
    root: Path, pretrained: tuple[Path, str]
):
    packed = (root / "cpt" / "tokens" / "id" / "packs.arrow").is_file()
    assert packed
    assert "<|endoftext|>⟧" in pretrained[1]
    first = records(root, "cpt")[0]
    assert first["trained_tokens"] == first["tokens"] - 3  # three texts


def test_a_finished_full_model_is_the_next_stages_parent(
    root: Path, pretrained: tuple[Path, str], tiny_corpus: Path
):
    words = ("stage=sft", "~sources.sib200-train", "+sources.task=1",
             f"corpus_folder={tiny_corpus}")  # fmt: skip
    code, printed = run(root, "sft", pretrained[0], *words)
    assert code == 0, printed
    adapter = root / "sft" / "model"
    assert (adapter / "adapter_config.json").is_file()
    code, printed = run(root, "third", adapter, *words)
    assert code == 2
    line = printed.strip().splitlines()[-1]
    assert "is an adapter, not a whole model: merge it" in line
    command = line.partition("`")[2].partition("`")[0].split()
    assert command[:3] == ["lokal", "export", "to=merged"]
    assert export.main([*command[2:], f"root={root}"]) == 0
    code, printed = run(root, "third", root / "merged" / "export" / "merged", *words)
    assert code == 0, printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stage=cpt", "~sources.flores-dev", "+sources.task=1"), "stage=cpt trains running text"),
        (("~sources.sib200-train", "+sources.text=1"), "set stage.plain_text=true"),
        (("stage=dpo", "tokens.layout=packed"), "pairs are not packed"),
        (("stage=dpo", "stage.beta=0"), "stage.beta must be above 0"),
        (("stage=cpt", "stage.plain_text=true"), "belongs to stage=sft"),
    ],
)
def test_what_does_not_fit_the_stage_is_one_clear_line(
    root: Path, tiny_llama_folder: Path, tiny_corpus: Path, words: tuple[str, ...], message: str
):
    code, printed = run(root, "wrong", tiny_llama_folder, f"corpus_folder={tiny_corpus}", *words)
    assert code == 2, printed
    assert message in printed.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def pairs(root: Path) -> Path:
    """Return the sample's pairs: a right topic against a wrong one."""
    assert prepare.main(["corpus=preference_sample", f"root={root}", "name=pairs"]) == 0
    return root / "pairs" / "corpus" / "id"


def test_the_samples_pairs_differ_in_the_label_alone(pairs: Path):
    import pyarrow.parquet as pq

    rows = pq.read_table(pairs / "train-00000-00000.parquet").to_pylist()
    assert len(rows) > 600
    for row in rows:
        assert row["messages"][:-1] == row["rejected"][:-1]
        assert row["messages"][-1] != row["rejected"][-1]


PREFERENCE = (
    "stage=dpo", "training.lr=0.01", "training.max_steps=6", "training.warmup_fraction=0",
    "sources.sib200-pairs=0.05", "stage.beta=0.2", "tokens.max_tokens=512",
)  # fmt: skip


@pytest.fixture(scope="module")
def preferred(root: Path, tiny_llama_folder: Path, pairs: Path) -> list[dict[str, Any]]:
    """Return the records of an unbroken run on one process."""
    code, printed = run(root, "dpo", tiny_llama_folder, *PREFERENCE, f"corpus_folder={pairs}")
    assert code == 0, printed
    assert "first pair, trained part in ⟦ ⟧, chosen: " in printed
    assert "rejected: " in printed
    return records(root, "dpo")


def losses(found: list[dict[str, Any]]) -> list[float]:
    return [record["loss"] for record in found]


def test_dpo_begins_at_log_2_and_learns_which_reply_is_better(preferred: list[dict[str, Any]]):
    first, last = preferred[0], preferred[-1]
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert first["preference"]["reward_margin"] == pytest.approx(0, abs=1e-4)
    assert last["loss"] < 0.95 * first["loss"]
    assert last["preference"]["reward_margin"] > 0.05
    assert last["preference"]["reward_accuracy"] > 0.5


def test_one_pair_a_pass_or_four_give_the_same_curve(
    root: Path, tiny_llama_folder: Path, pairs: Path, preferred: list[dict[str, Any]]
):
    for micro in (1, 4):
        code, printed = run(
            root, f"dpo-{micro}", tiny_llama_folder, *PREFERENCE, f"corpus_folder={pairs}",
            f"training.micro_rows={micro}",
        )  # fmt: skip
        assert code == 0, printed
        assert losses(records(root, f"dpo-{micro}")) == pytest.approx(losses(preferred), abs=1e-4)


@pytest.mark.parametrize(
    "strategy",
    ["ddp", "fsdp", *(pytest.param(name, marks=pytest.mark.proof) for name in ("zero2", "zero3"))],
)
def test_two_processes_give_the_pairs_curve_of_one(
    root: Path, tiny_llama_folder: Path, pairs: Path, preferred: list[dict[str, Any]], strategy: str
):
    code, printed = run(
        root, f"dpo-{strategy}", tiny_llama_folder, *PREFERENCE, f"corpus_folder={pairs}",
        f"strategy={strategy}", "launch.processes=2",
    )  # fmt: skip
    assert code == 0, printed
    found = records(root, f"dpo-{strategy}")
    assert losses(found) == pytest.approx(losses(preferred), abs=1e-4)
    # Before the first update every margin is 0 but for rounding, and which is larger is chance.
    for line, wanted in zip(found[1:], preferred[1:], strict=True):
        assert line["preference"] == pytest.approx(wanted["preference"], abs=1e-3)


def test_a_stopped_run_goes_on_exactly_and_a_lost_reference_is_made_again(
    root: Path, tiny_llama_folder: Path, pairs: Path, preferred: list[dict[str, Any]]
):
    words = (*PREFERENCE, f"corpus_folder={pairs}")
    folder = root / "dpo-stopped"
    folder.mkdir()
    (folder / "stop").touch()
    code, printed = run(root, "dpo-stopped", tiny_llama_folder, *words)
    assert code == 75, printed
    before = (folder / "reference.safetensors").read_bytes()
    (folder / "reference.safetensors").unlink()
    (folder / "stop").unlink(missing_ok=True)
    code, printed = run(root, "dpo-stopped", tiny_llama_folder, *words)
    assert code == 0, printed
    assert (folder / "reference.safetensors").read_bytes() == before
    assert losses(records(root, "dpo-stopped")) == losses(preferred)


def test_a_mix_of_languages_keeps_pairs_together(root: Path, tiny_llama_folder: Path, pairs: Path):
    assert prepare.main(
        ["region=en", "corpus=preference_sample", f"root={root}", "name=english"]
    ) == 0  # fmt: skip
    code, printed = run(
        root, "dpo-mixed", tiny_llama_folder, *PREFERENCE, f"corpus_folder={pairs}",
        "mix.enabled=true", f"mix.folders=[{root}/english/corpus/en]", "mix.tokens=6000",
        "+mix.languages.id=0.25", "+mix.languages.en=0.75", "training.max_steps=2",
        "training.epochs=1",
    )  # fmt: skip
    assert code == 0, printed
    assert "en sib200-pairs: 4," in printed
    assert "id sib200-pairs: 1," in printed
    assert records(root, "dpo-mixed")[0]["loss"] == pytest.approx(math.log(2), abs=1e-5)


def test_sixteen_rows_at_once_one_by_one_or_eight_in_each_of_two_processes(
    root: Path, tiny_llama_folder: Path, pairs: Path
):
    words = (
        "~sources.sib200-train", "+sources.sib200-pairs=0.08", f"corpus_folder={pairs}",
        "method=full", "training.rows_per_step=16", "training.lr=0.003", "tokens.max_tokens=512",
    )  # fmt: skip
    curves: list[list[float]] = []
    for name, more in (
        ("16x1", ("training.micro_rows=16",)),
        ("1x16", ("training.micro_rows=1",)),
        ("2x8", ("training.micro_rows=8", "strategy=ddp", "launch.processes=2")),
    ):
        code, printed = run(root, name, tiny_llama_folder, *words, *more)
        assert code == 0, printed
        assert "a step: 16 documents" in printed or "starts 2 processes" in printed
        curves.append(losses(records(root, name)))
    assert curves[0][-1] < 0.95 * curves[0][0]
    assert curves[1] == pytest.approx(curves[0], abs=1e-4)
    assert curves[2] == pytest.approx(curves[0], abs=1e-4)
