from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.language.config import LanguageConfig, SecondOpinion
from lokal.data.language.fasttext_model import FastTextModel
from lokal.data.language.lexicon import Lexicons, load_words
from lokal.data.language.register import Registers
from lokal.data.region import load_region


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_own_share": 2}, r"language.min_own_share must lie in \[0, 1\], got 2"),
        ({"min_line_letters": 0}, "language.min_line_letters must be 1 or more, got 0"),
        (
            {"registers": {"hinglish": "some"}},
            r"language.registers.hinglish must be keep, drop or a share in \[0, 1\], got 'some'",
        ),
        ({"registers": {"taglish": "1.5"}}, "got '1.5'"),
        ({"second_opinion": SecondOpinion.model}, "model_path and .* go together"),
        ({"model_path": "glotlid.bin"}, "model_path=glotlid.bin, second_opinion=none"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LanguageConfig(**settings)  # pyright: ignore[reportArgumentType]


def test_a_policy_for_a_register_of_another_region_is_an_error() -> None:
    with pytest.raises(UserError, match="region id has no such register; it has malay-drift, jak"):
        Registers(load_region("id"), {"hinglish": "drop"})
    Registers(load_region("id"), {"hinglish": "keep"})  # changes nothing


def test_a_missing_model_is_named() -> None:
    with pytest.raises(UserError, match=r"language.model_path: there is no file no/model.bin"):
        FastTextModel(Path("no/model.bin"))


def test_an_unknown_word_list_is_named() -> None:
    with pytest.raises(UserError, match="no word list 'xx' in data/lexicons: choose one of bho"):
        load_words("xx")


def test_words_keep_vowel_signs_and_apostrophes_and_part_at_hyphens_and_danda() -> None:
    words = Lexicons(["hi", "en", "tl"]).read("ज़िला है। वे हैं, DON’T mag-order 12 nguni't")
    assert words.total == 8
    assert (words.hits("hi"), words.hits("en"), words.hits("tl")) == (3, 2, 1)
    assert words.hits("of another region") == 0


def test_no_list_of_a_neighbour_holds_function_words_of_the_region() -> None:
    for code in ("id", "hi", "tl"):
        for neighbour in load_region(code).neighbours:
            assert load_words(code) & load_words(neighbour) == set(), neighbour
