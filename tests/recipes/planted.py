"""Planted keys, a server that echoes them, and the search for them in all that was written."""

import json
import re
import sqlite3
import zlib
from pathlib import Path

import pytest
from lokal.data.suite import load_suite, read_items
from lokal.recipes.entry import Recipe

from ..vendors.said import Said
from ..vendors.server import VendorServer

AMBIENT = [
    "OPENAI_API_KEY",
    "OPENAI_ADMIN_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "AZURE_API_KEY",
    "AZURE_OPENAI_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "VERTEX_ACCESS_TOKEN",
    "HF_TOKEN",
    "WANDB_API_KEY",
    "VLLM_API_KEY",
]


class Plants:
    """The planted keys, and all that was written and said since."""

    def __init__(self, root: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capfd = capfd
        self.keys = {name: f"sk-planted-{zlib.crc32(name.encode()):08x}/x+=" for name in AMBIENT}
        self.said = ""

    def run(self, recipe: Recipe, *words: str) -> int:
        """Run a recipe with tracebacks shown; keep what it said."""
        code = recipe.main([*words, f"root={self.root}/runs", "--debug"])
        self.listen()
        return code

    def listen(self) -> None:
        told = self.capfd.readouterr()
        self.said += told.out + told.err

    def hits(self) -> list[str]:
        """Return where a key stands, in whatever spelling; also inside databases."""
        self.listen()
        texts = {"stdout and stderr": self.said.encode()}
        for path in self.root.rglob("*"):
            if path.is_file():
                texts[str(path)] = path.read_bytes()
            if path.suffix == ".sqlite":
                texts[f"{path}: dump"] = _dump(path)
        return [
            f"{name} in {place}"
            for place, content in texts.items()
            for name, key in self.keys.items()
            if _spellings(key).search(content)
        ]


def _spellings(key: str) -> re.Pattern[bytes]:
    """Return a pattern for the key as it is, in JSON, in a URL, and without its odd end."""
    plain = key.removesuffix("/x+=")
    return re.compile(b"|".join(re.escape(text.encode()) for text in (key, plain)))


def _dump(path: Path) -> bytes:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return "\n".join(database.iterdump()).encode()


def plant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Plants:
    """Return keys in every variable, and six items in two languages below ``own``."""
    monkeypatch.setattr("lokal.evaluation.retry._FIRST_SECONDS", 0.001)
    monkeypatch.setattr("lokal.evaluation.retry._LONGEST_SECONDS", 0.001)
    made = Plants(tmp_path, capfd)
    for name, key in made.keys.items():
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("ANTHROPIC_LOG", "debug")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    for language in ("hi", "id"):
        items = read_items(load_suite("sib200"), split="dev", language=language)[:6]
        rows = [json.dumps(item._asdict(), ensure_ascii=False) + "\n" for item in items]
        (tmp_path / f"own/{language}.jsonl").write_text("".join(rows), encoding="utf-8")
    return made


def echoing(key: str) -> VendorServer:
    """Return a server that puts the key it was sent into all it says, well and badly."""
    return VendorServer(
        [
            {"at": [1], "act": "status", "code": 400, "message": f"Authorization: Bearer {key}"},
            {"at": [2], "act": "status", "code": 503, "message": f"{key} broke it", "after": "0"},
            {"at": [3], "act": "status", "code": 429, "message": key, "reason": key, "after": "0"},
        ],
        answer=lambda prompt: Said(f"{key} {prompt.model}"),
    )
