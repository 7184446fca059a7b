"""Killed and failed in every way, a collection loses nothing, doubles nothing, and pays little."""

import time
from pathlib import Path
from random import Random

import pytest
from lokal.data.cost_ledger import read_costs
from lokal.evaluation.reply import read_replies
from lokal.evaluation.spending.journal import PaidJournal

from ..vendors.said import Prompt, Said, usual_answer
from ..vendors.server import VendorServer
from .collected import (
    KEY,
    SECRET,
    asked,
    billed,
    collect,
    folder_of,
    kill_after,
    make_items,
    replies,
    start,
)

PARALLEL = 4


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setenv("LOKAL_CONFIG_DIR", str(tmp_path / "configs"))
    monkeypatch.delenv("LOKAL_COST_CEILING_USD", raising=False)
    return tmp_path


def slow_answer(prompt: Prompt) -> Said:
    time.sleep(0.02)
    return usual_answer(prompt)


def key_of(folder: Path) -> str:
    import json

    return str(json.loads((folder / "manifest.json").read_text())["key"])


@pytest.mark.parametrize(
    ("kills", "number"), [(1, 12), pytest.param(30, 102, marks=pytest.mark.proof)]
)
def test_killed_at_random_points_it_pays_no_more_than_what_was_in_flight(
    root: Path, kills: int, number: int
) -> None:
    make_items(root, number)
    random, done = Random(11), 0
    with VendorServer() as unbroken:
        assert collect(root, unbroken, f"root={root}/unbroken") == 0
    whole = replies(root / "unbroken" / folder_of(root).name)
    with VendorServer(answer=slow_answer) as server:
        most = max(1, 2 * number // (kills + 1))
        for _ in range(kills):
            done += kill_after(start(root, server), server, requests=random.randint(1, most))
        process = start(root, server)
        said = process.communicate(timeout=300)[1]
        assert process.returncode == 0, said
        calls, bills = asked(server), billed(server)
    assert done == kills
    assert replies(folder_of(root)) == whole
    assert 2 * number <= calls <= 2 * number + PARALLEL * kills
    with PaidJournal(folder_of(root), key=key_of(folder_of(root))) as journal:
        lost = journal.num_lost
    kept = sum(cost.questions for cost in read_costs(folder_of(root)))
    assert kept == 2 * number
    assert kept <= bills <= kept + lost
    print(
        f"\nA1: {kills} kills, {2 * number} questions: {calls} calls, {bills} billed, {lost} lost"
    )


def mixed_faults() -> list[dict]:
    """Return faults of every kind, on three requests of ten."""
    acts = [
        {"act": "status", "code": 429, "after": "0.2"},
        {"act": "status", "code": 500},
        {"act": "status", "code": 503},
        {"act": "half"},
        {"act": "reset"},
        {"act": "hangup"},
        {"act": "no_json"},
        {"act": "drip", "seconds": 3.0},
        {"act": "late", "seconds": 3.0},
    ]
    return [
        {**act, "every": 30, "offset": offset}
        for offset, act in zip(range(0, 27, 3), acts, strict=True)
    ]


@pytest.mark.parametrize("number", [15, pytest.param(102, marks=pytest.mark.proof)])
def test_three_failures_in_ten_of_every_kind_lose_nothing_and_double_nothing(
    root: Path, number: int
) -> None:
    make_items(root, number)
    with VendorServer(mixed_faults()) as server:
        assert collect(root, server, "baseline.timeout_seconds=1") == 0
        calls, bills, told = asked(server), billed(server), server.counts.told()
    found = [
        reply
        for language in ("hi", "id")
        for reply in read_replies(folder_of(root) / f"sib200-{language}.jsonl")
    ]
    names = [(reply.id, reply.language, reply.sample) for reply in found]
    assert len(names) == len(set(names)) == 2 * number
    assert all(str(reply.state) == "ok" for reply in found)
    assert sum(cost.questions for cost in read_costs(folder_of(root))) == 2 * number
    lost = sum(one["answers"] for one in told["lost"].values())
    assert (calls - 2 * number) / calls == pytest.approx(0.3, abs=0.12)
    with PaidJournal(folder_of(root), key=key_of(folder_of(root))) as journal:
        held = journal.num_lost
    # What may be billed is all held; a busy machine may lose some more by itself.
    assert 2 * number + lost <= bills <= 2 * number + held
    assert lost <= held
    print(f"\nA2: {2 * number} questions: {calls} calls, {lost} lost answers, 0 doubled")


def test_the_wait_that_the_vendor_asks_for_is_kept_within_a_tenth(root: Path) -> None:
    make_items(root, 4)
    arrived: list[float] = []

    def answer(prompt: Prompt) -> Said:
        arrived.append(time.monotonic())
        return usual_answer(prompt)

    rules = [{"act": "status", "code": 429, "after": "2", "at": [3]}]
    with VendorServer(rules, answer=answer) as server:
        assert collect(root, server, "baseline.parallel=1") == 0
    assert 2.0 <= arrived[3] - arrived[2] <= 2.2 + 0.3  # and what a busy machine adds


@pytest.mark.parametrize(
    "address",
    [
        "https://vendor.invalid/v1",  # DNS: the name does not exist
        "https://127.0.0.1:{port}/v1",  # TLS: plain HTTP answers
        "http://127.0.0.1:9/v1",  # nobody listens
    ],
)
def test_without_name_certificate_or_listener_it_ends_in_one_line_in_time(
    root: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    make_items(root, 2)
    with VendorServer() as server:
        url = address.format(port=server.address.rpartition(":")[2])
        began = time.monotonic()
        code = collect(
            root,
            server,
            f"baseline.base_url={url}",
            "spending.retry_seconds=3",
            "price.source=x",
        )
        took = time.monotonic() - began
    assert code in (1, 2, 5)
    assert took < 2.0 + 3.0 + 5.0  # timeout, longest retrying, and five seconds
    assert "Traceback" not in capsys.readouterr().err


def test_one_poison_item_is_quarantined_and_the_rest_is_kept(root: Path) -> None:
    make_items(root, 12)
    import json

    rows = (root / "hi.jsonl").read_text("utf-8").splitlines()
    text = json.loads(rows[5])["text"]
    rules = [{"act": "status", "code": 400, "message": "too long", "containing": text[:60]}]
    with VendorServer(rules) as server:
        assert collect(root, server) == 5
        assert asked(server) == 24
        assert collect(root, server) == 5
        assert asked(server) == 24
    states = [str(row.state) for row in read_replies(folder_of(root) / "sib200-hi.jsonl")]
    assert sorted(states) == ["error", *["ok"] * 11]


@pytest.mark.parametrize(
    "vendor",
    ["openai", *(pytest.param(name, marks=pytest.mark.proof) for name in ("anthropic", "google"))],
)
def test_a_batch_of_a_killed_run_is_adopted_through_the_vendors_own_sdk(
    root: Path, vendor: str
) -> None:
    make_items(root, 6)
    batch = ["baseline.batch=true", "price.batch_factor=0.5"]
    rules = [{"on": "batch_create", "act": "late", "seconds": 1.0, "at": [0]}]
    with VendorServer(rules, polls=2) as server:
        process = start(root, server, *batch, vendor=vendor)
        while asked(server, vendor=vendor, on="batch_create") < 1:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        time.sleep(0.3)
        process.kill()  # the vendor has made it, its reply is on the way
        process.communicate()
        (job,) = server.jobs.of(vendor)
        while job.state == "running":  # as it would without anybody looking
            server.desk.look(job)
        assert collect(root, server, *batch, vendor=vendor) == 0
        assert asked(server, vendor=vendor, on="batch_create") == 1
        assert billed(server, vendor=vendor) == 12
    assert sum(c.questions for c in read_costs(folder_of(root, vendor=vendor))) == 12
