"""The model card: parent and data with their licences' duties, settings, hashes, limits."""

import re
from pathlib import Path

import pytest
import yaml
from lokal.data.corpus_sources import SourceRows, count_sources
from lokal.recipes.finetune import finetune
from lokal.training.card import model_card

COUNTS = {
    "steps": 3, "tokens": 100, "trained_tokens": 40, "first_loss": 2.0, "last_loss": 1.0,
    "processes": 1, "dtype": "float32", "tokens_by_source": {"task": 90},
}  # fmt: skip
SHARE_ALIKE = SourceRows("hi", "task", "CC-BY-SA-4.0", 12, "https://example.org/task")
OPEN = SourceRows("hi", "task", "CC0-1.0", 12, "")


def card(*words: str, data: SourceRows = SHARE_ALIKE, **more: object) -> str:
    config = finetune.compose(
        ["region=hi", "name=x", "~sources.sib200-train", "+sources.task=0.5", *words]
    )
    hashes = {"files of the parent": "abc"}
    return model_card(config, counts=COUNTS, data=[data], hashes=hashes, **more)  # pyright: ignore[reportArgumentType]


def front_matter(text: str) -> dict[str, object]:
    return yaml.safe_load(text.split("---\n")[1])


LLAMA = ("model=llama3_1_8b", "model.revision=0e9e")


def test_a_llama_card_keeps_to_the_llama_licence() -> None:
    text = card(*LLAMA, data=OPEN)
    assert "# Llama-3.1-8B for Hindi\n\n**Built with Llama**\n" in text
    assert "https://llama.meta.com/llama3_1/use-policy" in text
    assert "700 million" in text
    assert front_matter(text) == {
        "language": "hi",
        "pipeline_tag": "text-generation",
        "library_name": "peft",
        "base_model": "meta-llama/Llama-3.1-8B-Instruct",
        "base_model_relation": "adapter",
        "license": "llama3.1",
        "tags": ["lokal", "lora"],
    }
    renamed = card(*LLAMA, "model.label=Mine")
    assert "# Llama Mine for Hindi" in renamed


def test_data_that_asks_for_more_is_not_hidden_behind_the_parents_licence() -> None:
    text = card()
    assert front_matter(text)["license"] == "other"
    assert "| hi | task | CC-BY-SA-4.0 | 12 | 50% | 90 | https://example.org/task |" in text
    assert "goes under the same licence" in text
    unknown = card(data=OPEN._replace(licence="Own Terms"))
    assert front_matter(unknown)["license"] == "other"
    assert "Not in lokal's table of licences" in unknown
    assert front_matter(card(data=OPEN))["license"] == "apache-2.0"


def test_a_model_from_nothing_has_no_parent() -> None:
    text = card("model=scratch", "method=full", data=OPEN)
    assert "began with random weights" in text
    assert "There is no parent" in text
    assert "base_model" not in front_matter(text)
    assert front_matter(text)["library_name"] == "transformers"


def test_a_card_says_what_was_measured_and_what_was_not() -> None:
    text = card(measured=["held-out bits per byte in hi: 1.52 to 1.31"])
    assert "- held-out bits per byte in hi: 1.52 to 1.31" in text
    assert "Nothing else yet" not in text
    assert "Nothing else yet" in card()
    assert "Not evaluated for safety" in text


def test_a_card_holds_the_settings_and_no_path_of_the_machine() -> None:
    mix = ("mix.enabled=true", "mix.folders=[/home/me/en]")
    text = card("training.lr=3e-4", *mix, "model=local", "model.path=/home/m")
    assert "training.lr: 0.0003\n" in text
    assert "- files of the parent: `abc`" in text
    assert "/home/me" not in text
    assert not re.search(r"(?<![\w.:/])/(?!/)\w+/", text)


def test_rows_are_counted_by_source_and_licence(tiny_corpus: Path) -> None:
    assert count_sources([tiny_corpus], {"task": 1.0}) == [
        SourceRows(language, "task", "CC BY-SA 4.0", 4, "") for language in ("hi", "id", "tl")
    ]
    twice = count_sources([tiny_corpus, tiny_corpus], ["text"])
    assert [row.rows for row in twice] == pytest.approx([2, 2, 2])
