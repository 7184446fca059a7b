"""``lokal collect_baseline`` against a loopback vendor, through the vendor's own SDK."""

import json
import socket
from pathlib import Path

import pytest
from lokal.data.cost_ledger import read_costs
from lokal.data.manifest import read_manifest, require_whole
from lokal.evaluation.reply import State, read_replies
from lokal.recipes.evaluate import evaluate
from lokal.recipes.tools.freeze import main as freeze
from lokal.recipes.tools.verify import main as verify

from ..vendors.server import VendorServer
from .collected import KEY, SECRET, asked, bill_usd, billed, collect, folder_of, make_items, replies

N = 12
"""Items of each of two languages."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setenv("LOKAL_CONFIG_DIR", str(tmp_path / "configs"))
    monkeypatch.delenv("LOKAL_COST_CEILING_USD", raising=False)
    make_items(tmp_path, N)
    return tmp_path


def take(root: Path, folder: Path, *more: str) -> int:
    return evaluate.main(
        [
            "system=gpt",
            f"frozen={folder}",
            "suite=sib200",
            f"suite.items.test='{root}/{{region}}.jsonl'",
            "languages=[hi,id]",
            f"root={root}/runs",
            "name=y",
            *more,
        ]
    )


def test_an_artifact_holds_replies_raw_ones_costs_and_a_manifest(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with VendorServer() as server:
        assert collect(root, server) == 0
        said = capsys.readouterr().err
        assert f"asks Loop at 127.0.0.1 {2 * N} questions" in said
        assert "stays on this machine" in said
        assert asked(server) == billed(server) == 2 * N
        bill = server.counts.told()["billed"]["openai loop-1"]
    folder = folder_of(root)
    manifest = require_whole(folder)
    assert sorted(manifest.parts) == ["sib200-hi", "sib200-id"]
    found = read_replies(folder / "sib200-hi.jsonl")
    assert len(found) == N
    assert {reply.state for reply in found} == {State.ok}
    raw = [json.loads(line) for line in (folder / "raw/sib200-hi.jsonl").open(encoding="utf-8")]
    assert [row["id"] for row in raw] == [reply.id for reply in found]
    assert all(row["returned_model"] == "loop-1" and row["raw"] for row in raw)
    costs = read_costs(folder)
    assert sum(cost.questions for cost in costs) == 2 * N
    assert sum(cost.input_tokens for cost in costs) == bill["input_tokens"]
    assert sum(cost.output_tokens for cost in costs) == bill["output_tokens"]
    usd = (2 * bill["input_tokens"] + 10 * bill["output_tokens"]) / 1e6
    assert sum(cost.usd or 0 for cost in costs) == pytest.approx(usd)


def test_no_key_stands_in_any_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with VendorServer([{"act": "status", "code": 503, "at": [1], "message": SECRET}]) as server:
        assert collect(root, server) == 0
    assert freeze([str(folder_of(root))]) == 0
    files = [path for path in root.rglob("*") if path.is_file()]
    assert any(path.name == "journal.sqlite" for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in "".join(capsys.readouterr())


def test_the_same_command_again_asks_and_pays_nothing(root: Path) -> None:
    with VendorServer() as server:
        assert collect(root, server) == 0
        before = replies(folder_of(root))
        assert collect(root, server) == 0
        assert asked(server) == 2 * N
    assert replies(folder_of(root)) == before


def test_without_a_day_an_unfinished_run_of_yesterday_goes_on(root: Path) -> None:
    with VendorServer() as server:
        assert collect(root, server, "languages=[hi]") == 0
        assert collect(root, server, "day=''") == 0
        assert asked(server) == 2 * N
    assert [path.name for path in (root / "baselines").iterdir()] == [folder_of(root).name]


def test_frozen_it_is_compared_with_without_network_and_key(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with VendorServer() as server:
        assert collect(root, server) == 0
        assert freeze([str(folder_of(root))]) == 0

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no network is needed to compare")

    monkeypatch.delenv(KEY)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert take(root, folder_of(root)) == 0
    taken = replies(root / "runs/y/generations/gpt")
    assert taken == replies(folder_of(root))
    manifest = read_manifest(root / "runs/y/generations/gpt")
    assert manifest is not None
    assert manifest.config["kind"] == "vendor"
    assert manifest.config["label"] == "Loop"
    assert verify([str(root / "baselines")]) == 0
    assert "1 finished folders, 0 damaged" in capsys.readouterr().out


def test_a_sealed_artifact_takes_nothing_more_and_shows_every_change(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(root)
    with VendorServer() as server:
        assert collect(root, server, "languages=[hi]") == 0
        assert freeze([str(folder)]) == 0
        seal = json.loads((folder / "seal.json").read_text())
        assert (seal["open"], seal["parts"]["sib200-hi"]["coverage"]) == (0, 1.0)
        assert collect(root, server) == 2
        assert "is sealed, nothing more is collected into it" in capsys.readouterr().err
        assert freeze([str(folder)]) == 2
        assert "is sealed already" in capsys.readouterr().err
        assert asked(server) == N
    with (folder / "journal.sqlite").open("r+b") as stream:
        stream.seek(5000)
        stream.write(b"x")
    assert verify([str(folder)]) == 1
    assert take(root, folder, "languages=[hi]") == 2
    assert "another content than its manifest says" in capsys.readouterr().err


def test_freeze_needs_a_finished_part(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert freeze([str(root)]) == 2
    assert "has no part that collect_baseline finished" in capsys.readouterr().err


def test_a_forecast_alone_sends_nothing_and_makes_no_folder(root: Path) -> None:
    with VendorServer() as server:
        assert collect(root, server, "only_forecast=true") == 0
        assert server.asked == []
    assert not (root / "baselines").exists()


def test_half_the_money_ends_partial_in_one_line_and_a_higher_cap_goes_on(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with VendorServer() as server:
        assert collect(root, server) == 0
        whole = bill_usd(server)
    with VendorServer() as server:
        again = "root=" + str(root / "again")
        assert collect(root, server, again, f"spending.cap_usd={whole / 2}") == 5
        said = [line for line in capsys.readouterr().err.splitlines() if "the cap of" in line]
        assert "run the same command to go on" in said[-1]
        assert 0 < bill_usd(server) <= whole / 2
        assert 0 < asked(server) < 2 * N
        assert collect(root, server, again) == 0
        assert asked(server) == billed(server) == 2 * N
        assert bill_usd(server) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["confirm_cost=''", "confirm_above_usd=0.0001"], "nobody is there to be asked"),
        (
            ["price.input_usd=null", "price.output_usd=null", "baseline.base_url=''"],
            "price of loop",
        ),
        (["baseline.retires=2026-11-30"], "too late for a new baseline"),
        (
            ["baseline.base_url=https://vendor.invalid/v1", "suite.may_leave=false"],
            "nothing is sent",
        ),
        (["confirm_cost=maybe"], "confirm_cost must be true or an amount"),
        (["suite=global_piqa", "languages=[hi]"], "global_piqa"),
    ],
)
def test_what_may_not_be_spent_or_sent_is_one_line_and_nothing_leaves(
    root: Path, capsys: pytest.CaptureFixture[str], more: list[str], reason: str
) -> None:
    with VendorServer() as server:
        assert collect(root, server, *more) == 2
        assert asked(server) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "lokal collect" in line]
    assert len(said) == 1
    assert reason in said[0]


def test_the_first_answer_of_another_model_is_said_and_kept_apart(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with VendorServer([{"act": "wrong_model"}]) as server:
        assert collect(root, server) == 0
    assert capsys.readouterr().err.count("another-model answers") == 1
    found = read_replies(folder_of(root) / "sib200-hi.jsonl")
    assert {reply.state for reply in found} == {State.wrong_model}
    manifest = read_manifest(folder_of(root))
    assert manifest is not None
    counts = manifest.counts["sib200-hi"]
    assert isinstance(counts, dict)
    assert counts["states"] == {"wrong_model": N}
    assert counts["returned_models"] == {"another-model": N}


@pytest.mark.parametrize(("code", "words"), [(401, "valid key"), (404, "baseline.model")])
def test_a_refused_key_or_model_in_mid_run_stops_within_two_calls(
    root: Path, capsys: pytest.CaptureFixture[str], code: int, words: str
) -> None:
    with VendorServer([{"act": "status", "code": code, "from": 8}]) as server:
        assert collect(root, server, "baseline.parallel=1") == 2
        assert asked(server) - 9 <= 2
        assert words in capsys.readouterr().err
        server.fail([])
        assert collect(root, server) == 0
        assert billed(server) == 2 * N


def test_canaries_are_asked_kept_and_compared_with_the_run_before(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canaries = ["canaries.min_questions=0", "canaries.count=8", "languages=[hi]"]
    with VendorServer() as server:
        assert collect(root, server, *canaries) == 0
        assert asked(server) == N + 24
        server.fail([{"act": "wrong_model", "containing": "दिन"}])
        assert collect(root, server, *canaries, "day=2026-12-01") == 0
    later = root / "baselines/openai-loop-1-2026-12-01"
    drift = json.loads((later / "drift.json").read_text())
    assert drift["earlier"] == folder_of(root).name
    assert drift["p_value"] == 1
    assert len((later / "canaries.jsonl").read_text().splitlines()) == 24


@pytest.mark.parametrize(
    "vendor",
    ["openai", *(pytest.param(name, marks=pytest.mark.proof) for name in ("anthropic", "google"))],
)
def test_batches_bring_the_same_answers_at_half_the_price(root: Path, vendor: str) -> None:
    with VendorServer(polls=2) as server:
        batch = ["baseline.batch=true", "price.batch_factor=0.5"]
        assert collect(root, server, *batch, vendor=vendor) == 0
        assert asked(server, vendor=vendor) == 0
        assert asked(server, vendor=vendor, on="batch_create") == 1
        assert billed(server, vendor=vendor) == 2 * N
        batched = replies(folder_of(root, vendor=vendor))
        assert collect(root, server, "day=2026-11-28", vendor=vendor) == 0
    single = replies(root / f"baselines/{vendor}-loop-1-2026-11-28")
    assert batched == single
    halves = [
        sum(cost.usd or 0 for cost in read_costs(root / f"baselines/{vendor}-loop-1-2026-11-{day}"))
        for day in (27, 28)
    ]
    assert halves[0] == pytest.approx(halves[1] / 2)
