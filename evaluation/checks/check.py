"""All checks of one answer, in one flat row."""

from dataclasses import dataclass

from .address import find_address
from .code_mix import mix_counter
from .expectation import Expectation
from .fidelity import fidelity_voter
from .gibberish import is_gibberish
from .graphemes import count_graphemes
from .refusal import is_refusal
from .repetition import is_repetitive
from .script import is_in_script, script_share
from .truncation import is_truncated

_DRIFT = "malay-drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What rules say about one answer. ``None`` stands where the answer is too short to tell.

    How far each can be trusted: docs/decisions/language-checks.md.
    """

    num_graphemes: int
    """Length in user-perceived characters."""
    num_words: int
    is_empty: bool
    script_share: float | None
    """Part of the letters outside code in the wanted script."""
    is_in_script: bool | None
    own_share: float | None
    """Part of the voting letters in the wanted language."""
    is_faithful: bool | None
    other_language: str
    """The other language with the most letters, or ``""``."""
    malay_share: float | None
    """Indonesian only: part of the words that only Malay writes so."""
    is_malay_drift: bool | None
    style: str
    """``jakartan``, ``hinglish``, ``taglish``, ``malay-drift``, or ``""``."""
    english_share: float
    """Part of the words in our English list; compare with references, not with 1."""
    address: str
    """How the reader is addressed: ``formal``, ``familiar``, ``intimate``; ``""``: not at all."""
    mixes_registers: bool
    is_register_kept: bool | None
    """``None``: the item asks for none, or nobody is addressed."""
    is_repetitive: bool
    is_truncated: bool
    is_refusal: bool
    is_gibberish: bool


def check_reply(reply: str, expectation: Expectation, *, is_cut: bool) -> Checks:
    """Return all checks of an answer.

    Args:
        reply: the answer as the system gave it.
        expectation: what the item asks for.
        is_cut: whether the system stopped at its limit of tokens.
    """
    language, code_mix = expectation.language, expectation.code_mix
    share = script_share(reply, expectation.script)
    fidelity = fidelity_voter(language).judge(reply, code_mix=code_mix)
    mix = mix_counter(language).count(reply, script=expectation.script)
    address = find_address(reply, language)
    return Checks(
        num_graphemes=count_graphemes(reply),
        num_words=len(reply.split()),
        is_empty=not reply.strip(),
        script_share=share,
        is_in_script=is_in_script(share, code_mix=code_mix),
        own_share=fidelity.own_share,
        is_faithful=fidelity.is_faithful,
        other_language=fidelity.other,
        malay_share=mix.malay_share,
        is_malay_drift=None if mix.malay_share is None else mix.style == _DRIFT,
        style=mix.style,
        english_share=mix.english_share,
        address=address.form,
        mixes_registers=address.is_mixed,
        is_register_kept=address.keeps(expectation.register, language=language),
        is_repetitive=is_repetitive(reply),
        is_truncated=is_truncated(reply, is_cut=is_cut),
        is_refusal=is_refusal(reply),
        is_gibberish=is_gibberish(reply),
    )
