"""``lokal plan``: what it prints and refuses, what fits, and whose speed it takes."""

import json
from pathlib import Path

import pytest
from lokal.cluster.settings import ClusterConfig, ClusterKind
from lokal.data.errors import ExitCode, UserError
from lokal.data.gpu import find_gpu, load_gpu
from lokal.recipes.plan import plan, plan_time_limit

EIGHT_H100 = ["gpu=h100", "cluster.gpus_per_node=8"]
FULL_8B = ["model=llama3_1_8b", "method=full", "strategy=fsdp", "training.rows_per_step=64"]


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert plan(plan.compose(words)) is ExitCode.DONE
    return capsys.readouterr().out


def test_a_model_that_is_not_here_is_planned_without_its_revision(capsys, tmp_path: Path):
    file = tmp_path / "plan.json"
    text = printed(
        capsys, *EIGHT_H100, *FULL_8B, "corpus_tokens=1000000", f"json_file={file}",
        "cluster.price_per_gpu_hour=2",
    )  # fmt: skip
    assert "8 x H100 80 GB" in text
    assert "USD" in text
    values = json.loads(file.read_text())
    assert values["model_parameters"] == 8_030_261_248
    parts = values["memory_bytes"]
    whole = sum(part for name, part in parts.items() if name not in ("total", "peak_at"))
    assert parts["total"] == pytest.approx(whole)
    assert values["price_usd"]["usual"] == pytest.approx(2 * values["gpu_hours"][1])


def test_without_a_price_it_says_what_to_set(capsys):
    text = printed(capsys, *EIGHT_H100, *FULL_8B, "corpus_tokens=1000000")
    assert "unknown: set cluster.price_per_gpu_hour" in text


def test_without_corpus_and_numbers_it_says_what_to_give(capsys):
    assert "give corpus_tokens=... or training.max_steps=..." in printed(
        capsys, *EIGHT_H100, *FULL_8B
    )


def test_a_gpu_that_is_not_named_is_asked_for(capsys):
    text = printed(capsys, "cluster.gpus_per_node=8", *FULL_8B, "corpus_tokens=1000000")
    assert "name the GPU, as gpu=h100" in text


def test_what_does_not_fit_says_what_would(capsys):
    text = printed(
        capsys, "gpu=h100", "cluster.gpus_per_node=8", "model=llama3_1_8b", "method=full",
        "strategy=ddp",
    )  # fmt: skip
    assert "NO, " in text
    found = next(line for line in text.splitlines() if line.startswith("  lokal finetune "))
    assert "strategy=fsdp" in found
    assert "strategy=ddp" not in found


def test_fit_prints_words_that_fit_when_they_are_planned(capsys):
    text = printed(
        capsys, "gpu=a100_80", "cluster.gpus_per_node=4", "experiment=sft_qlora_70b", "fit=true"
    )
    command = next(line for line in text.splitlines() if line.startswith("  lokal finetune "))
    words = command.split()[2:]
    again = printed(capsys, "gpu=a100_80", "cluster.gpus_per_node=4", *words)
    assert "fits           yes" in again


def test_fit_of_what_cannot_fit_ends_with_the_nearest(capsys):
    code = plan(plan.compose(["gpu=rtx_4090", "model=llama3_1_70b", "method=full", "fit=true"]))
    assert code is ExitCode.RUN_FAILED
    assert "nothing of " in capsys.readouterr().out


def test_another_recipe_is_refused_in_one_line():
    with pytest.raises(UserError, match="only finetune is planned"):
        plan(plan.compose(["recipe=evaluate"]))


def test_a_model_of_unknown_sizes_is_refused():
    with pytest.raises(UserError, match="sizes of org/other are not known here"):
        plan(plan.compose(["model.path=org/other@c0ffee"]))


def test_fit_without_a_gpu_of_known_memory_is_refused():
    with pytest.raises(UserError, match="needs to know the GPU"):
        plan(plan.compose(["cluster.gpus_per_node=8", "strategy=fsdp", "fit=true"]))


def write_run(folder: Path, *, tokens_per_second: float, steps: int = 8) -> None:
    from lokal.data.config import as_json
    from lokal.recipes.finetune import finetune

    folder.mkdir()
    config = as_json(finetune.compose(["training.precision=bf16"]))
    (folder / "config.json").write_text(json.dumps(config))
    line = {"tokens": 2048, "trained_tokens": 512, "tokens_per_second": tokens_per_second}
    (folder / "metrics.jsonl").write_text(f"{json.dumps(line)}\n" * steps)


def test_a_run_twice_as_fast_halves_the_time(tmp_path: Path):
    seconds: list[float] = []
    for name, speed in (("slow", 100.0), ("fast", 200.0)):
        write_run(tmp_path / name, tokens_per_second=speed)
        file = tmp_path / f"{name}.json"
        words = [f"calibrate={tmp_path / name}", f"json_file={file}", "training.max_steps=50"]
        plan(plan.compose(["training.precision=bf16", *words]))
        seconds.append(json.loads(file.read_text())["seconds"]["step"])
    assert seconds[0] == pytest.approx(2 * seconds[1])


def test_a_run_with_too_few_steps_tells_nothing(tmp_path: Path):
    write_run(tmp_path / "short", tokens_per_second=100, steps=2)
    with pytest.raises(UserError, match="at least 3 are needed"):
        plan(plan.compose([f"calibrate={tmp_path / 'short'}", "training.max_steps=9"]))
    with pytest.raises(UserError, match=r"neither config\.json nor a finished model"):
        plan(plan.compose([f"calibrate={tmp_path}", "training.max_steps=9"]))


def test_the_time_limit_is_in_slurms_form_or_says_what_is_missing():
    cluster = ClusterConfig(kind=ClusterKind.slurm, gpus_per_node=8)
    words = [*FULL_8B, "training.max_steps=1000"]
    assert plan_time_limit(words, cluster, load_gpu("h100")).endswith(":00")
    with pytest.raises(UserError, match="the GPU is not named"):
        plan_time_limit(words, cluster)
    with pytest.raises(UserError, match="the corpus is not here"):
        plan_time_limit(FULL_8B, cluster, load_gpu("h100"))


def test_the_longest_name_of_a_gpu_counts():
    found = [
        find_gpu(f"NVIDIA {name}") for name in ("H100 80GB HBM3", "H100 PCIe", "A100-SXM4-40GB")
    ]
    assert [gpu.memory_gb for gpu in found if gpu] == [80, 80, 40]
    assert [gpu.bf16_teraflops for gpu in found if gpu] == [989.4, 756.0, 312.0]
