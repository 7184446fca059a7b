"""Puts text that nobody vouches for into a prompt, so that it can only be read, never obeyed.

Three walls. JSON: a string cannot be left without an unescaped quotation mark. No control: marks
that hide or turn text round, and the brackets that chat templates read as the end of a turn, stand
there as escapes. A fence whose name is a hash over the fenced text itself: a text that held its own
fence would have to hold its own hash. JSON's escapes give back exactly what was put in.
"""

import hashlib
import json
import re

# Marks that hide text or turn its direction. ZWJ and ZWNJ (U+200C, U+200D) stay: Hindi spells with
# them. U+E0000 to U+E007F are invisible copies of ASCII.
_HIDDEN = re.compile(
    "[\u0080-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
# "<|eot_id|>", "<s>", "[INST]": a tokenizer may read them as the end of our turn.
_TEMPLATE = re.compile(r"<|\[(?=/?[A-Z_]+\])")


def as_json_text(text: str) -> str:
    """Return the text as one JSON string without hidden marks and without template brackets."""
    whole = json.dumps(text, ensure_ascii=False)
    return _TEMPLATE.sub(_escape, _HIDDEN.sub(_escape, whole))


def fence_name(seed: int, *parts: str) -> str:
    """Return 24 hex digits that none of the parts holds: the same for the same call, always.

    Args:
        seed: of the run; it changes every name.
        parts: all that is fenced, and what tells this call from others.
    """
    content = json.dumps([seed, *parts]).encode()
    for attempt in range(16):
        name = hashlib.sha256(content + bytes([attempt])).hexdigest()[:24]
        if not any(name in part for part in parts):
            return name
    raise AssertionError("16 hashes of a text stand in it")


def fenced(name: str, label: str, text: str) -> str:
    """Return the text as JSON between two lines with the fence's name."""
    return (
        f"----- {name} {label} begins -----\n{as_json_text(text)}\n----- {name} {label} ends -----"
    )


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
