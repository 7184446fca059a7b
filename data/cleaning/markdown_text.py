"""Takes Markdown out of a text and leaves what a reader sees: headings, link texts, cells."""

import re
from collections import Counter

FENCED_BLOCK = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[^`\n]*\n(?:(?![ \t]*(?P=mark))[^\n]*\n)*+[ \t]*(?P=mark)[ \t]*$",
    re.MULTILINE,
)
_STRAY_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})[^`\n]*$\n?", re.MULTILINE)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)([^\n]+?)(?<!`)\1(?!`)")
_TARGET = r"\((?:[^()\s]|\([^()\s]*\))*(?:\s+[\"'][^\"'\n]*[\"'])?\)"
_BADGE = re.compile(rf"\[!\[[^\[\]\n]*\]{_TARGET}\s*\]{_TARGET}")
_IMAGE = re.compile(rf"!\[([^\[\]\n]*)\]{_TARGET}")
_LINK = re.compile(rf"(?<![\w\])])\[((?:[^\[\]\n]|\[[^\[\]\n]*\])+)\](?=\([^)\s]*[/.#:@]){_TARGET}")
_REFERENCE = re.compile(r"(?<![\w\])])\[([^\[\]\n]+)\]\[[^\[\]\n]*\]")
_DEFINITION = re.compile(
    r"^ {0,3}\[(?!\^)[^\[\]\n]+\]:[ \t]+(?:https?:|/|#|\.|<)\S*.*$\n?", re.MULTILINE
)
_AUTOLINK = re.compile(r"<((?:https?|ftp|mailto):[^<>\s]+)>")
_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?(?:[ \t]*\{#[^}\n]*\})?$", re.MULTILINE
)
# What is in bold holds no second mark: a line full of open ones would take time squared.
_BOLD = re.compile(r"\*\*(?=\S)((?:[^*\n]|\*(?!\*))+)(?<=\S)\*\*")
_STRUCK = re.compile(r"~~(?=\S)([^~\n]+)(?<=\S)~~")
_BOLD_LOW = re.compile(r"(?<!\w)__(?=\S)([^_\n]*[^\w\n][^_\n]*?)(?<=\S)__(?!\w)")
_ITALIC = re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_ITALIC_LOW = re.compile(r"(?<![\w\\])_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?!\w)")
_RULE = re.compile(
    r"^[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|={3,})$", re.MULTILINE
)
_QUOTE = re.compile(r"^(?:> ?)+(?:\[![A-Z]+\][ \t]*)?", re.MULTILINE)
_TASK = re.compile(r"^([ \t]*[-*+] )\[[ xX]\] ", re.MULTILINE)
_ESCAPE = re.compile(r"\\([*_#~`|\[\]<>])")
_SEPARATOR = re.compile(
    r"^[ \t]*\|?(?:[ \t]*:?-{2,}:?[ \t]*\|)+(?:[ \t]*:?-{2,}:?[ \t]*)?$\n?", re.MULTILINE
)
_ROW = re.compile(r"^[ \t]*\|(.*?)\|?[ \t]*$", re.MULTILINE)
BLOCK_MARK, SPAN_MARK = "\ue000", "\ue001"
PRIVATE = re.compile("[\ue000-\ue002]")
"""What tokens are made of; see ``Stash``."""
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_BROKEN_ROW = re.compile(r"^[ \t]*\|.*<br.*$", re.MULTILINE | re.IGNORECASE)
_MIN_ALT_WORDS = 3
_KINDS = (
    ("# ", re.compile(r"^#{1,6} \S", re.MULTILINE)),
    ("**", re.compile(r"\*\*[^\s*][^*\n]*\*\*")),
    ("](", re.compile(rf"\[[^\[\]\n]+\]{_TARGET}")),
    ("|", _SEPARATOR),
    ("```", re.compile(r"^`{3,}", re.MULTILINE)),
    ("~~~", re.compile(r"^~{3,}", re.MULTILINE)),
    ("`", re.compile(r"(?<!`)`[^`\n]+`(?!`)")),
)
"""What each kind of Markdown cannot do without, and how it looks; most texts hold no such sign."""


class Stash:
    """Code that must pass the other rules unchanged; a token stands for it meanwhile.

    Tokens are of characters for private use, which carry no text: drop those of the text before.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._token = re.compile(rf"{mark}(\d+)\ue002")
        self._pieces: list[str] = []

    def put(self, piece: str) -> str:
        """Return the token for a piece."""
        self._pieces.append(piece)
        return f"{self._mark}{len(self._pieces) - 1}\ue002"

    def restore(self, text: str) -> str:
        """Return the text with all pieces back in place."""
        if not self._pieces:
            return text
        return self._token.sub(lambda match: self._pieces[int(match[1])], text)


def is_markdown(text: str) -> bool:
    """Return whether two kinds of Markdown are in the text: ``#`` alone may be a prompt."""
    return sum(sign in text and kind.search(text) is not None for sign, kind in _KINDS) >= 2


def stash_blocks(text: str, stash: Stash, *, keep: bool, counts: Counter[str]) -> str:
    """Return the text with a token for each fenced code block, or without the blocks.

    Of a block that is never closed only the fence goes: what follows may be prose.
    """

    def replace(match: re.Match[str]) -> str:
        counts["code blocks kept" if keep else "code blocks dropped"] += 1
        return stash.put(match[0]) if keep else ""

    return _STRAY_FENCE.sub("", FENCED_BLOCK.sub(replace, text))


def stash_spans(text: str, stash: Stash, *, ticks: bool) -> str:
    """Return the text with a token for each piece of code in a line, with its ticks or without."""
    return _CODE_SPAN.sub(lambda match: stash.put(match[0] if ticks else match[2].strip()), text)


def unbreak_cells(text: str) -> str:
    """Return the text with a blank for every ``<br>`` in a table's row, which is one line."""
    return _BROKEN_ROW.sub(lambda match: _BREAK.sub(" ", match[0]), text)


def strip_links(text: str, *, counts: Counter[str]) -> str:
    """Return the text with links as their text, and without badges and images.

    An image's description stays if it says something, in three words or more.
    """
    if "![" in text:
        text, badges = _BADGE.subn("", text)
        text, images = _IMAGE.subn(_description, text)
        counts["images removed"] += badges + images
    text, links = _LINK.subn(r"\1", text)
    counts["links to text"] += links
    return text


def strip_markdown(text: str, *, counts: Counter[str]) -> str:
    """Return a Markdown text as plain lines; list marks stay, a table's cells get a bar between."""
    counts["markdown documents"] += 1
    text, definitions = _DEFINITION.subn("", text)
    if definitions:
        text = _REFERENCE.sub(r"\1", text)
    if "|" in text and _SEPARATOR.search(text):
        text = _SEPARATOR.sub("", text)
        text, rows = _ROW.subn(_cells, text)
        counts["table rows to text"] += rows
    text = _QUOTE.sub("", text)
    text = _RULE.sub("", text)
    text = _HEADING.sub(r"\1", text)
    text = _TASK.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _STRUCK.sub(r"\1", _BOLD.sub(r"\1", text))
    text = _ITALIC_LOW.sub(r"\1", _ITALIC.sub(r"\1", _BOLD_LOW.sub(r"\1", text)))
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _description(match: re.Match[str]) -> str:
    return match[1] if len(match[1].split()) >= _MIN_ALT_WORDS else ""


def _cells(match: re.Match[str]) -> str:
    return " | ".join(cell.strip() for cell in match[1].split("|"))
