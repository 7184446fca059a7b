"""Brings a text into one Unicode form with plain white space; joiners that shape letters stay."""

import re
import unicodedata

from datatrove.data import Document

from ..document import metadata_of
from ..message import Message
from .step import Gate, Verdict

_LINE_ENDS = re.compile(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_BLANKS = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Control and format characters that carry no text: soft hyphen, zero-width space, marks of
# direction, byte order mark. ZWNJ (200C) and ZWJ (200D) are treated apart.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# A joiner shapes the letter before it in Devanagari and most Asian scripts, and joins emoji.
# After Latin letters, ASCII, white space or nothing it does nothing and hides duplicates.
_IDLE_JOINERS = re.compile(r"(?<![^\s\x00-\u024f\u200c\u200d])[\u200c\u200d]+")
_REPEATED_JOINERS = re.compile(r"([\u200c\u200d])\1+")
_INNER_BLANKS = re.compile(r"(?<=\S) {2,}")
_TRAILING_BLANKS = re.compile(r" +$", re.MULTILINE)
_EMPTY_LINES = re.compile(r"\n{3,}")


def normalise_text(text: str) -> str:
    """Return the text in NFC, without invisible characters, with plain spaces and line ends.

    Indentation stays, as code and lists need it; other runs of blanks become one space, runs of
    empty lines one. NFC writes Devanagari's nukta letters as letter + nukta, always.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _BLANKS.sub(" ", text)
    text = _INVISIBLE.sub("", text)
    text = unicodedata.normalize("NFC", text)
    text = _REPEATED_JOINERS.sub(r"\1", _IDLE_JOINERS.sub("", text))
    text = _INNER_BLANKS.sub(" ", text)
    text = _TRAILING_BLANKS.sub("", text)
    return _EMPTY_LINES.sub("\n\n", text).strip()


class Normalise(Gate):
    """Normalises the text, or every message and from them the text; drops what is empty then."""

    name = "normalise"
    step = "normalise"

    def judge(self, document: Document) -> Verdict | None:
        """Change the document; return a verdict where no text is left."""
        metadata = metadata_of(document)
        messages = metadata["messages"]
        if messages is None:
            document.text = normalise_text(document.text)
        else:
            turns = [(turn["role"], normalise_text(turn["content"])) for turn in messages]
            metadata["messages"] = [Message(role=role, content=text) for role, text in turns]
            document.text = "\n".join(text for role, text in turns if role != "system")
            if not all(text for _, text in turns):
                return Verdict("empty message")
        metadata["num_chars"] = len(document.text)
        return None if document.text.strip() else Verdict("empty")
