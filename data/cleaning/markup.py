"""Takes markup out of a text: HTML, Markdown and hard wraps; what a reader sees stays."""

from collections import Counter
from typing import NamedTuple

from .hard_wraps import rejoin_lines
from .html_text import strip_html
from .markdown_text import (
    BLOCK_MARK,
    PRIVATE,
    SPAN_MARK,
    Stash,
    is_markdown,
    stash_blocks,
    stash_spans,
    strip_links,
    strip_markdown,
    unbreak_cells,
)
from .markup_config import Code, MarkupConfig
from .normalise import normalise_text


class Cleaned(NamedTuple):
    """A text without markup, and how often each thing was taken out."""

    text: str
    changes: dict[str, int]


def strip_markup(text: str, config: MarkupConfig) -> Cleaned:
    """Return normalised text without HTML, Markdown and hard wraps; code passes as it is.

    What is inside a fenced block or between ticks is no markup, so it is put aside first.
    """
    counts: Counter[str] = Counter()
    blocks, spans = Stash(BLOCK_MARK), Stash(SPAN_MARK)
    before = text = PRIVATE.sub("", text)
    markdown = is_markdown(text)
    if "```" in text or "~~~" in text:
        text = stash_blocks(text, blocks, keep=config.code is Code.keep, counts=counts)
    if "`" in text:
        text = stash_spans(text, spans, ticks=not markdown)
    if markdown and "<br" in text:
        text = unbreak_cells(text)
    text = strip_html(text, counts=counts)
    if "](" in text:
        text = strip_links(text, counts=counts)
    if markdown:
        text = strip_markdown(text, counts=counts)
    text = spans.restore(text)
    if text != before:
        text = normalise_text(text)
    if config.rejoin:
        text, joined, pages = rejoin_lines(text)
        counts["lines rejoined"] += joined
        counts["page numbers removed"] += pages
    return Cleaned(
        blocks.restore(text), {what: number for what, number in counts.items() if number}
    )
