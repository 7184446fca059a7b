"""Keys planted wherever one can stand: none in any file, database, log, message or traceback."""

import json
from pathlib import Path

import pytest
from lokal.data.config_files import read_config
from lokal.recipes.collect_baseline import collect_baseline
from lokal.recipes.compare import compare
from lokal.recipes.evaluate import evaluate
from lokal.recipes.finetune import finetune
from lokal.recipes.tools.freeze import main as freeze

from ..vendors.server import PATHS, VendorServer
from .planted import Plants, echoing, plant

LIKE_ANOTHER = {"vertex", "azure", "bedrock"}
"""A rarer way to the same recipes: proof."""
NEEDED = {
    "vertex": ["baseline.project=p1"],
    "azure": [],
    "openai_compatible": ["baseline.api_key_env=VLLM_API_KEY"],
}


@pytest.fixture
def plants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Plants:
    return plant(tmp_path, monkeypatch, capfd)


def vendor_words(vendor: str, server: VendorServer) -> list[str]:
    return [
        f"baseline={vendor}",
        "baseline.model=loop-1",
        f"baseline.base_url={server.url(vendor)}",
        "baseline.parallel=1",
        *NEEDED.get(vendor, []),
        "suite=sib200",
        "suite.items.test='own/{region}.jsonl'",
        "languages=[hi]",
    ]


def collected(plants: Plants, vendor: str) -> Path:
    """Collect from a server that echoes the key, once well and once refused; return the folder."""
    key = plants.keys[str(read_config("baseline", vendor)["api_key_env"]) or "VLLM_API_KEY"]
    with echoing(key) as server:
        words = vendor_words(vendor, server)
        assert plants.run(collect_baseline, *words) == 5
        assert any(key in str(asked.headers) for asked in server.asked)  # it was sent, and echoed
        (folder,) = (plants.root / "runs").iterdir()
        server.fail([{"act": "status", "code": 401, "message": f"wrong key {key}"}])
        assert plants.run(collect_baseline, *words, "languages=[hi,id]") == 2
    assert freeze([str(folder)]) == 0
    assert list(folder.glob("*.sqlite"))
    assert "***" in plants.said + (folder / "sib200-hi.jsonl").read_text(encoding="utf-8")
    return folder


OTHERS = [
    pytest.param(vendor, marks=[pytest.mark.proof] if vendor in LIKE_ANOTHER else [])
    for vendor in PATHS
    if vendor != "openai"
]


@pytest.mark.parametrize("vendor", OTHERS)
def test_collecting_and_freezing_leave_no_key(vendor: str, plants: Plants) -> None:
    collected(plants, vendor)
    assert plants.hits() == []


def test_comparing_with_what_was_collected_leaves_no_key(plants: Plants) -> None:
    folder = collected(plants, "openai")
    suite = ["suite=sib200", "suite.items.test='own/{region}.jsonl'", "name=x"]
    for system in ("parent", "child-hi", "vendor"):
        taken = [f"system={system}", f"frozen={folder}", "languages=[hi]", *suite]
        assert plants.run(evaluate, *taken) == 0
    plants.run(compare, *suite, "regions=[hi]", "baselines=[vendor]", "statistics.resamples=50")
    results = json.loads((plants.root / "runs/x/report/results.json").read_text(encoding="utf-8"))
    (bill,) = results["regions"]["hi"]["spending"]["api"]  # the ledger of the frozen folder
    assert (bill["vendor"], bill["model"], bill["usd"]) == ("openai", "loop-1", 0.0)
    assert bill["questions"] > 0
    assert plants.hits() == []
    (plants.root / "planted").write_text(f"x{plants.keys['HF_TOKEN']}", encoding="utf-8")
    assert plants.hits() == [f"HF_TOKEN in {plants.root / 'planted'}"]  # the search finds one


def test_a_server_that_echoes_its_key_leaves_none(plants: Plants) -> None:
    key = plants.keys["VLLM_API_KEY"]
    with echoing(key) as server:
        words = [
            "system=served",
            "server=vllm",
            f"server.url={server.url('openai_compatible')}",
            "server.model=loop-1",
            "server.api_key_env=VLLM_API_KEY",
            "server.parallel=1",
            "suite.items.test='own/{region}.jsonl'",
            "languages=[hi]",
            "name=x",
        ]
        assert plants.run(evaluate, *words) == 5
        server.fail([{"act": "status", "code": 403, "message": f"wrong key {key}"}])
        assert plants.run(evaluate, *words, "system=other") == 2
    assert plants.hits() == []


@pytest.mark.parametrize(
    "words",
    [
        ["baseline=openai", "baseline.model=m", "baseline.api_key_env={key}"],
        ["baseline=openai", "baseline.model=m", "+baseline.api_key={key}"],
        ["baseline=openai", "baseline.model=m", "baseline.api_key='{key}'"],
        ["baseline=openai", "baseline.model=m", "baseline.base_url=https://u:{key}@host/v1"],
        ["baseline=own", "baseline.model=m"],
    ],
)
def test_a_key_in_a_setting_is_refused_and_not_shown(words: list[str], plants: Plants) -> None:
    key = "sk-typed-by-mistake-77aa/x+="
    plants.keys = {"typed": key}  # in no variable, so nothing can know it
    own = plants.root / "own_configs/baseline"
    own.mkdir(parents=True)
    text = f"# mine\nvendor: openai\nmodel: m\napi_key: {key}\n"
    (own / "own.yaml").write_text(text, encoding="utf-8")
    given = [word.format(key=key) for word in words]
    place = ["suite=sib200", "languages=[hi]", "--config-dir", str(plants.root / "own_configs")]
    assert plants.run(collect_baseline, *given, *place) == 2
    (own / "own.yaml").unlink()  # the user's own file, the one place that has it
    assert plants.said
    assert plants.hits() == []


def test_an_exception_of_a_library_shows_no_key_of_the_environment(
    plants: Plants, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        headers = {"authorization": f"Bearer {plants.keys['OPENAI_API_KEY']}"}
        try:
            raise ValueError(f"cannot send {headers}")
        except ValueError as error:
            raise RuntimeError(f"{plants.keys['HF_TOKEN']} and {headers!r}") from error

    monkeypatch.setattr("lokal.recipes.collect_baseline.build_vendor", broken)
    with echoing("k") as server:
        assert plants.run(collect_baseline, *vendor_words("openai", server)) == 1
    assert "RuntimeError: *** and" in plants.said
    assert "Traceback" in plants.said
    assert plants.hits() == []


@pytest.mark.proof
def test_a_training_with_its_tracker_leaves_no_key(
    plants: Plants, tiny_corpus: Path, tiny_llama_folder: Path
) -> None:
    model = ["model=local", f"model.path={tiny_llama_folder}", "~sources.sib200-train"]
    data = [f"corpus_folder={tiny_corpus}", "+sources.task=1.0", "region=id", "name=x"]
    small = ["training.max_steps=2", "training.rows_per_step=2", "training.micro_rows=2"]
    assert plants.run(finetune, *model, *data, *small, "tracker=wandb_offline") == 0
    assert list((plants.root / "runs/x").glob("wandb/offline-run-*/*.wandb"))
    plants.run(finetune, *model, *data, *small, f"corpus_folder={plants.keys['HF_TOKEN']}")
    assert plants.hits() == []
