"""The sizes of known models are those of torchtune's builders, and a folder tells its own."""

import ast
import importlib.util
import json
from pathlib import Path

import pytest
from lokal.cluster.plan.shapes import KNOWN, read_model_shape, shape_of
from lokal.data.base_model import ModelConfig, ModelSource
from lokal.data.errors import UserError
from lokal.data.scratch_model import ScratchConfig


def builder_numbers(version: str, name: str) -> dict[str, int]:
    """Return the numbers in the body of one of torchtune's builders, without importing it."""
    spec = importlib.util.find_spec("torchtune")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / "models" / version / "_model_builders.py"
    tree = ast.parse(file.read_text("utf-8"))
    function = next(
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name
    )
    return {
        str(word.arg): word.value.value
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for word in call.keywords
        if isinstance(word.value, ast.Constant) and isinstance(word.value.value, int)
    }


@pytest.mark.parametrize(
    ("model", "version", "builder"),
    [
        ("meta-llama/Llama-3.1-8B", "llama3_1", "llama3_1_8b"),
        ("meta-llama/Llama-3.1-70B", "llama3_1", "llama3_1_70b"),
        ("meta-llama/Llama-3.2-1B", "llama3_2", "llama3_2_1b"),
        ("meta-llama/Llama-3.2-3B", "llama3_2", "llama3_2_3b"),
    ],
)
def test_known_sizes_are_torchtunes(model: str, version: str, builder: str):
    shape, numbers = KNOWN[model], builder_numbers(version, builder)
    assert (shape.layers, shape.heads, shape.kv_heads) == (
        numbers["num_layers"], numbers["num_heads"], numbers["num_kv_heads"],
    )  # fmt: skip
    assert (shape.hidden, shape.intermediate, shape.vocabulary) == (
        numbers["embed_dim"], numbers["intermediate_dim"], numbers["vocab_size"],
    )  # fmt: skip


def test_a_folder_needs_no_weights(tiny_llama_folder: Path, tmp_path: Path):
    (tmp_path / "config.json").write_text((tiny_llama_folder / "config.json").read_text())
    shape = read_model_shape(tmp_path)
    assert (shape.hidden, shape.layers, shape.keys, shape.is_tied) == (64, 2, 32, True)


def test_a_scratch_model_counts_its_tokenizers_pieces(tiny_llama_folder: Path):
    model = ModelConfig(
        label="x",
        source=ModelSource.scratch,
        path=str(tiny_llama_folder),
        scratch=ScratchConfig(hidden_size=64, num_layers=3),
    )
    assert shape_of(model).vocabulary == read_model_shape(tiny_llama_folder).vocabulary


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "correct model.path"), ({"hidden_size": 8}, "Llama's sizes")]
)
def test_a_folder_that_tells_nothing_is_refused(tmp_path: Path, content: dict | None, reason: str):
    if content is not None:
        (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=reason):
        read_model_shape(tmp_path)
