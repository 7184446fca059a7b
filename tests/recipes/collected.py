"""A small suite, a loopback vendor and the words that collect the one from the other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from lokal.data.suite import load_suite, read_items
from lokal.recipes.collect_baseline import collect_baseline

from ..vendors.server import VendorServer

KEY = "LOKAL_TEST_KEY"
SECRET = "sk-planted-0123456789"
CHOICE = """
vendor: {vendor}
model: loop-1
label: Loop
base_url: http://127.0.0.1:9
api_key_env: LOKAL_TEST_KEY
licence: test
source: test
timeout_seconds: 2.0
parallel: 4
requests_per_minute: 1000000
tokens_per_minute: 1000000000
"""


def make_items(root: Path, number: int) -> None:
    """Write so many items in Hindi and Indonesian, and the choice ``loop`` of each vendor."""
    for language in ("hi", "id"):
        items = read_items(load_suite("sib200"), split="test", language=language)
        lines = [
            json.dumps({"id": item.id, "text": item.text, "label": item.label}, ensure_ascii=False)
            for item in items[:number]
        ]
        (root / f"{language}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "configs/baseline").mkdir(parents=True, exist_ok=True)
    for vendor in ("openai", "anthropic", "google", "openai_compatible"):
        path = root / f"configs/baseline/loop_{vendor}.yaml"
        path.write_text(CHOICE.format(vendor=vendor), encoding="utf-8")


def words(root: Path, server: VendorServer, *more: str, vendor: str = "openai") -> list[str]:
    """Return the words of one run; the price is two dollars and ten."""
    return [
        f"baseline=loop_{vendor}",
        f"baseline.base_url={server.url(vendor)}",
        "suite=sib200",
        f"suite.items.test='{root}/{{region}}.jsonl'",
        "languages=[hi,id]",
        f"root={root}/baselines",
        "day=2026-11-27",
        "price.input_usd=2",
        "price.output_usd=10",
        "price.as_of=2026-11-27",
        "price.cache_write_factor=1",
        "spending.batch_poll_seconds=0.02",
        "confirm_cost=true",
        *more,
    ]


def collect(root: Path, server: VendorServer, *more: str, vendor: str = "openai") -> int:
    return collect_baseline.main(words(root, server, *more, vendor=vendor))


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, KEY: SECRET, "LOKAL_CONFIG_DIR": str(root / "configs")}


def start(root: Path, server: VendorServer, *more: str, vendor: str = "openai") -> subprocess.Popen:
    """Start a run in a process of its own."""
    code = "from lokal.recipes.main import main; raise SystemExit(main())"
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            "collect_baseline",
            *words(root, server, *more, vendor=vendor),
        ],
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def asked(server: VendorServer, *, vendor: str = "openai", on: str = "ask") -> int:
    return server.counts.told()["requests"].get(f"{vendor} {on}", 0)


def billed(server: VendorServer, *, vendor: str = "openai") -> int:
    """Return how many answers the server has made, sent whole or lost."""
    told = server.counts.told()
    name = f"{vendor} loop-1"
    return sum(told[kind].get(name, {}).get("answers", 0) for kind in ("billed", "lost", "batched"))


def bill_usd(server: VendorServer, *, vendor: str = "openai") -> float:
    """Return what the server bills at these prices, lost answers too."""
    told = server.counts.told()
    found = [told[kind].get(f"{vendor} loop-1", {}) for kind in ("billed", "lost")]
    return sum(
        (2 * one.get("input_tokens", 0) + 10 * one.get("output_tokens", 0)) / 1e6 for one in found
    )


def kill_after(process: subprocess.Popen, server: VendorServer, *, requests: int) -> bool:
    """Kill with SIGKILL after so many more requests; return False where it ended before."""
    wanted = asked(server) + requests
    while process.poll() is None and asked(server) < wanted:
        time.sleep(0.002)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return not ended


def folder_of(root: Path, *, vendor: str = "openai") -> Path:
    return root / f"baselines/{vendor}-loop-1-2026-11-27"


def replies(folder: Path) -> dict[str, bytes]:
    """Return the finished replies, byte by byte."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("sib200-*.jsonl"))}
