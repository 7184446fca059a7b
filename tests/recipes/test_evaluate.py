"""``lokal evaluate`` on tiny checkpoints: what it writes, how it goes on, what it refuses."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from lokal.data.manifest import find_damage, read_manifest
from lokal.data.suite import load_suite, read_items
from lokal.evaluation.part_rows import PartRows
from lokal.recipes.evaluate import evaluate
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, LlamaForCausalLM

LANGUAGES = ("id", "hi", "tl", "en")
NUM_ITEMS = 12
WORDS = [
    "system=parent",
    "languages=[id,hi]",
    "answers.max_new_tokens=3",
    "answers.threads=1",
    "name=x",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a run root beside twelve real items a language."""
    suite = load_suite("sib200")
    for language in LANGUAGES:
        items = read_items(suite, split="dev", language=language)[:NUM_ITEMS]
        rows = [{"id": item.id, "text": item.text, "label": item.label} for item in items]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (tmp_path / f"{language}.jsonl").write_text("".join(lines), encoding="utf-8")
    return tmp_path


@pytest.fixture
def tiny(tiny_llama_folder: Path, tmp_path: Path) -> Path:
    """Return a checkpoint that the test may alter."""
    return Path(shutil.copytree(tiny_llama_folder, tmp_path / "tiny"))


def run(folder: Path, *words: str) -> int:
    items = f"suite.items.test='{folder}/{{region}}.jsonl'"
    return evaluate.main([*WORDS, f"root={folder}/runs", items, *words])


def run_tiny(folder: Path, tiny: Path, *words: str) -> int:
    return run(folder, "model=local", f"model.path={tiny}", *words)


def made(folder: Path, name: str, system: str = "parent") -> Path:
    return folder / "runs/x/generations" / system / name


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def test_writes_a_reply_and_seven_loglikelihoods_an_item(folder: Path, tiny: Path) -> None:
    assert run_tiny(folder, tiny) == 0
    for language in ("id", "hi"):
        replies = rows(made(folder, f"sib200-{language}.jsonl"))
        scores = rows(made(folder, f"sib200-{language}.loglikelihood.jsonl"))
        ids = [row["id"] for row in rows(folder / f"{language}.jsonl")]
        assert [row["id"] for row in replies] == [row["id"] for row in scores] == ids
        assert list(replies[0]) == [
            "id",
            "language",
            "suite",
            "split",
            "system",
            "prompt_sha256",
            "reply",
            "state",
            "sample",
            "num_tokens",
        ]
        assert {row["state"] for row in replies} <= {"ok", "truncated", "empty"}
        assert {tuple(row["label"]) for row in scores} == {tuple(load_suite("sib200").labels)}
        for row in scores:
            assert all(
                row["label_and_end"][name] < value < 0 for name, value in row["label"].items()
            )
    manifest = read_manifest(made(folder, ""))
    assert manifest is not None
    assert set(manifest.parts) == {"sib200-id", "sib200-hi"}
    assert find_damage(made(folder, ""), manifest) == []


def test_the_folder_grows_and_given_again_redoes_nothing(
    folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tiny(folder, tiny, "languages=[id]") == 0
    before = made(folder, "sib200-id.jsonl").stat().st_mtime_ns
    assert run_tiny(folder, tiny, "languages=[id,en]") == 0
    assert made(folder, "sib200-id.jsonl").stat().st_mtime_ns == before
    monkeypatch.setattr("lokal.evaluation.ask.ask_checkpoint", refuse)
    assert run_tiny(folder, tiny, "languages=[en,id]") == 0
    assert "has all 2 parts: nothing to do" in capsys.readouterr().err


def refuse(*_: object, **__: object) -> NoReturn:
    pytest.fail("loaded a checkpoint")


def test_a_run_that_has_nothing_to_do_imports_no_torch(folder: Path, tiny: Path) -> None:
    words = ["system=gpt-4", "baseline=sib200_gpt4", "languages=[id]", f"root={folder}/runs"]
    code = (
        "import sys; from lokal.recipes.evaluate import evaluate; "
        f"assert evaluate.main({words!r}) == 0; "
        "assert not {'torch', 'transformers', 'datatrove', 'scipy'} & set(sys.modules)"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1"}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=folder)


@pytest.mark.parametrize("killed_behind", [1, 5, NUM_ITEMS + 3])
def test_killed_and_run_again_gives_the_unbroken_runs_bytes(
    folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, killed_behind: int
) -> None:
    small = "answers.batch_tokens=600"
    assert run_tiny(folder, tiny, small) == 0
    unbroken = {path.name: path.read_bytes() for path in made(folder, "").glob("*.jsonl")}
    shutil.rmtree(folder / "runs")

    class Killed(BaseException):
        pass

    answered = 0
    original = PartRows._reply

    def die(self: PartRows, *arguments: object) -> tuple[str, dict]:
        nonlocal answered
        if answered == killed_behind:
            raise Killed
        answered += 1
        return original(self, *arguments)  # pyright: ignore[reportArgumentType]

    with monkeypatch.context() as patch:
        patch.setattr(PartRows, "_reply", die)
        with pytest.raises(Killed):
            run_tiny(folder, tiny, small)
    (partial,) = made(folder, "").glob("*.partial")
    with partial.open("ab") as stream:
        stream.write(b'{"id": "cut sh')
    made_again = 0

    def count(self: PartRows, *arguments: object) -> tuple[str, dict]:
        nonlocal made_again
        made_again += 1
        return original(self, *arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(PartRows, "_reply", count)
    assert run_tiny(folder, tiny, small) == 0
    assert made_again == 2 * NUM_ITEMS - killed_behind
    again = {path.name: path.read_bytes() for path in made(folder, "").glob("*.jsonl")}
    assert again == unbroken
    assert not list(made(folder, "").glob("*.partial"))


@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_give_the_bytes_of_one(
    folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr("lokal.evaluation.ask._ITEMS_OF_A_CHUNK", 5)
    precise = "answers.precision=fp32"
    assert run_tiny(folder, tiny, precise) == 0
    one = {path.name: path.read_bytes() for path in made(folder, "").glob("*.jsonl")}
    shutil.rmtree(folder / "runs")
    for rank in reversed(range(processes)):
        with monkeypatch.context() as patch:
            patch.setenv("RANK", str(rank))
            patch.setenv("WORLD_SIZE", str(processes))
            assert not made(folder, "manifest.json").exists()
            assert run_tiny(folder, tiny, precise) == 0
    several = {path.name: path.read_bytes() for path in made(folder, "").glob("*.jsonl")}
    assert several == one
    assert not list(made(folder, "").glob("*.partial*"))


def test_launched_processes_share_the_items(folder: Path, tiny: Path) -> None:
    assert run_tiny(folder, tiny, "launch.processes=2") == 0
    manifest = read_manifest(made(folder, ""))
    assert manifest is not None
    assert set(manifest.parts) == {"sib200-id", "sib200-hi"}
    assert len(rows(made(folder, "sib200-id.jsonl"))) == NUM_ITEMS


def test_one_of_several_processes_never_removes_what_the_others_made(
    folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert run_tiny(folder, tiny, "overwrite=true") == 2
    assert "overwrite=true would let each process remove" in capsys.readouterr().err


def test_several_drawn_replies_an_item_are_kept_apart_and_come_again(
    folder: Path, tiny: Path
) -> None:
    drawn = ["answers.temperature=0.7", "answers.samples=3", "languages=[hi]"]
    assert run_tiny(folder, tiny, *drawn) == 0
    replies = rows(made(folder, "sib200-hi.jsonl"))
    assert [row["sample"] for row in replies] == [0, 1, 2] * NUM_ITEMS
    assert len({row["reply"] for row in replies[:3]}) > 1
    assert run_tiny(folder, tiny, *drawn, "system=again") == 0
    again = rows(made(folder, "sib200-hi.jsonl", "again"))
    assert [row["reply"] for row in again] == [row["reply"] for row in replies]
    assert run_tiny(folder, tiny, *drawn, "system=other", "answers.seed=1") == 0
    other = rows(made(folder, "sib200-hi.jsonl", "other"))
    assert [row["reply"] for row in other] != [row["reply"] for row in replies]


def test_lettered_options_are_asked_again_in_other_orders_and_counted_once(
    folder: Path, tiny: Path
) -> None:
    options = {"id": ["gunung", "sungai", "danau"], "hi": ["क्‍षेत्र", "ज़िला", "गाँव"]}
    for language, choices in options.items():
        items = [
            {"id": f"own/{at}", "question": f"{at}?", "choices": choices, "answer": at % 3}
            for at in range(6)
        ]
        lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in items]
        (folder / f"{language}.jsonl").write_text("".join(lines), encoding="utf-8")
    words = ["suite=gk_hi", "option_orders=3"]
    assert run_tiny(folder, tiny, "suite=gk_hi") == 0
    first = made(folder, "gk_hi-hi.jsonl").read_bytes()
    assert run_tiny(folder, tiny, *words) == 0
    assert made(folder, "gk_hi-hi.jsonl").read_bytes() == first
    manifest = read_manifest(made(folder, ""))
    assert manifest is not None
    assert sorted(manifest.parts) == sorted(
        f"gk_hi{order}-{language}" for order in ("", "~1", "~2") for language in ("id", "hi")
    )
    prompts = [
        [row["prompt_sha256"] for row in rows(made(folder, f"gk_hi{order}-hi.jsonl"))]
        for order in ("", "~1", "~2")
    ]
    assert all(len(set(several)) == 3 for several in zip(*prompts, strict=True))
    assert len(rows(folder / "runs/test_scored.jsonl")) == 2


def test_an_adapter_answers_as_its_merged_checkpoint(folder: Path, tiny: Path) -> None:
    adapter, merged = adapted(tiny, folder / "adapter", folder / "merged")
    assert run(folder, f"checkpoint={adapter}", "system=adapter") == 0
    assert run(folder, f"checkpoint={merged}", "system=merged") == 0
    assert run_tiny(folder, tiny) == 0
    name = "sib200-hi.loglikelihood.jsonl"
    ours, theirs, parent = (
        [list(row["label"].values()) for row in rows(made(folder, name, system))]
        for system in ("adapter", "merged", "parent")
    )
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), atol=1e-4, rtol=0)
    assert not torch.allclose(torch.tensor(ours), torch.tensor(parent), atol=1e-2)


def adapted(tiny: Path, adapter: Path, merged: Path) -> tuple[Path, Path]:
    """Write a LoRA adapter with values of its own, and the whole checkpoint it makes."""
    model = LlamaForCausalLM.from_pretrained(tiny)
    torch.manual_seed(1)
    config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    peft = get_peft_model(model, config)
    peft.peft_config["default"].base_model_name_or_path = str(tiny)
    peft.save_pretrained(str(adapter))
    whole = peft.merge_and_unload()  # pyright: ignore[reportCallIssue]
    assert isinstance(whole, LlamaForCausalLM)
    whole.save_pretrained(merged)
    AutoTokenizer.from_pretrained(tiny).save_pretrained(merged)
    return adapter, merged


def test_each_look_at_test_is_counted_once(folder: Path, tiny: Path) -> None:
    adapter, _ = adapted(tiny, folder / "adapter", folder / "merged")
    for _ in range(2):
        assert run_tiny(folder, tiny) == 0
        assert run(folder, f"checkpoint={adapter}", "system=child", "languages=[id]") == 0
        words = ["system=gpt-4", "baseline=sib200_gpt4", "languages=[id]", "suite.items.test="]
        assert run(folder, *words[:3], f"{words[3]}'sample:sib200/{{region}}_test.jsonl'") == 0
    dev = "suite.items.dev='sample:sib200/{region}_dev.jsonl'"
    assert run(folder, "system=gpt-4", "baseline=sib200_gpt4", "split=dev", dev) == 2
    scored = rows(folder / "runs/test_scored.jsonl")
    assert [(row["system"], row["language"]) for row in scored] == [
        ("parent", "id"),
        ("parent", "hi"),
        ("child", "id"),
    ]
    assert len({row["base_key"] for row in scored}) == 1


def test_another_checkpoint_needs_overwrite(
    folder: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, merged = adapted(tiny, folder / "adapter", folder / "merged")
    assert run_tiny(folder, tiny) == 0
    old = made(folder, "sib200-id.jsonl").read_bytes()
    assert run(folder, f"checkpoint={merged}") == 2
    assert "overwrite=true to replace them" in capsys.readouterr().err
    assert made(folder, "sib200-id.jsonl").read_bytes() == old
    assert run(folder, f"checkpoint={merged}", "overwrite=true", "languages=[id]") == 0
    manifest = read_manifest(made(folder, ""))
    assert manifest is not None
    assert set(manifest.parts) == {"sib200-id"}


def test_other_items_need_overwrite(
    folder: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tiny(folder, tiny) == 0
    lines = (folder / "id.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "id.jsonl").write_text("".join(lines[:-1]), encoding="utf-8")
    assert run_tiny(folder, tiny) == 2
    assert "was made with other items or another prompt" in capsys.readouterr().err
    assert run_tiny(folder, tiny, "overwrite=true") == 0
    assert len(rows(made(folder, "sib200-id.jsonl"))) == NUM_ITEMS - 1


def test_a_damaged_part_is_made_again(folder: Path, tiny: Path) -> None:
    assert run_tiny(folder, tiny) == 0
    whole = made(folder, "sib200-id.jsonl").read_bytes()
    made(folder, "sib200-id.jsonl").write_bytes(whole[:-10])
    assert run_tiny(folder, tiny) == 0
    assert made(folder, "sib200-id.jsonl").read_bytes() == whole


def test_weights_of_the_same_shape_are_another_checkpoint(folder: Path, tiny: Path) -> None:
    assert run_tiny(folder, tiny) == 0
    model = LlamaForCausalLM.from_pretrained(tiny)
    with torch.no_grad():
        model.model.norm.weight.mul_(2)
    model.save_pretrained(tiny)
    assert run_tiny(folder, tiny) == 2


def other_architecture(tiny: Path) -> None:
    config = json.loads((tiny / "config.json").read_text())
    (tiny / "config.json").write_text(json.dumps(config | {"architectures": ["GPT2LMHeadModel"]}))


def pickled(tiny: Path) -> None:
    (tiny / "model.safetensors").rename(tiny / "pytorch_model.bin")


def no_template(tiny: Path) -> None:
    (tiny / "chat_template.jinja").unlink()


def short_weights(tiny: Path) -> None:
    weights = tiny / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def lost_base(tiny: Path) -> None:
    (tiny / "adapter_model.safetensors").write_bytes(b"")
    text = json.dumps({"peft_type": "LORA", "base_model_name_or_path": "/no/such/base"})
    (tiny / "adapter_config.json").write_text(text)


def pickled_adapter(tiny: Path) -> None:
    (tiny / "adapter_config.json").write_text("{}")


def remote_code(tiny: Path) -> None:
    config = json.loads((tiny / "config.json").read_text())
    config["auto_map"] = {"AutoModelForCausalLM": "evil.Evil", "AutoConfig": "evil.Evil"}
    (tiny / "config.json").write_text(json.dumps(config))
    (tiny / "evil.py").write_text(f"open({str(tiny / 'ran')!r}, 'w')\n")


@pytest.mark.parametrize(
    ("break_it", "code", "message"),
    [
        (other_architecture, 2, "is GPT2LMHeadModel, not LlamaForCausalLM"),
        (pickled, 2, "pickled weights are never loaded"),
        (pickled_adapter, 2, "has no adapter_model.safetensors: pickled weights are never loaded"),
        (lost_base, 2, "the adapter's base checkpoint /no/such/base does not exist"),
        (no_template, 2, "has no chat template"),
        (short_weights, 1, "cannot be loaded"),
        (shutil.rmtree, 2, "does not exist: correct checkpoint=..., or run finetune first"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_named_in_one_line(
    folder: Path, tiny: Path, capsys: pytest.CaptureFixture[str], break_it, code: int, message: str
) -> None:
    break_it(tiny)
    assert run(folder, f"checkpoint={tiny}") == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not made(folder, "manifest.json").exists()


def test_code_beside_a_checkpoint_is_never_run(folder: Path, tiny: Path) -> None:
    remote_code(tiny)
    run(folder, f"checkpoint={tiny}")
    assert not (tiny / "ran").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "server=NAME and frozen=FOLDER: got 0 of them"),
        (["checkpoint=x", "baseline=sib200_gpt4"], "got 2 of them"),
        (["baseline=sib200_gpt4", "languages=[]"], "languages is empty"),
        (["baseline=sib200_gpt4", "system=../x"], "system must be a plain folder name"),
        (["baseline=sib200_gpt4", "languages=[xx]"], "no test items in 'xx'"),
        (["baseline=sib200_gpt4", "split=tset"], "has no split 'tset'"),
        (["checkpoint=x", "option_orders=0"], "option_orders must be 1 or more"),
        (["baseline=sib200_gpt4", "option_orders=2"], "1 for a recording, which cannot be asked"),
        (["checkpoint=x", "answers.batch_tokens=0"], "answers.batch_tokens must be 1 or more"),
        (["checkpoint=x", "answers.samples=2"], "at temperature 0 gives the same reply"),
        (["checkpoint=x", "answers.temperature=3"], "answers.temperature must lie in [0, 2]"),
    ],
)
def test_senseless_settings_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(folder, *words) == 2
    assert message in capsys.readouterr().err
    assert not (folder / "runs").exists()
