"""Takes HTML out of a text: tags, comments, scripts and entities, or a whole page's markup."""

import html
import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser

_BLOCKS = (
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 head header hr html li main nav ol p pre section summary table "
    "tbody tfoot thead title tr ul"
).replace(" ", "|")
_INLINE = (
    "a abbr b big button cite code col colgroup del dfn em font i iframe img input ins kbd label "
    "link mark meta noscript option picture q s samp script select small source span strike strong "
    "style sub sup td th tt u var video wbr"
).replace(" ", "|")
_TAG = re.compile(
    rf"<(?P<close>/?)(?P<name>{_BLOCKS}|{_INLINE}|br)\b(?P<rest>(?:\s[^<>]*)?/?)>", re.IGNORECASE
)
_BLOCK_TAG = re.compile(rf"(<(?:/?(?:{_BLOCKS})\b[^<>]*|br\s*/?)>)", re.IGNORECASE)
_IS_BLOCK = re.compile(_BLOCKS).fullmatch
_LONE = frozenset({"br", "hr", "img", "p", "li", "wbr", "input", "meta", "link"})
_PAGE = re.compile(r"<(?:!doctype\s|html[\s>]|body[\s>])", re.IGNORECASE)
# Neither runs over a second opening, so that thousands of open ones take no longer than one.
_COMMENT = re.compile(r"<! ?- ?-(?:(?!<!).)*?- ?- ?>", re.DOTALL)
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*>(?:(?!<\1\b).)*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_ANY_CLOSE = re.compile(r"</([A-Za-z]{1,20})>")
_ENTITY = re.compile(r"&(?:#\d{2,7}|#x[0-9A-Fa-f]{2,6}|[A-Za-z]{2,20}\d{0,2});")
_CELL = re.compile(r"(<t[dh]\b)", re.IGNORECASE)
_PRE = re.compile(r"(<pre\b.*?</pre\s*>)", re.DOTALL | re.IGNORECASE)
_ABOUT_HTML = re.compile(r"\bX?HTML\b")
_MIN_TAGS = 10
_PAGE_TAG_SHARE = 0.1
"""A text without ``<html>`` is a page if so much of it is tags, and there are ``_MIN_TAGS``."""


def strip_html(text: str, *, counts: Counter[str]) -> str:
    """Return the text without HTML; a whole page is parsed, remnants in prose are cut out.

    In prose ``<name>`` and ``a < b`` stay: a known tag goes if it closes, is closed further on, or
    needs no closing. A text that speaks of HTML keeps its examples.
    """
    has_entity = "&" in text and ";" in text
    if "<" not in text and not has_entity:
        return text
    if "<" in text and _is_page(text):
        text = _page_text(text, counts=counts)
    elif _ABOUT_HTML.search(text):
        return text
    elif "<" in text:
        text = _cut(text, counts=counts)
    if has_entity:
        text = _decode(_decode(text, counts=counts), counts=counts)
    return text


def _is_page(text: str) -> bool:
    if _PAGE.search(text[:2000]):
        return True
    tags = [match.end() - match.start() for match in _TAG.finditer(text)]
    return len(tags) >= _MIN_TAGS and sum(tags) >= _PAGE_TAG_SHARE * len(text)


def _page_text(text: str, *, counts: Counter[str]) -> str:
    """Return what a browser would show of a page, a line for each block."""
    counts["html pages"] += 1
    pieces = _PRE.split(text)
    pieces[::2] = [re.sub(r"\s+", " ", piece) for piece in pieces[::2]]
    marked = _CELL.sub(r" \1", _BLOCK_TAG.sub(r"\n\1", "".join(pieces)))
    tree = LexborHTMLParser(marked)
    tree.strip_tags(["script", "style", "noscript", "template", "iframe", "svg", "head"])
    shown = tree.body.text() if tree.body is not None else ""
    return re.sub(r"\n +", "\n", shown)


def _cut(text: str, *, counts: Counter[str]) -> str:
    """Return prose without the remnants of HTML in it."""
    if "<!" in text:
        text, number = _COMMENT.subn("", text)
        counts["html comments removed"] += number
    if "</" in text:
        text, number = _SCRIPT.subn("", text)
        counts["html scripts removed"] += number
    closed = {match[1].lower() for match in _ANY_CLOSE.finditer(text)}
    number = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal number
        name = match["name"].lower()
        if not (match["close"] or name in closed or name in _LONE):
            return match[0]
        number += 1
        return "\n" if name == "br" or _IS_BLOCK(name) else ""

    text = _TAG.sub(replace, text)
    for name in sorted(closed):
        if f"<{name}" not in text.lower():
            text, more = re.subn(rf" ?</{name}>", "", text, flags=re.IGNORECASE)
            number += more
    counts["html tags removed"] += number
    return text


def _decode(text: str, *, counts: Counter[str]) -> str:
    text, number = _ENTITY.subn(lambda match: html.unescape(match[0]), text)
    counts["html entities decoded"] += number
    return text
