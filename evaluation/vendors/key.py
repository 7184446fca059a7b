"""The one secret of a service: read from a named variable, kept out of all that is written."""

import json
import os
import re

from ...data.errors import UserError
from ...data.manifest import Json

_LONGEST_REASON = 200


def check_key_name(name: str, *, field: str) -> None:
    """Refuse what is no name of a variable; it is not shown, since it may be a key.

    Raises:
        ValueError: it is no name.
    """
    if name and not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
        raise ValueError(
            f"{field} takes the NAME of an environment variable, in capitals, as in "
            "VLLM_API_KEY; a key itself never stands in a setting"
        )


class Key:
    """A key that prints as nothing; empty where the service wants none."""

    __slots__ = ("_forms", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        in_json = json.dumps(value)[1:-1]
        forms = {value, in_json, in_json.replace("/", "\\/")} if value else set()
        self._forms = sorted(forms, key=len, reverse=True)

    @classmethod
    def read(cls, name: str, *, field: str) -> "Key":
        """Return the key in the variable of that name; an empty name means that there is none.

        Raises:
            UserError: the variable holds no key.
        """
        if not name:
            return cls("")
        value = os.environ.get(name, "").strip()
        if not value or not value.isascii() or not value.isprintable():
            raise UserError(f"{field}: the environment variable {name} holds no key, set it")
        return cls(value)

    def __repr__(self) -> str:
        return "Key(***)"

    def clean(self, text: str) -> str:
        """Return the text without the key, which a service may echo."""
        for form in self._forms:
            text = text.replace(form, "***")
        return text

    def clean_bytes(self, body: bytes) -> bytes:
        """Return a body without the key."""
        for form in self._forms:
            body = body.replace(form.encode("ascii"), b"***")
        return body

    def clean_line(self, text: str) -> str:
        """Return a reason in one short line without the key."""
        return " ".join(self.clean(text).split())[:_LONGEST_REASON]

    def clean_json(self, value: Json) -> Json:
        """Return a reply without the key."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_json(part) for part in value]
        if isinstance(value, dict):
            return {self.clean(name): self.clean_json(part) for name, part in value.items()}
        return value
