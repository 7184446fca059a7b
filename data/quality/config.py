"""When a text is too poor to train on: the thresholds of one language, set in its region's YAML.

Imports nothing heavy: a region's config is read for ``--help``. The rules are in ``prose.py``.
"""

from dataclasses import dataclass, field

_SHARES = (
    "max_symbols_per_word",
    "max_bullet_lines",
    "max_ellipsis_lines",
    "min_alpha_words",
    "min_distinct_words",
    "max_short_lines",
    "max_lines_per_word",
    "max_duplicate_lines",
    "max_duplicate_line_chars",
    "max_flagged_words",
)


@dataclass(kw_only=True, slots=True)
class QualityThresholds:
    """What a text of running prose must hold; the defaults suit a new language.

    The rules are those of Gopher (Rae et al., 2021, table A1) and FineWeb-2, whose figures for a
    language (``configs/<code>.yml`` of its repository) are where a region's values start.
    """

    stop_words: list[str] = field(default_factory=list)
    """The language's commonest words, in lower case; none: the rule is off."""
    min_stop_words: int = 2
    """Different stop words that a document must hold."""
    document_words: int = 100
    """From so many words on a text is a document: stop words and repetition are asked of it."""
    document_lines: int = 8
    """From so many lines on, the shares of lines mean something."""
    min_words: int = 2
    max_words: int = 1_000_000
    min_word_chars: float = 2
    """Least mean length of words, in characters."""
    max_word_chars: float = 14
    max_symbols_per_word: float = 0.1
    """Hashtags, or ellipses, for each word."""
    min_alpha_words: float = 0.5
    """Part of the words and numbers that hold a letter."""
    min_distinct_words: float = 0.25
    """Part of the words that are different, in texts shorter than a document."""
    max_bullet_lines: float = 0.9
    max_ellipsis_lines: float = 0.5
    min_sentence_ends: float = 0.02
    """Full stops, dandas, question marks and the like for each line, wherever in it they stand."""
    short_line_chars: int = 30
    max_short_lines: float = 1
    """Part of the lines with at most ``short_line_chars`` characters; 1: off, verse is short."""
    max_lines_per_word: float = 0.45
    """Above it, a list or a menu."""
    max_duplicate_lines: float = 0.5
    max_duplicate_line_chars: float = 0.3
    """Part of the characters that stand in lines seen before in the same text."""
    max_top_ngrams: list[float] = field(default_factory=lambda: [0.25, 0.22, 0.2])
    """Part of the letters that the commonest n-gram may fill: for 2, 3 and 4 words."""
    max_duplicate_ngrams: list[float] = field(
        default_factory=lambda: [0.4, 0.38, 0.36, 0.34, 0.32, 0.3]
    )
    """Part of the letters in n-grams that were seen before in the text: for 5 to 10 words."""
    flagged_words: list[str] = field(default_factory=list)
    """Obscene words, in lower case; counted in every row, never a reason by themselves."""
    max_flagged_words: float = 0.05
    """Part of the words that may be flagged, from ``min_flagged_words`` of them on."""
    min_flagged_words: int = 3

    def __post_init__(self) -> None:
        for name in _SHARES:
            _check_share(name, getattr(self, name))
        for name in ("max_top_ngrams", "max_duplicate_ngrams"):
            for place, share in enumerate(getattr(self, name)):
                _check_share(f"{name}[{place}]", share)
        for name in ("stop_words", "flagged_words"):
            for word in getattr(self, name):
                if word != word.lower() or len(word.split()) != 1:
                    raise ValueError(
                        f"region.quality.{name} takes single words in lower case, got {word!r}"
                    )
        if self.stop_words and len(self.stop_words) < self.min_stop_words:
            raise ValueError(
                f"region.quality.min_stop_words is {self.min_stop_words}, but stop_words lists "
                f"only {len(self.stop_words)}: no document could pass"
            )
        for low, high in (("min_words", "max_words"), ("min_word_chars", "max_word_chars")):
            if not 0 <= getattr(self, low) <= getattr(self, high):
                raise ValueError(
                    f"region.quality.{low} must lie between 0 and {high} = {getattr(self, high)}, "
                    f"got {getattr(self, low)}"
                )


@dataclass(kw_only=True, slots=True)
class QualityConfig:
    """What the quality gate is told for one run, beside the thresholds of the region."""

    perplexity_model: str | None = None
    """Path of a KenLM model of the region's language (``pip install kenlm``); null: none."""
    max_perplexity: float | None = None
    """Null: with a model, the perplexity is written into each row and drops none."""

    def __post_init__(self) -> None:
        if self.max_perplexity is None:
            return
        if self.perplexity_model is None:
            raise ValueError("quality.max_perplexity needs a model: set quality.perplexity_model")
        if self.max_perplexity < 1:
            raise ValueError(f"quality.max_perplexity must be 1 or more, got {self.max_perplexity}")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"region.quality.{name} must lie in [0, 1], got {value}")
