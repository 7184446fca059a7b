"""Where a checkpoint comes from, what a folder must hold, and a model made from nothing."""

import json
import shutil
from pathlib import Path

import pytest
from lokal.data.base_model import ModelConfig, ModelSource, resolve_checkpoint
from lokal.data.checkpoint_folder import check_llama, checkpoint_identity, config_file
from lokal.data.errors import UserError
from lokal.data.manifest import require_whole, sha256_of_file
from lokal.data.scratch_model import ScratchConfig
from lokal.recipes.download import download
from transformers import AutoTokenizer, LlamaForCausalLM


def config_of(**changes: object) -> ModelConfig:
    settings = {"label": "local", "source": ModelSource.path, "licence": "MIT", **changes}
    return ModelConfig(**settings)  # pyright: ignore[reportArgumentType]


def test_a_path_with_a_revision_is_a_hub_model() -> None:
    config = config_of(path="org/Llama-x@abc123")
    assert (config.source, config.path, config.revision) == (
        ModelSource.hub, "org/Llama-x", "abc123"
    )  # fmt: skip
    assert (config.label, config.licence) == ("Llama-x", "MIT")
    # The licence that stands beside the embedded model is not that of another one.
    embedded = config_of(source=ModelSource.embedded, path="org/Llama-x@abc123")
    assert (embedded.source, embedded.licence) == (ModelSource.hub, "")
    with pytest.raises(ValueError, match=r"model.revision is empty: pin a commit of org/name"):
        config_of(source=ModelSource.hub, path="org/name")


def test_a_folder_with_an_at_sign_stays_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "own@2").mkdir(parents=True)
    assert config_of(path="models/own@2").source is ModelSource.path


def test_a_shard_that_the_index_names_must_be_there(
    tiny_llama_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_llama_folder, tmp_path / "model"))
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match=r"lacks model-2.safetensors, which its index names"):
        check_llama(folder)


def test_metas_layout_is_taken_only_where_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text("{}")
    with pytest.raises(UserError, match=r"Meta's original layout .* only stack=torchtune"):
        check_llama(tmp_path)
    with pytest.raises(UserError, match=r"has no consolidated"):
        check_llama(tmp_path, reads_original=True)
    (tmp_path / "consolidated.00.pth").write_bytes(b"12345")
    with pytest.raises(UserError, match=r"has no tokenizer.model"):
        check_llama(tmp_path, reads_original=True)
    (tmp_path / "tokenizer.model").write_bytes(b"bpe")
    check_llama(tmp_path, reads_original=True)
    assert config_file(tmp_path).name == "params.json"
    identity = checkpoint_identity(tmp_path)
    assert identity["weights"] == {"consolidated.00.pth": 5}
    assert set(identity["files"]) == {"params.json", "tokenizer.model"}  # pyright: ignore[reportArgumentType]


@pytest.fixture
def scratch(
    tiny_llama_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModelConfig:
    monkeypatch.setenv("LOKAL_CACHE", str(tmp_path / "cache"))
    return config_of(
        source=ModelSource.scratch,
        path=str(tiny_llama_folder),
        scratch=ScratchConfig(hidden_size=32, num_heads=4, num_kv_heads=1, num_layers=3, seed=7),
    )


def test_a_model_from_nothing_has_the_asked_shape_and_the_tokenizers_vocabulary(
    scratch: ModelConfig, tiny_llama_folder: Path
) -> None:
    folder = resolve_checkpoint(scratch)
    require_whole(folder)
    llama = LlamaForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert llama.config.vocab_size == len(AutoTokenizer.from_pretrained(tiny_llama_folder))
    assert (llama.config.hidden_size, len(llama.model.layers)) == (32, 3)
    keys = llama.get_parameter("model.layers.0.self_attn.k_proj.weight")
    assert keys.shape == (8, 32)
    assert llama.generation_config is not None
    assert llama.generation_config.eos_token_id == tokenizer.eos_token_id
    assert tokenizer.chat_template


def test_the_same_seed_makes_the_same_model(scratch: ModelConfig, tmp_path: Path) -> None:
    first = resolve_checkpoint(scratch)
    weights = sha256_of_file(first / "model.safetensors")
    assert resolve_checkpoint(scratch) == first
    shutil.rmtree(first)
    assert sha256_of_file(resolve_checkpoint(scratch) / "model.safetensors") == weights
    assert scratch.scratch is not None
    scratch.scratch.seed = 8
    assert sha256_of_file(resolve_checkpoint(scratch) / "model.safetensors") != weights


def test_numbers_that_make_no_llama_are_refused() -> None:
    with pytest.raises(ValueError, match="hidden_size must be a multiple of twice num_heads"):
        ScratchConfig(hidden_size=36, num_heads=4)
    with pytest.raises(ValueError, match="num_kv_heads must divide num_heads"):
        ScratchConfig(hidden_size=32, num_heads=4, num_kv_heads=3)


def test_download_prints_a_verified_folder(
    scratch: ModelConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["model=scratch", f"model.path={scratch.path}", "model.scratch.num_layers=1"]
    assert download.main(words) == 0
    printed = capsys.readouterr()
    assert (Path(printed.out.strip()) / "model.safetensors").is_file()
    assert "have the content that the manifest lists" in printed.err
    assert download.main([*words, "model.path=/no/tokenizer"]) == 2
    assert "has no tokenizer.json" in capsys.readouterr().err
