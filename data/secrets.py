"""Keys of the environment and of mistyped settings, cut out of what errors would print.

What lokal itself says and writes holds none; this is for the exceptions of libraries.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

_NAMES = re.compile(
    r"(?:^|_)(?:API_?KEY|KEY|KEY_ID|TOKEN|SECRET|PASSWORD|PASSWD|PASS|CREDENTIALS?)(?:_|$)",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_USER = re.compile(r"://(\S+)@")
_SHORTEST = 8
"""A shorter value is no key, and would be cut out of ordinary words."""


def hide_secrets(text: str, *, words: Sequence[str] = ()) -> str:
    """Return the text with *** for the value of every variable that may hold a key.

    Args:
        text: to be printed.
        words: settings as they were typed, into which somebody may have put a key.
    """
    values = {value for value in _values(words) if len(value) >= _SHORTEST}
    for value in sorted(values, key=len, reverse=True):
        for form in (value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(value, safe="")):
            text = text.replace(form, "***")
    return text


def _values(words: Sequence[str]) -> Iterator[str]:
    for name, value in os.environ.items():
        if _NAMES.search(name):
            yield value.strip()
    for word in words:
        key, _, typed = word.partition("=")
        value = typed.strip().strip("'\"")
        if _NAMES.search(key.rpartition(".")[2]) and not _VARIABLE.fullmatch(value):
            yield value
        yield from _USER.findall(value)
        yield from (part for user in _USER.findall(value) for part in user.split(":", 1)[1:])
