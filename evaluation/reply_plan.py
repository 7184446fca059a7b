"""How a reply is asked of any system: its name in the journal, its seed, its longest length."""

import hashlib

from ..data.suite import Suite
from .item import Item
from .settings import AnswersConfig

_SHORT_REPLY_TOKENS = 16
"""Longest reply to a suite that says nothing of it: a label or a letter."""


def reply_name(item: Item, sample: int) -> str:
    """Return the name of the journal's row with one reply to an item."""
    return f"{item.id}#{sample}"


def reply_seed(seed: int, name: str) -> int:
    """Return a seed of 64 bits for one reply that depends on nothing beside it."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big")


def longest_reply(suite: Suite, answers: AnswersConfig) -> int:
    """Return the tokens at which a reply to this suite is cut."""
    own = suite.max_new_tokens or _SHORT_REPLY_TOKENS
    return min(own, answers.max_new_tokens or own)
