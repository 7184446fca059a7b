"""A checkpoint in Meta's own layout trains like the same one in Transformers', and opens there."""

import base64
import json
import pickle
from pathlib import Path

import pytest
import torch
from lokal.data.errors import UserError
from lokal.data.original_tokenizer import tokenizer_folder
from lokal.recipes.finetune import finetune
from lokal.training.meta_checkpoint import MetaCheckpoint
from lokal.training.settings import MethodKind
from lokal.training.torchtune_compat import hf_to_tune
from lokal.training.torchtune_decoder import converter_shape
from lokal.training.torchtune_stack import load_torchtune_model
from peft import PeftModel
from transformers import AutoTokenizer, LlamaForCausalLM

from .llama_cases import (
    IDS_BT,
    LLAMA_3_1_ROPE,
    logits_of,
    make_batch,
    make_llama,
    make_method,
    save,
    train,
)

NUM_PAIRS = 300 - 12
ROPE = LLAMA_3_1_ROPE | {"original_max_position_embeddings": 8192}


def to_meta(folder: Path, target: Path, *, parts: int, by_columns: bool = False) -> Path:
    """Write a Transformers folder in Meta's layout, cut in parts, with byte pairs."""
    target.mkdir()
    model = LlamaForCausalLM.from_pretrained(folder)
    config = model.config
    tune = hf_to_tune(dict(model.state_dict()), **converter_shape(config))
    names = {
        "attn.q_proj": "attention.wq", "attn.k_proj": "attention.wk", "attn.v_proj": "attention.wv",
        "attn.output_proj": "attention.wo", "mlp.w": "feed_forward.w",
        "sa_norm.scale": "attention_norm.weight", "mlp_norm.scale": "ffn_norm.weight",
        "norm.scale": "norm.weight",
    }  # fmt: skip
    cut: list[dict[str, torch.Tensor]] = [{} for _ in range(parts)]
    for name, value in tune.items():
        meta = name
        for ours, theirs in names.items():
            if ours in meta:
                meta = meta.replace(ours, theirs)
                break
        columns = "wo" in meta or ".w2" in meta or ("tok_emb" in meta and by_columns)
        pieces = value.chunk(parts, dim=1 if columns else 0)
        for number, part in enumerate(cut):
            part[meta] = value if value.dim() == 1 else pieces[number].clone()
    for number, part in enumerate(cut):
        part["rope.freqs"] = torch.ones(8)
        torch.save(part, target / f"consolidated.{number:02d}.pth")
    rope = dict(config.rope_parameters or {})
    params = {
        "dim": config.hidden_size, "n_layers": config.num_hidden_layers,
        "n_heads": config.num_attention_heads, "n_kv_heads": config.num_key_value_heads,
        "norm_eps": config.rms_norm_eps, "rope_theta": rope["rope_theta"],
        "vocab_size": config.vocab_size, "multiple_of": 32, "ffn_dim_multiplier": 1.3,
        "use_scaled_rope": rope["rope_type"] == "llama3",
    }  # fmt: skip
    if rope["rope_type"] == "llama3":
        params["rope_scaling_factor"] = rope["factor"]
    (target / "params.json").write_text(json.dumps(params))
    write_ranks(target / "tokenizer.model")
    return target


def write_ranks(path: Path) -> None:
    pairs = [bytes([n]) for n in range(256)]
    pairs += [b" a", b"an", b"ka", b"ng", b"ya", "ज".encode()[:2], "ज".encode(), b"in"]
    pairs += [bytes([97 + n // 5, 97 + n % 5, 33]) for n in range(NUM_PAIRS - len(pairs))]
    lines = [f"{base64.b64encode(pair).decode()} {rank}" for rank, pair in enumerate(pairs)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKAL_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("rope", [None, ROPE], ids=["plain positions", "Llama 3.1 positions"])
@pytest.mark.parametrize(("parts", "by_columns"), [(1, False), (2, False), (2, True)])
def test_logits_are_those_of_transformers_to_1e_4(
    tmp_path: Path, tied: bool, rope: dict[str, object] | None, parts: int, by_columns: bool
):
    changes = {"tie_word_embeddings": tied} | ({"rope_parameters": rope} if rope else {})
    folder = make_llama(tmp_path / "hf", **changes)
    meta = to_meta(folder, tmp_path / "meta", parts=parts, by_columns=by_columns)
    model = load_torchtune_model(meta, make_method(MethodKind.lora), dtype=torch.float32, seed=0)
    with torch.no_grad():
        theirs = LlamaForCausalLM.from_pretrained(folder)(IDS_BT).logits
    torch.testing.assert_close(logits_of(model, IDS_BT), theirs, atol=1e-4, rtol=0)


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("kind", [MethodKind.dora, MethodKind.full], ids=["dora", "full"])
def test_what_is_trained_from_it_opens_in_transformers_with_the_live_logits_to_1e_4(
    tmp_path: Path, tied: bool, kind: MethodKind
):
    folder = make_llama(tmp_path / "hf", tie_word_embeddings=tied, rope_parameters=ROPE)
    meta = to_meta(folder, tmp_path / "meta", parts=2)
    model = load_torchtune_model(meta, make_method(kind), dtype=torch.float32, seed=0)
    train(model, [make_batch()] * 2)
    target = save(model, tmp_path / "model")
    if kind is MethodKind.full:
        opened = LlamaForCausalLM.from_pretrained(target)
    else:
        base = json.loads((target / "adapter_config.json").read_text())["base_model_name_or_path"]
        opened = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(base), str(target))
    with torch.no_grad():
        logits = opened.eval()(IDS_BT).logits
    torch.testing.assert_close(logits, logits_of(model, IDS_BT), atol=1e-4, rtol=0)
    assert (opened.config.bos_token_id, opened.config.eos_token_id) == (NUM_PAIRS, NUM_PAIRS + 9)


@pytest.mark.parametrize(
    ("params", "tied", "expected"),
    [
        ({}, False, {"rope_type": "default", "rope_theta": 10_000.0}),
        ({"use_scaled_rope": True, "rope_theta": 5e5}, False, {"factor": 8.0}),
        ({"use_scaled_rope": True, "rope_theta": 5e5}, True, {"factor": 32.0}),
        ({"use_scaled_rope": True, "rope_scaling_factor": 16}, True, {"factor": 16.0}),
    ],
    ids=["Llama 2", "Llama 3.1", "Llama 3.2", "stated"],
)
def test_positions_follow_what_params_and_the_tie_say(
    tmp_path: Path, params: dict[str, object], tied: bool, expected: dict[str, object]
):
    meta = to_meta(make_llama(tmp_path / "hf", tie_word_embeddings=tied), tmp_path / "m", parts=1)
    file = meta / "params.json"
    stated = json.loads(file.read_text())
    del stated["use_scaled_rope"], stated["rope_theta"]
    file.write_text(json.dumps(stated | params))
    rope = MetaCheckpoint(meta).config().rope_parameters
    assert rope is not None
    assert expected.items() <= dict(rope).items()


def test_its_tokenizer_reads_back_every_script_and_knows_the_turns(tmp_path: Path):
    meta = to_meta(make_llama(tmp_path / "hf"), tmp_path / "meta", parts=1)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(meta))
    text = "Mangga, ज़िला क्‍षमा, ng̃ayon 123"
    ids = tokenizer(text).input_ids
    assert ids[0] == tokenizer.bos_token_id == NUM_PAIRS
    assert tokenizer.decode(ids[1:]) == text
    assert len(tokenizer) == 300
    turns = [{"role": "user", "content": "apa?"}, {"role": "assistant", "content": "ya"}]
    chat = tokenizer.apply_chat_template(turns, tokenize=False)
    assert chat.startswith("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\napa?")
    assert chat.endswith("\n\nya<|eot_id|>")
    chat_ids = tokenizer(chat, add_special_tokens=False).input_ids
    assert chat_ids[-1] == tokenizer.eos_token_id == NUM_PAIRS + 9


def test_its_tokens_are_tiktokens(tmp_path: Path):
    import tiktoken

    meta = to_meta(make_llama(tmp_path / "hf"), tmp_path / "meta", parts=1)
    lines = [line.split() for line in (meta / "tokenizer.model").read_text().splitlines()]
    theirs = tiktoken.Encoding(
        "tiny",
        pat_str=r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in lines},
        special_tokens={},
    )
    ours = AutoTokenizer.from_pretrained(tokenizer_folder(meta))
    for text in ("Ang anak ay kumain ng mangga!", "ज़िला अस्पताल", "Dia datang, kan?\n\n  123456"):
        assert ours(text, add_special_tokens=False).input_ids == theirs.encode(text)


def test_a_pickle_that_would_run_code_is_not_read(tmp_path: Path):
    class Runs:
        def __reduce__(self):
            return (print, ("this ran",))

    meta = to_meta(make_llama(tmp_path / "hf"), tmp_path / "meta", parts=1)
    (meta / "consolidated.00.pth").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(UserError, match="holds more than tensors"):
        MetaCheckpoint(meta)


def test_a_lost_part_or_weight_or_number_is_said_in_one_line(tmp_path: Path):
    meta = to_meta(make_llama(tmp_path / "hf"), tmp_path / "meta", parts=2)
    part = torch.load(meta / "consolidated.01.pth", weights_only=True)
    del part["layers.1.attention.wq.weight"]
    torch.save(part, meta / "consolidated.01.pth")
    with pytest.raises(UserError, match=r"lacks layers\.1\.attention\.wq\.weight in part 1"):
        load_torchtune_model(meta, make_method(MethodKind.lora), dtype=torch.float32, seed=0)
    (meta / "consolidated.01.pth").unlink()
    with pytest.raises(UserError, match=r"has 1 consolidated.*, its weights are cut in 2: fetch"):
        load_torchtune_model(meta, make_method(MethodKind.lora), dtype=torch.float32, seed=0)
    (meta / "params.json").write_text('{"dim": 64, "n_layers": 2}')
    with pytest.raises(UserError, match="does not say n_heads"):
        MetaCheckpoint(meta)


def test_a_tokenizer_of_another_form_is_said_in_one_line(tmp_path: Path):
    meta = to_meta(make_llama(tmp_path / "hf"), tmp_path / "meta", parts=1)
    (meta / "tokenizer.model").write_bytes(b"\x0a\x0e sentencepiece \xff")
    with pytest.raises(UserError, match="not in tiktoken's form"):
        tokenizer_folder(meta)


def test_a_run_from_it_ends_in_a_folder_that_peft_opens(tmp_path: Path, tiny_corpus: Path):
    meta = to_meta(make_llama(tmp_path / "hf"), tmp_path / "meta", parts=2)
    code = finetune.main(
        [
            "name=original", f"root={tmp_path}", "stack=torchtune", "model=local",
            f"model.path={meta}", f"corpus_folder={tiny_corpus}", "~sources.sib200-train",
            "+sources.task=1", "training.precision=fp32", "training.max_steps=2",
            "tokens.share_prefix=false",
        ]
    )  # fmt: skip
    assert code == 0
    folder = tmp_path / "original" / "model"
    base = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    opened = PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(base), str(folder))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert opened.get_base_model().get_input_embeddings().num_embeddings == len(tokenizer)  # pyright: ignore[reportCallIssue]
