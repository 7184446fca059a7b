"""How many tokens of each source are trained: shares by language and source, repeats capped.

Pure arithmetic on what there is, so that a mix that cannot be met is refused before a step is
trained, with the numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .errors import UserError

_NEED_ENABLED = ("tokens", "languages", "sources", "folders")


@dataclass(kw_only=True, slots=True)
class MixConfig:
    """What is trained in one epoch, in tokens of the model's own tokenizer."""

    enabled: bool = False
    """False trains on the chosen rows as they are, each once an epoch."""
    tokens: int | None = None
    """Tokens of one epoch; null: as many as the region's own language gives, each row once."""
    languages: dict[str, float] = field(default_factory=dict)
    """Share of the tokens by language; empty: the region's own mix."""
    sources: dict[str, dict[str, float]] = field(default_factory=dict)
    """Share of a language's tokens by source: ``{id: {wikipedia: 0.6, news: 0.4}}``. For a language
    that is not named, each source gives in proportion to what it has."""
    max_repeats: float = 4.0
    """Most times that a row is trained on, over all epochs."""
    folders: list[str] = field(default_factory=list)
    """Finished corpora beside ``corpus_folder``: English to replay, for example."""

    def __post_init__(self) -> None:
        given = [name for name in _NEED_ENABLED if getattr(self, name)]
        if given and not self.enabled:
            raise ValueError(f"mix.{given[0]} does nothing without a mix: add mix.enabled=true")
        if self.tokens is not None and self.tokens < 1:
            raise ValueError(f"mix.tokens must be 1 or more, or null, got {self.tokens}")
        if self.max_repeats <= 0:
            raise ValueError(f"mix.max_repeats must be above 0, got {self.max_repeats}")
        _check_shares("mix.languages", self.languages)
        for language, shares in self.sources.items():
            _check_shares(f"mix.sources.{language}", shares)


class Supply(NamedTuple):
    """What one source has in one language."""

    language: str
    source: str
    tokens: int


class Ration(NamedTuple):
    """What one source gives to an epoch."""

    language: str
    source: str
    available: int
    """Tokens of all its rows."""
    tokens: float
    """Tokens that the mix asks for."""

    @property
    def repeats(self) -> float:
        """How often each of its rows stands in an epoch, on average."""
        return self.tokens / self.available


def plan_mix(
    supplies: Sequence[Supply],
    mix: MixConfig,
    *,
    default: Mapping[str, float],
    language: str,
    epochs: float,
) -> list[Ration]:
    """Return what each source gives to an epoch, in the order of the supplies.

    Args:
        default: shares by language where the mix names none.
        language: the one that is trained; without ``mix.tokens`` its tokens set the size.
        epochs: repeats count over all of them.

    Raises:
        UserError: a language or source is missing, or some would be repeated too often.
    """
    shares = _shares_of_all(supplies, mix, mix.languages or default or {language: 1.0})
    chosen = [supply for supply in supplies if shares.get((supply.language, supply.source))]
    tokens = mix.tokens or _tokens_of(chosen, shares, language)
    rations = [
        Ration(*supply, tokens=tokens * shares[supply.language, supply.source]) for supply in chosen
    ]
    _check_repeats(rations, mix, tokens=tokens, epochs=epochs)
    return rations


def _shares_of_all(
    supplies: Sequence[Supply], mix: MixConfig, languages: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """Return each source's share of all tokens."""
    shares: dict[tuple[str, str], float] = {}
    for language, share in languages.items():
        if share == 0:
            continue
        having = {item.source: item.tokens for item in supplies if item.language == language}
        if not having:
            present = ", ".join(sorted({item.language for item in supplies}))
            raise UserError(
                f"the mix asks for {language} ({share:g}), the corpora hold {present}: add a "
                "corpus to mix.folders and its sources to sources, or leave the language out"
            )
        parts = mix.sources.get(language) or {
            name: tokens / sum(having.values()) for name, tokens in having.items()
        }
        if missing := sorted(set(parts) - set(having)):
            raise UserError(
                f"mix.sources.{language} names {missing[0]!r}, the chosen rows in {language} are "
                f"of {', '.join(having)}: correct the name, or add it to sources"
            )
        shares |= {(language, name): share * part for name, part in parts.items()}
    return shares


def _tokens_of(
    supplies: Sequence[Supply], shares: Mapping[tuple[str, str], float], language: str
) -> float:
    """Return the epoch in which no row of the language is repeated."""
    sizes = [
        item.tokens / shares[item.language, item.source]
        for item in supplies
        if item.language == language
    ]
    if not sizes:
        raise UserError(
            f"the mix leaves {language} out: give mix.tokens, or a share in mix.languages"
        )
    return min(sizes)


def _check_repeats(
    rations: Sequence[Ration], mix: MixConfig, *, tokens: float, epochs: float
) -> None:
    worst = max(rations, key=lambda ration: ration.repeats)
    total = worst.repeats * epochs
    if total <= mix.max_repeats * (1 + 1e-9):
        return
    share = worst.tokens / tokens
    enough = math.ceil(total * 100) / 100
    most = worst.available * mix.max_repeats / epochs
    raise UserError(
        f"the mix cannot be met: {worst.language} {worst.source} is to give {worst.tokens:,.0f} of "
        f"{tokens:,.0f} tokens an epoch (share {share:.3g}) and has {worst.available:,}, so each "
        f"row would be seen {total:.3g} times in {epochs:g} epochs, mix.max_repeats is "
        f"{mix.max_repeats:g}: set mix.tokens={int(most / share)} or lower, its share to "
        f"{math.floor(most / tokens * 1000) / 1000:g}, mix.max_repeats={enough:g}, or add text"
    )


def _check_shares(name: str, shares: Mapping[str, float]) -> None:
    if wrong := [key for key, share in shares.items() if share < 0]:
        raise ValueError(f"{name}.{wrong[0]} must be 0 or more, got {shares[wrong[0]]}")
    if shares and abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"{name} must sum to 1, got {sum(shares.values()):g}: {shares}")
