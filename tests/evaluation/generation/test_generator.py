"""Replies of a batch equal ``model.generate``, prompt by prompt, on both engines."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from lokal.data.chat import Message, encode_prompt
from lokal.data.errors import RunError
from lokal.evaluation.generation.engine import TransformersEngine
from lokal.evaluation.generation.flat_engine import FlatEngine
from lokal.evaluation.generation.generator import Generated, Generator, Task, plan_replies
from transformers import AutoTokenizer, LlamaForCausalLM

TEXTS = [
    "Turki dikelilingi oleh laut.",
    "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं। क्‍षमा करें, दर्शनार्‍थी कल आएँगे।",
    "Grabe, nag-score ang player sa ika-89 minuto!",
    "क",
    "Mutasi menambahkan variasi genetik yang baru, sedangkan seleksi menghapusnya." * 3,
]
ENGINES = {"flat": FlatEngine, "transformers": TransformersEngine}


@pytest.fixture(scope="module")
def model(tiny_llama_folder: Path) -> LlamaForCausalLM:
    loaded = LlamaForCausalLM.from_pretrained(tiny_llama_folder, attn_implementation="sdpa").eval()
    with torch.no_grad():  # far from uniform, so that a wrong mask or position shows
        for weight in loaded.model.layers.parameters():
            weight.mul_(8 if weight.dim() > 1 else 1)
    generator = torch.Generator().manual_seed(1)
    head = torch.randn(loaded.lm_head.weight.shape, generator=generator)
    loaded.lm_head.weight = torch.nn.Parameter(head)  # untied: a tied one repeats its input
    return loaded


@pytest.fixture(scope="module")
def prompts(tiny_llama_folder: Path) -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(tiny_llama_folder)
    system = Message(role="system", content="Tentukan topik teks: travel, sports, health, politics")
    return [
        encode_prompt(tokenizer, [system, Message(role="user", content=text)]) for text in TEXTS
    ]


def generate(
    model: LlamaForCausalLM,
    prompts: list[list[int]],
    *,
    engine: str = "flat",
    end_ids: Sequence[int] = (),
    max_new_tokens: int = 12,
    batch_tokens: int = 10_000,
    temperature: float = 0.0,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
) -> list[Generated]:
    generator = Generator(
        model, end_ids=end_ids, max_new_tokens=max_new_tokens, temperature=temperature
    )
    assert isinstance(generator._engine, FlatEngine)
    generator._engine = ENGINES[engine](model)
    found: dict[int, Generated] = {}
    for batch in plan_replies(prompts, max_new_tokens=max_new_tokens, batch_tokens=batch_tokens):
        tasks = [Task(prompts[index], seeds[index]) for index in batch.members]
        replies = generator.generate(tasks, num_prefix=batch.num_prefix)
        found |= dict(zip(batch.members, replies, strict=True))
    return [found[index] for index in range(len(prompts))]


def expected(
    model: LlamaForCausalLM, prompt: list[int], *, end_ids: Sequence[int], max_new_tokens: int
) -> Generated:
    ids = torch.tensor([prompt])
    out = model.generate(  # pyright: ignore[reportAttributeAccessIssue]  its stubs do not fit
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=list(end_ids),
        pad_token_id=0,
    )
    reply = out[0, len(prompt) :].tolist()
    ended = reply[-1] in end_ids
    return Generated(reply[:-1] if ended else reply, ended)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_tokens", [1, 700, 10_000])
def test_greedy_replies_equal_generate(
    model: LlamaForCausalLM, prompts: list[list[int]], engine: str, batch_tokens: int
) -> None:
    # Ends that a random model really says, so that replies end at other times and some are cut.
    said = [expected(model, p, end_ids=[], max_new_tokens=12).ids for p in prompts]
    end_ids = [said[0][3], said[1][6]]
    made = generate(model, prompts, engine=engine, end_ids=end_ids, batch_tokens=batch_tokens)
    assert made == [expected(model, p, end_ids=end_ids, max_new_tokens=12) for p in prompts]
    assert {reply.ended for reply in made} == {True, False}


def test_many_replies_to_one_prompt_are_not_held_at_once() -> None:
    plan = plan_replies([[7] * 90] * 40, max_new_tokens=10, batch_tokens=1000)
    assert [len(batch.members) for batch in plan] == [10, 10, 10, 10]
    assert {batch.num_prefix for batch in plan} == {89}  # the common beginning is computed once


def test_a_long_reply_outgrows_its_first_room(
    model: LlamaForCausalLM, prompts: list[list[int]]
) -> None:
    (made,) = generate(model, prompts[:1], max_new_tokens=150)
    assert made == expected(model, prompts[0], end_ids=[], max_new_tokens=150)


@pytest.mark.parametrize("engine", ENGINES)
def test_drawn_replies_depend_on_their_seed_and_not_on_the_batch(
    model: LlamaForCausalLM, prompts: list[list[int]], engine: str
) -> None:
    drawn = generate(model, prompts, engine=engine, temperature=0.7)
    alone = generate(model, prompts, engine=engine, temperature=0.7, batch_tokens=1)
    others = generate(model, prompts, engine=engine, temperature=0.7, seeds=(9, 8, 7, 6, 5))
    assert drawn == alone
    assert all(a.ids != b.ids for a, b in zip(drawn, others, strict=True))


def test_draws_follow_the_probabilities(model: LlamaForCausalLM, prompts: list[list[int]]) -> None:
    number = 2000
    generator = Generator(model, end_ids=[], max_new_tokens=1, temperature=2.0)
    made = generator.generate([Task(prompts[3], seed) for seed in range(number)])
    with torch.no_grad():
        logits_V = model(torch.tensor([prompts[3]])).logits[0, -1]
    shares_V = (logits_V / 2).softmax(-1)
    counts_V = torch.bincount(torch.tensor([reply.ids[0] for reply in made]), minlength=512)
    for token in shares_V.topk(5).indices.tolist():
        share = float(shares_V[token])
        error = 4 * (share * (1 - share) / number) ** 0.5  # four standard errors
        assert float(counts_V[token]) / number == pytest.approx(share, abs=error)


def test_a_batch_that_memory_does_not_hold_is_halved_with_the_same_replies(
    model: LlamaForCausalLM,
    prompts: list[list[int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = generate(model, prompts)
    start = FlatEngine.start

    def small(self: FlatEngine, rows: Sequence[Sequence[int]], *, num_prefix: int) -> torch.Tensor:
        if len(rows) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return start(self, rows, num_prefix=num_prefix)

    monkeypatch.setattr(FlatEngine, "start", small)
    assert generate(model, prompts) == whole
    assert "out of memory with 5 prompts at once: goes on with 2" in capsys.readouterr().err


def test_one_prompt_that_memory_does_not_hold_ends_the_run_in_one_line(
    model: LlamaForCausalLM, prompts: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")

    monkeypatch.setattr(FlatEngine, "start", none)
    with pytest.raises(RunError, match="memory does not hold one prompt: take a smaller model"):
        generate(model, prompts)
