"""Which rule checks which instruction, and the strict and the loose reading of a reply.

The instructions are those of IFEval (Zhou et al., 2023, arXiv:2311.07911) as SEA-IFEval carries
them into other languages; the rules are written anew from their definitions.
"""

from collections.abc import Callable
from typing import NamedTuple

from .bounds import (
    begins_with,
    ends_with,
    has_postscript,
    has_two_responses,
    is_quoted,
    repeats_prompt,
)
from .form import (
    has_num_bullets,
    has_num_highlights,
    has_num_placeholders,
    has_num_sections,
    has_title,
    is_json,
    is_one_of_options,
)
from .keywords import (
    has_keyword_frequency,
    has_keywords,
    has_no_forbidden_words,
    has_number_frequency,
)
from .length import has_num_paragraphs, has_num_sentences, has_num_words
from .relation import Values
from .tongue import is_in_language

Rule = Callable[[str, Values, str], bool]
"""Reply, the instruction's values and the reply's language; whether the reply follows it."""

RULES: dict[str, Rule] = {
    "combination:repeat_prompt": repeats_prompt,
    "combination:two_responses": has_two_responses,
    "detectable_content:number_placeholders": has_num_placeholders,
    "detectable_content:postscript": has_postscript,
    "detectable_format:constrained_response": is_one_of_options,
    "detectable_format:json_format": is_json,
    "detectable_format:multiple_sections": has_num_sections,
    "detectable_format:number_bullet_lists": has_num_bullets,
    "detectable_format:number_highlighted_sections": has_num_highlights,
    "detectable_format:title": has_title,
    "keywords:existence": has_keywords,
    "keywords:forbidden_words": has_no_forbidden_words,
    "keywords:frequency": has_keyword_frequency,
    "keywords:number_frequency": has_number_frequency,
    "language:response_language": is_in_language,
    "length_constraints:number_paragraphs": has_num_paragraphs,
    "length_constraints:number_sentences": has_num_sentences,
    "length_constraints:number_words": has_num_words,
    "startend:end_checker": ends_with,
    "startend:first_word": begins_with,
    "startend:quotation": is_quoted,
}


class Followed(NamedTuple):
    """Whether a reply follows an instruction, read as it stands and read with indulgence."""

    strict: bool
    loose: bool
    """Also without asterisks, without its first or last line, or both: an opening is forgiven."""


def follows(reply: str, instruction: str, values: Values, *, language: str) -> Followed:
    """Return whether the reply follows the instruction; an empty reply follows none.

    Raises:
        ValueError: nothing checks this instruction, or its values are wrong.
    """
    rule = find_rule(instruction)
    strict = rule(reply, values, language) and bool(reply.strip())
    loose = strict or any(
        rule(variant, values, language) for variant in _variants(reply) if variant.strip()
    )
    return Followed(strict, loose)


def find_rule(instruction: str) -> Rule:
    """Return the rule that checks an instruction.

    Raises:
        ValueError: there is none.
    """
    if instruction not in RULES:
        raise ValueError(
            f"instruction {instruction!r} is not one of those that can be checked: "
            f"{', '.join(RULES)}"
        )
    return RULES[instruction]


def _variants(reply: str) -> list[str]:
    lines = reply.split("\n")
    shorter = ["\n".join(some).strip() for some in (lines[1:], lines[:-1], lines[1:-1])]
    variants = [reply, *shorter]
    return variants + [variant.replace("*", "") for variant in variants]
