"""``lokal evaluate server=...`` against a loopback server, and what it wrote."""

import json
from pathlib import Path

from lokal.data.manifest import read_manifest
from lokal.recipes.evaluate import evaluate

from ...servers.chat_server import MODEL, ChatServer

NUM_ITEMS = 24


def words(folder: Path, server: ChatServer, *more: str) -> list[str]:
    return [
        "system=served",
        "server=vllm",
        f"server.url={server.url}",
        f"server.model={MODEL}",
        "server.parallel=4",
        f"suite.items.test='{folder}/{{region}}.jsonl'",
        "languages=[hi]",
        f"root={folder}/runs",
        "name=x",
        *more,
    ]


def run(folder: Path, server: ChatServer, *more: str) -> int:
    return evaluate.main(words(folder, server, *more))


def made(folder: Path, name: str = "sib200-hi.jsonl") -> Path:
    return folder / "runs/x/generations/served" / name


def replies(folder: Path) -> list[dict]:
    return [json.loads(line) for line in made(folder).read_text("utf-8").split("\n") if line]


def counts(folder: Path) -> dict:
    manifest = read_manifest(made(folder, ""))
    assert manifest is not None
    found = manifest.counts["sib200-hi"]
    assert isinstance(found, dict)
    return found


def asked_text(body: dict) -> str:
    return body["messages"][-1]["content"]
