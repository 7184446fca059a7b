"""Registers of a language (Hinglish, Taglish, Jakartan, Malay drift): found, then kept or not."""

import hashlib
from collections.abc import Mapping

from ..errors import UserError
from ..region import Region
from .config import kept_share
from .lexicon import Words

MIN_WORDS = 2
"""So many words of each list a register needs: one may be a name or a quotation."""
_HASH_SPACE = 2**64


class Registers:
    """The registers that a region's file describes, in its order, and what happens to each."""

    def __init__(self, region: Region, policies: Mapping[str, str]) -> None:
        self._rules = dict(region.registers)
        self._classes = frozenset(region.same_class)
        self._kept = {}
        for label, policy in policies.items():
            share = kept_share(policy, register=label)
            if label not in self._rules and share < 1:
                known = ", ".join(self._rules) or "none"
                raise UserError(
                    f"language.registers.{label}={policy}: region {region.code} has no such "
                    f"register; it has {known}"
                )
            self._kept[label] = share

    @property
    def lists(self) -> list[str]:
        """The word lists that the rules look at."""
        return list(dict.fromkeys(name for rule in self._rules.values() for name in rule))

    def find(self, words: Words, *, detected: str = "") -> str:
        """Return the first register whose every list has its share of the words, or ``""``.

        One word is enough where CLD2 answers the language of the same class that the list is of.
        """
        for label, rule in self._rules.items():
            if all(
                words.hits(name) >= (1 if name == detected in self._classes else MIN_WORDS)
                and words.hits(name) >= least * words.total
                for name, least in rule.items()
            ):
                return label
        return ""

    def words_by_register(self, words: Words) -> dict[str, int]:
        """Return how many words of the row speak for each register, where any does."""
        found = {label: words.hits(next(iter(rule))) for label, rule in self._rules.items()}
        return {label: number for label, number in found.items() if number}

    def keeps(self, label: str, *, row_id: str) -> bool:
        """Return whether the policy keeps this row: always the same answer for the same id."""
        share = self._kept.get(label, 1.0)
        digest = hashlib.blake2b(f"{label}:{row_id}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") < share * _HASH_SPACE
