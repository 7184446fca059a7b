"""Real small objects that several tests share: a random Llama and a corpus in three scripts."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from .local_slurm import slurm as slurm

# On tensors this small a second thread only spins: 20 s of CPU instead of 67 for one test file.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SENTENCES = {
    "id": [
        "Turki dikelilingi oleh laut di tiga sisi.",
        "Filamen bohlam akhirnya terbakar dan tidak lagi bercahaya.",
        "Pemain itu mencetak gol pada menit ke-89.",
        "Wabah flu burung dilaporkan di dua provinsi.",
    ],
    # Joiners (क्‍ष, र्‍य) and nukta (ज़, फ़) are real spellings and must survive everywhere.
    "hi": [
        "तुर्की तीन ओर से समुद्र से घिरा हुआ है।",
        "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं।",
        "क्‍षमा करें, दर्शनार्‍थी कल आएँगे।",
        "खिलाड़ी ने 89वें मिनट में गोल किया।",
    ],
    "tl": [
        "Napapalibutan ng mga dagat ang Turkey sa tatlong panig.",
        "Nag-score ang player sa ika-89 minuto, grabe talaga!",
        "Ang ng̃alan niya ay Crisóstomo Ibarra.",
        "Dalawang probinsya ang nag-ulat ng trangkaso.",
    ],
}
LABELS = ["geography", "science/technology", "sports", "health"]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(autouse=True)
def end_own_settings() -> Iterator[None]:
    """Forget the folder of settings that a test named by ``--config-dir``: it sets a variable."""
    yield
    os.environ.pop("LOKAL_CONFIG_DIR", None)


@pytest.fixture(scope="session")
def tiny_llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a 2-layer random Llama with grouped heads and a byte-level BPE tokenizer, in fp32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny_llama")
    tokenizer = _tiny_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished corpus folder: 12 conversations and 3 plain texts in three scripts."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from lokal.data.manifest import write_manifest

    folder = tmp_path_factory.mktemp("corpus") / "id"
    folder.mkdir()
    rows = [
        _row(lang, number, text)
        for lang, texts in SENTENCES.items()
        for number, text in enumerate(texts)
    ]
    rows += [
        _row(lang, 9, " ".join(texts)) | {"source": "text", "messages": None}
        for lang, texts in SENTENCES.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "train-00000.parquet")
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_manifest(
        folder,
        recipe="prepare",
        key="tiny",
        config={},
        inputs=[],
        licences=["CC BY-SA 4.0"],
        started_at=now,
        finished_at=now,
    )
    return folder


def _row(lang: str, number: int, text: str) -> dict[str, object]:
    turns = [
        ("system", "topic: " + ", ".join(LABELS)),
        ("user", text),
        ("assistant", LABELS[number % 4]),
    ]
    return {
        "id": f"{lang}/{number}",
        "text": text,
        "lang": lang,
        "script": "Latn",
        "source": "task",
        "licence": "CC BY-SA 4.0",
        "url": "",
        "messages": [{"role": role, "content": content} for role, content in turns],
    }


def _tiny_tokenizer():
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    texts = [text for several in SENTENCES.values() for text in several] + LABELS
    tokenizer.train_from_iterator(texts * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=CHAT_TEMPLATE,
    )
