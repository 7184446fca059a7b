"""A judge that is sent a planted key and echoes it leaves none behind."""

import json
from pathlib import Path

import pytest
import yaml
from lokal.recipes.judge import judge

from ..evaluation.judge.judged_run import VENDOR, JudgedRun
from ..vendors.said import Prompt, Said
from ..vendors.server import VendorServer
from .planted import plant

NUM = 6


def test_judging_leaves_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plants = plant(tmp_path, monkeypatch, capfd)
    key = plants.keys["VLLM_API_KEY"]
    run = JudgedRun(tmp_path)
    own = yaml.safe_dump({**VENDOR, "api_key_env": "VLLM_API_KEY", "parallel": 1})
    (tmp_path / "configs/baseline/compatible.yaml").write_text(own, encoding="utf-8")
    run.open_suite(["hi"], num_items=NUM)
    for system, quality in (("parent", 0), ("child-hi", 2)):
        run.say(system, "hi", NUM, lambda n, quality=quality: quality)

    def answer(prompt: Prompt) -> Said:
        verdict = {"reasons": f"key {key}", "criteria": [], "winner": "A", "confidence": "high"}
        return Said(json.dumps(verdict), model=prompt.model)

    faults = [
        {"at": [0], "act": "status", "code": 503, "message": f"{key} broke it", "after": "0"},
        {"at": [1], "act": "status", "code": 400, "message": f"Authorization: Bearer {key}"},
    ]
    with VendorServer(faults, answer=answer, models=["judge-1"]) as server:
        panel = f"panel=['compatible:judge-1@{server.url('openai_compatible')}']"
        place = ["--config-dir", str(tmp_path / "configs"), f"items_root={run.items}"]
        words = ["name=x", "suite=o", "languages=[hi]", "resamples=50", panel, *place]
        plants.run(judge, *words)
        assert any(key in str(asked.headers) for asked in server.asked)
        server.fail([{"act": "status", "code": 401, "message": f"wrong key {key}"}])
        plants.run(judge, *words, "mode=rubric")
    assert "***" in plants.said
    assert list(run.root.rglob("*.sqlite*"))
    assert plants.hits() == []
