"""Repairs text that was read in the wrong encoding, where it looks like it."""

import re
from typing import NamedTuple

from ftfy import TextFixerConfig, fix_encoding
from ftfy.badness import is_bad

# First bytes of UTF-8 sequences as cp1252, Latin-1 or Mac Roman shows them, with a byte that may
# follow. ftfy takes 5-7 MB/s on clean text: only lines that match are worth asking about.
_TRAILS = r"\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_SUSPICIOUS = re.compile(
    rf"[ÂÃÄÅÎÏÐÑØÙàâãäåæçèéìíîïð][{_TRAILS}]|‚Ä|√[©°±≠≥∫≤∂ñ†]|‡[§•]|√Ç|Ôø|¬[†∞∑ª´]"
)
_CONFIG = TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    fix_surrogates=False,
    remove_control_chars=False,
    normalization=None,
)


class Repaired(NamedTuple):
    """A text and how many of its lines were repaired."""

    text: str
    num_lines: int


def repair_mojibake(text: str) -> Repaired:
    """Return the text with ``‡§®`` and ``â€™`` read in the right encoding, by ftfy, line by line.

    Only what ftfy takes for UTF-8 read as something else changes, and only if it looks well after
    that: of a line in another encoding it would repair letters by chance. One broken line does not
    keep its neighbours from being repaired.
    """
    if text.isascii() or not _SUSPICIOUS.search(text):
        return Repaired(text, 0)
    lines = text.split("\n")
    num_lines = 0
    for index, line in enumerate(lines):
        if _SUSPICIOUS.search(line):
            fixed = fix_encoding(line, _CONFIG)
            if fixed != line and not is_bad(fixed):
                lines[index] = fixed
                num_lines += 1
    return Repaired("\n".join(lines), num_lines)
