"""``lokal finetune`` as a user runs it: real processes, kills, signals, damage."""

import contextlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from lokal.data.cost_ledger import read_costs
from lokal.data.manifest import read_manifest, sha256_of_file
from lokal.recipes.finetune import finetune
from safetensors.torch import load_file

STEPS = 12


@dataclass
class Bench:
    """Runs ``lokal finetune`` on the tiny model, one thread a process."""

    root: Path
    model: Path
    corpus: Path

    def command(self, name: str, *words: str) -> list[str]:
        return [
            sys.executable, "-m", "lokal.recipes.finetune", f"name={name}", f"root={self.root}",
            "model=local", f"model.path={self.model}", f"corpus_folder={self.corpus}",
            "~sources.sib200-train", "+sources.task=1", "training.precision=fp32",
            "training.lr=0.01", "training.rows_per_step=4", f"training.max_steps={STEPS}",
            "training.epochs=99", "training.save_every_steps=3", "method.dropout=0.1", *words,
        ]  # fmt: skip

    def run(self, name: str, *words: str) -> tuple[int, str]:
        """Run in this process; return the exit code and what was printed."""
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):
            code = finetune.main(self.command(name, *words)[3:])
        return code, printed.getvalue()

    def start(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self.command(name, *words),
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start_torchrun(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
        return subprocess.Popen(
            [sys.executable, *torchrun, *self.command(name, *words)[1:]],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def losses(self, name: str) -> list[float]:
        path = self.root / name / "metrics.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert [record["step"] for record in records] == list(range(1, len(records) + 1))
        return [record["loss"] for record in records]

    def state(self, name: str) -> dict[str, object]:
        content = json.loads((self.root / name / "state.json").read_text())
        return {key: content[key] for key in ("state", "step")}

    def wait_for_step(self, name: str, step: int) -> None:
        path = self.root / name / "metrics.jsonl"
        for _ in range(6000):
            if path.is_file() and len(path.read_text().splitlines()) >= step:
                return
            time.sleep(0.02)
        pytest.fail(f"{name} never reached step {step}")


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, tiny_llama_folder: Path, tiny_corpus: Path
) -> Bench:
    return Bench(tmp_path_factory.mktemp("runs"), tiny_llama_folder, tiny_corpus)


@pytest.fixture(scope="module")
def unbroken(bench: Bench) -> list[float]:
    code, printed = bench.run("unbroken")
    assert code == 0, printed
    return bench.losses("unbroken")


@pytest.fixture(scope="module")
def half_done(bench: Bench) -> str:
    """Return the name of a run that was stopped after its first step."""
    (bench.root / "half-done").mkdir()
    (bench.root / "half-done" / "stop").touch()
    assert bench.run("half-done")[0] == 75
    return "half-done"


def test_the_loss_falls_and_the_model_folder_is_finished(bench: Bench, unbroken: list[float]):
    assert len(unbroken) == STEPS
    assert sum(unbroken[-3:]) < 0.95 * sum(unbroken[:3])
    model = bench.root / "unbroken" / "model"
    manifest = read_manifest(model)
    assert manifest is not None
    assert manifest.counts["steps"] == STEPS
    assert (model / "adapter_model.safetensors").is_file()
    assert "Not evaluated for safety" in (model / "README.md").read_text()


def test_run_again_redoes_nothing_and_other_settings_are_refused(
    bench: Bench, unbroken: list[float]
):
    code, printed = bench.run("unbroken")
    assert (code, "nothing to do" in printed) == (0, True)
    code, printed = bench.run("unbroken", "training.lr=0.02")
    assert code == 2
    assert "overwrite=true" in printed
    assert len(printed.strip().splitlines()) == 1


def test_accumulation_does_not_change_the_losses(bench: Bench):
    for rows in (1, 4):
        code, printed = bench.run(
            f"micro-{rows}", "method.dropout=0.0", f"training.micro_rows={rows}"
        )
        assert code == 0, printed
    assert bench.losses("micro-1") == pytest.approx(bench.losses("micro-4"), abs=1e-4)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_two_processes_give_the_losses_of_one_to_1e_4(bench: Bench, method: str):
    words = (f"method={method}", "method.dropout=0.0", "training.micro_rows=1")
    assert bench.run(f"single-{method}", *words)[0] == 0
    code, printed = bench.run(f"ddp-{method}", *words, "strategy=ddp", "launch.processes=2")
    assert code == 0, printed
    assert bench.losses(f"ddp-{method}") == pytest.approx(
        bench.losses(f"single-{method}"), abs=1e-4
    )


def test_killed_in_the_middle_it_goes_on_with_exactly_the_unbroken_losses(
    bench: Bench, unbroken: list[float]
):
    process = bench.start("killed")
    bench.wait_for_step("killed", 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    code, printed = bench.run("killed")
    assert code == 0, printed
    assert bench.losses("killed") == unbroken
    for name in ("adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "README.md"):
        both = [bench.root / run / "model" / name for run in ("killed", "unbroken")]
        assert both[0].read_bytes() == both[1].read_bytes()


def test_saving_in_the_background_changes_no_weight_and_no_checkpoint(
    bench: Bench, unbroken: list[float]
):
    words = ("training.async_save=true", "training.save_every_steps=1")
    process = bench.start("background", *words)
    bench.wait_for_step("background", 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    code, printed = bench.run("background", *words)
    assert code == 0, printed
    assert bench.losses("background") == unbroken
    assert weights_hash(bench, "background") == weights_hash(bench, "unbroken")
    last = f"checkpoints/step-{STEPS}"
    for name in ("weights", "optimizer", "rng-0"):
        ours, theirs = (
            bench.root / run / last / f"{name}.safetensors" for run in ("background", "unbroken")
        )
        assert ours.read_bytes() == theirs.read_bytes(), name


def test_runs_unchanged_under_torchrun(bench: Bench):
    words = ("method.dropout=0.0", "training.micro_rows=1", "strategy=ddp")
    assert bench.run("ddp-lora", *words, "launch.processes=2")[0] == 0
    assert bench.start_torchrun("torchrun", *words).wait() == 0
    assert bench.losses("torchrun") == bench.losses("ddp-lora")


def test_two_processes_killed_leave_no_orphan_and_resume_exactly(bench: Bench):
    words = ("method.dropout=0.0", "training.micro_rows=1", "strategy=ddp", "launch.processes=2")
    assert bench.run("ddp-lora", *words)[0] == 0
    process = bench.start("pair-killed", *words)
    bench.wait_for_step("pair-killed", 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    assert not workers_of(bench.root / "pair-killed")
    assert bench.run("pair-killed", *words)[0] == 0
    assert bench.losses("pair-killed") == bench.losses("ddp-lora")


@pytest.mark.proof
def test_killed_at_twenty_random_moments_the_losses_stay_exactly_the_unbroken_ones(bench: Bench):
    words = (
        "training.max_steps=200",
        "training.save_every_steps=1",
        "tokens.layout=packed",
        "tokens.max_tokens=128",
        "training.rows_per_step=3",  # 200 steps are many epochs, and most kills fall inside one
        "training.micro_rows=2",
    )
    assert bench.run("long", *words)[0] == 0
    moments = random.Random(0)
    for _ in range(20):
        process = bench.start("long-killed", *words)
        path = bench.root / "long-killed" / "metrics.jsonl"
        before = path.stat().st_mtime_ns if path.is_file() else 0
        while process.poll() is None and (not path.is_file() or path.stat().st_mtime_ns == before):
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.3))  # in a step, in a save, between the two
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert bench.run("long-killed", *words)[0] == 0
    assert bench.losses("long-killed") == bench.losses("long")
    assert weights_hash(bench, "long-killed") == weights_hash(bench, "long")


def test_looks_at_held_out_rows_change_no_loss_and_stand_once_after_a_resume(
    bench: Bench, unbroken: list[float], tmp_path: Path
):
    corpus = tmp_path / "with-heldout"
    shutil.copytree(bench.corpus, corpus)  # its key is that of its manifest, which stays
    shutil.copy(corpus / "train-00000.parquet", corpus / "heldout-00000.parquet")
    words = (f"corpus_folder={corpus}", "watch.heldout_every_steps=5")
    (bench.root / "watched").mkdir()
    (bench.root / "watched" / "stop").touch()
    assert bench.run("watched", *words)[0] == 75
    code, printed = bench.run("watched", *words)
    assert code == 0, printed
    assert bench.losses("watched") == unbroken
    lines = [json.loads(line) for line in (bench.root / "watched" / "heldout.jsonl").open()]
    assert [line["step"] for line in lines] == [0, 5, 10, STEPS]
    assert lines[0]["bits_per_byte"].keys() == {"hi", "id", "tl"}
    for code in ("hi", "id", "tl"):  # they are the training rows here
        assert lines[-1]["bits_per_byte"][code] < lines[0]["bits_per_byte"][code]
    assert "[heldout] step 5: hi " in printed
    samples = [json.loads(line) for line in (bench.root / "watched" / "samples.jsonl").open()]
    assert [(line["step"], line["language"]) for line in samples] == [
        (STEPS, code) for code in ("hi", "id", "tl")
    ]
    assert (bench.root / "watched" / "training.html").is_file()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_asked_to_stop_it_saves_and_exits_75_and_goes_on(
    bench: Bench, unbroken: list[float], number: signal.Signals
):
    name = f"stopped-{number.name}"
    process = bench.start(name)
    bench.wait_for_step(name, 2)
    process.send_signal(number)
    assert process.wait() == 75
    assert_loses_nothing(bench, name)
    assert bench.run(name)[0] == 0
    assert bench.losses(name) == unbroken
    costs = read_costs(bench.root / name)
    assert [(cost.what, cost.gpu_hours) for cost in costs] == [("finetune", 0.0)] * 2
    assert all(cost.wall_hours for cost in costs)


def test_two_processes_asked_to_stop_agree_on_the_step_and_exit_75(bench: Bench):
    words = ("method.dropout=0.0", "training.micro_rows=1", "strategy=ddp", "launch.processes=2")
    process = bench.start("pair-stopped", *words)
    bench.wait_for_step("pair-stopped", 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 75
    assert_loses_nothing(bench, "pair-stopped")
    assert bench.run("pair-stopped", *words)[0] == 0
    assert bench.run("ddp-lora", *words)[0] == 0
    assert bench.losses("pair-stopped") == bench.losses("ddp-lora")


def test_under_torchrun_a_stop_ends_with_0_and_stands_in_the_state(bench: Bench):
    words = ("method.dropout=0.0", "training.micro_rows=1", "strategy=ddp")
    process = bench.start_torchrun("torchrun-stopped", *words)
    bench.wait_for_step("torchrun-stopped", 2)
    (bench.root / "torchrun-stopped" / "stop").touch()
    assert process.wait() == 0
    assert_loses_nothing(bench, "torchrun-stopped")


def assert_loses_nothing(bench: Bench, name: str) -> None:
    """Compare the saved step with the last reported one."""
    state = bench.state(name)
    assert state["state"] == "resumable"
    assert state["step"] == len(bench.losses(name))
    assert (bench.root / name / "checkpoints" / f"step-{state['step']}" / "manifest.json").is_file()


def test_a_second_process_on_the_same_run_is_refused_and_the_first_goes_on(bench: Bench):
    words = ("training.max_steps=100000", "training.save_every_steps=100000")
    process = bench.start("twice", *words)
    bench.wait_for_step("twice", 1)
    code, printed = bench.run("twice", *words)
    assert code == 2
    assert f"is written by process {process.pid} on " in printed.splitlines()[-1]
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 75
    assert_loses_nothing(bench, "twice")


def test_a_stop_file_is_as_good_as_a_signal(bench: Bench, unbroken: list[float]):
    folder = bench.root / "stop-file"
    folder.mkdir()
    (folder / "stop").touch()
    code, printed = bench.run("stop-file")
    assert (code, "saved at step 1 of 12" in printed) == (75, True)
    assert not (folder / "stop").exists(), "else the next start would stop too"
    assert bench.state("stop-file") == {"state": "resumable", "step": 1}
    assert bench.run("stop-file")[0] == 0
    assert bench.state("stop-file") == {"state": "finished", "step": STEPS}
    assert bench.losses("stop-file") == unbroken


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(
    bench: Bench, unbroken: list[float]
):
    assert bench.run("damaged")[0] == 0
    folder = bench.root / "damaged"
    shutil.rmtree(folder / "model")
    weights = folder / "checkpoints" / f"step-{STEPS}" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    code, printed = bench.run("damaged")
    assert code == 0, printed
    assert f"WARNING {weights} has another content" in printed
    assert f"steps {STEPS - 3} to {STEPS}" in printed
    assert bench.losses("damaged") == unbroken


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("corpus_folder=nowhere",), "nowhere does not exist"),
        (("+sources.poems=1",), "source 'poems' is not in"),
        (("tokens.max_tokens=8",), "no token would be trained"),
        (("method.targets=[q_prog]",), "do not fit this model"),
        (("method.first_layer=7",), "method.first_layer must lie in 0..1"),
        (("launch.processes=2",), "strategy=single runs one process"),
        (("strategy=ddp", "strategy.replicas=2"), "strategy.replicas is for strategy=fsdp"),
        (("model.path=nowhere",), "no checkpoint (no config.json)"),
        (("training.keep_checkpoints=1",), "keep_checkpoints must be at least 2, got 1: when the"),
        (("training.attention=flash",), "training.attention=flash needs a CUDA device"),
        (("training.liger=true",), "training.liger=true needs a CUDA device"),
    ],
)
def test_a_wrong_setting_is_one_clear_line_and_exit_2(
    bench: Bench, words: tuple[str, ...], message: str
):
    code, printed = bench.run("wrong", *words)
    assert code == 2
    assert message in printed.splitlines()[-1]
    assert "Traceback" not in printed
    assert not (bench.root / "wrong" / "model").exists()


def test_three_steps_that_are_not_finite_are_skipped_and_a_fourth_stops_the_run(bench: Bench):
    code, printed = bench.run("nan", "training.lr=1e30", "training.clip_norm=1e30")
    assert code == 1
    assert (
        "were skipped (the loss is not finite), more than training.max_skipped_steps=3" in printed
    )
    lines = [json.loads(line) for line in (bench.root / "nan" / "metrics.jsonl").open()]
    skipped = [line for line in lines if "skipped" in line]
    assert [line["skipped_steps"] for line in skipped] == [1, 2, 3, 4]
    assert all(line["skipped"] == "the loss is not finite" for line in skipped)
    assert not any({"loss", "grad_norm"} & line.keys() for line in skipped)
    assert bench.state("nan")["state"] == "failed"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("training.lr=0.02",), "training.lr was 0.01, is 0.02"),
        (("seed=1", "training.epochs=9"), "seed was 0, is 1; training.epochs was 99.0, is 9.0"),
    ],
)
def test_changed_settings_of_an_unfinished_run_are_refused_by_name(
    bench: Bench, half_done: str, words: tuple[str, ...], named: str
):
    code, printed = bench.run(half_done, *words)
    assert code == 2
    assert named in printed.splitlines()[-1]
    assert "overwrite=true" in printed


def test_changed_settings_go_on_where_they_are_accepted_by_name(bench: Bench, half_done: str):
    words = ("training.lr=0.02", "seed=1")
    shutil.copytree(bench.root / half_done, bench.root / "accepts")
    code, printed = bench.run("accepts", *words, "accept_changes=[training.lr]")
    assert (code, "training.lr was" in printed) == (2, False)
    assert "seed was 0, is 1" in printed.splitlines()[-1]
    code, printed = bench.run("accepts", *words, "accept_changes=[training.lr,seed]")
    assert (code, f"steps 1 to {STEPS}" in printed) == (0, True), printed


def test_a_disk_too_small_for_the_checkpoints_stops_before_the_first_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    usage = shutil.disk_usage(bench.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    code, printed = bench.run("too-small")
    assert code == 2
    assert "GiB for 2 checkpoints, one being written and the model, and 0.0 GiB are free" in printed
    assert "choose another root=" in printed.splitlines()[-1]
    assert not (bench.root / "too-small" / "metrics.jsonl").exists()


def test_wandb_goes_on_under_the_same_id(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    starts: list[dict[str, object]] = []
    steps: list[int] = []

    class Tracked:
        def log(self, numbers: dict[str, float], *, step: int) -> None:
            steps.append(step)

        def finish(self, *, exit_code: int) -> None:
            assert exit_code == 0

    def init(**words: object) -> Tracked:
        starts.append(words)
        return Tracked()

    wandb = ModuleType("wandb")
    wandb.__dict__["init"] = init
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    (bench.root / "tracked").mkdir()
    (bench.root / "tracked" / "stop").touch()
    assert bench.run("tracked", "tracker=wandb_offline")[0] == 75
    assert bench.run("tracked", "tracker=wandb_offline")[0] == 0
    assert len(starts) == 2
    assert starts[0]["id"] == starts[1]["id"] != ""
    assert {start["resume"] for start in starts} == {"allow"}
    assert steps == list(range(1, STEPS + 1))


def test_a_spike_is_skipped_and_told_and_changes_no_weight(bench: Bench):
    words = ("training.guard_window_steps=4", "training.spike_sigmas=0.5")
    code, printed = bench.run("spikes", *words, "training.max_skipped_steps=4")
    assert code == 0, printed
    lines = [json.loads(line) for line in (bench.root / "spikes" / "metrics.jsonl").open()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    skipped = [line["step"] for line in lines if "skipped" in line]
    assert 0 < len(skipped) < STEPS
    assert skipped[0] > 2, "half a window is seen first"
    assert "is more than 0.5 sigma above the steps before" in printed
    weights = [
        load_file(bench.root / "spikes" / "checkpoints" / f"step-{step}" / "optimizer.safetensors")
        for step in (STEPS - 3, STEPS)
    ]
    made = [next(v for name, v in each.items() if name.endswith(":step")) for each in weights]
    assert made[1] == STEPS - len(skipped), "Adam has seen the other steps alone"
    assert made[0] == STEPS - 3 - sum(step <= STEPS - 3 for step in skipped)


def test_a_changed_corpus_is_refused_by_name_unless_accepted(
    bench: Bench, half_done: str, tmp_path: Path
):
    corpus = tmp_path / "changed"
    shutil.copytree(bench.corpus, corpus)
    manifest = json.loads((corpus / "manifest.json").read_text())
    (corpus / "manifest.json").write_text(json.dumps(manifest | {"host": "another"}))
    code, printed = bench.run(half_done, f"corpus_folder={corpus}")
    assert (code, f"the corpus {corpus} has changed" in printed) == (2, True)
    shutil.copytree(bench.root / half_done, bench.root / "accepted")
    code, printed = bench.run("accepted", f"corpus_folder={corpus}", "accept_changes=[corpus]")
    assert (code, f"steps 1 to {STEPS}" in printed) == (0, True), printed


def weights_hash(bench: Bench, name: str) -> str:
    return sha256_of_file(bench.root / name / "model" / "adapter_model.safetensors")


def workers_of(run: Path) -> list[str]:
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if str(run / "config.json") in words:
            found.append(path.parent.name)
    return found
