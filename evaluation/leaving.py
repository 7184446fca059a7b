"""What may be sent to another machine: suites on the allow-list, without personal values.

The allow-list is ``may_leave: true`` in a suite's own file: no word of a command line adds to it.
Nothing here shows or keeps what was found, only how much of which kind.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from ..data.errors import UserError
from ..data.manifest import Json
from ..data.pii.find import find_pii
from ..data.pii.registry import rules_named
from ..data.pii.rule import Rule
from ..data.region import load_region, region_codes
from ..data.suite import load_suite
from .generations import Part


@dataclass(frozen=True, kw_only=True, slots=True)
class PartLeaving:
    """One suite in one language: how much would leave, and what speaks against it."""

    name: str
    """Of the part: ``sib200-hi``."""
    num_items: int
    why_not: str
    """Why the suite may not leave; empty where it may."""
    pii: Mapping[str, int]
    """Personal values in the prompts by kind."""
    num_hit: int
    """Items with at least one."""

    def line(self) -> str:
        """Return what a forecast says of the part."""
        found = ", ".join(f"{kind} {number}" for kind, number in sorted(self.pii.items()))
        values = f"personal values in {self.num_hit} ({found})" if self.pii else "no personal value"
        allowed = f"may not leave: {self.why_not}" if self.why_not else "on the allow-list"
        return f"{self.name}: {self.num_items} items, {allowed}, {values}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """Everything that is about to be sent, and whether it may be."""

    host: str
    is_local: bool
    parts: Sequence[PartLeaving]
    accept_pii: bool
    setting: str
    """Key that accepts personal values, for the message."""

    @property
    def refusal(self) -> str:
        """Return in one line why nothing may be sent; empty where it may."""
        barred = [part for part in self.parts if part.why_not]
        if barred:
            names = ", ".join(f"{part.name} ({part.why_not})" for part in barred)
            return f"nothing is sent to {self.host}: {names}: take it out, or ask on this machine"
        hit = [part for part in self.parts if part.pii]
        if hit and not self.accept_pii:
            lines = "; ".join(part.line() for part in hit)
            return (
                f"nothing is sent to {self.host}: {lines}: take these items out, or "
                f"{self.setting}=true if they may be known there"
            )
        return ""

    def require(self) -> None:
        """Refuse what may not be sent.

        Raises:
            UserError: a suite is not on the allow-list, or prompts hold personal values.
        """
        if self.refusal:
            raise UserError(self.refusal)

    def lines(self) -> list[str]:
        """Return what a person should read before anything is sent."""
        if self.is_local:
            return [f"stays on this machine ({self.host})"]
        return [f"leaves this machine for {self.host}", *(part.line() for part in self.parts)]

    def to_json(self) -> dict[str, Json]:
        """Return the check for a forecast or a manifest."""
        return {
            "host": self.host,
            "is_local": self.is_local,
            "parts": [
                {
                    "name": part.name,
                    "items": part.num_items,
                    "why_not": part.why_not,
                    "pii": dict(part.pii),
                    "items_with_pii": part.num_hit,
                }
                for part in self.parts
            ],
            "accept_pii": self.accept_pii,
        }


def check_may_leave(
    parts: Sequence[Part],
    *,
    host: str,
    is_local: bool,
    accept_pii: bool = False,
    setting: str = "accept_pii",
    replies: Mapping[str, Mapping[str, str]] | None = None,
) -> Leaving:
    """Return what these parts would send to a host, and whether they may.

    Args:
        parts: with the prompts as they would be sent.
        host: name or number of the machine.
        is_local: it is this machine, to which everything may be sent; nothing is looked through.
        accept_pii: personal values may leave too.
        setting: the key that sets ``accept_pii``, for the message.
        replies: by part name and item id, texts that are sent too, as to a judge.
    """
    found = []
    for part in () if is_local else parts:
        texts = (replies or {}).get(part.name, {})
        hits = [
            _kinds([turn["content"] for turn in item.messages] + [texts.get(item.id, "")])
            for item in part.items
        ]
        found.append(
            PartLeaving(
                name=part.name,
                num_items=len(part.items),
                why_not=_why_not(part),
                pii=dict(sum(hits, Counter[str]())),
                num_hit=sum(map(bool, hits)),
            )
        )
    return Leaving(
        host=host, is_local=is_local, parts=found, accept_pii=accept_pii, setting=setting
    )


def _why_not(part: Part) -> str:
    """Return why a suite may not leave; its own file decides, and only for the items it names."""
    name = part.suite.name
    try:
        listed = load_suite(name)
    except UserError:
        return f"there is no configs/suite/{name}.yaml that allows it"
    if not listed.may_leave:
        return f"configs/suite/{name}.yaml does not say may_leave: true"
    if part.suite.items != listed.items:
        return f"these are not the items that configs/suite/{name}.yaml names"
    return ""


def _kinds(texts: Sequence[str]) -> Counter[str]:
    return Counter(hit.rule.name for text in texts for hit in find_pii(text, _rules()))


@cache
def _rules() -> list[Rule]:
    """Return the rules of all regions: a prompt in one language may hold another's numbers."""
    names = dict.fromkeys(name for code in region_codes() for name in load_region(code).pii)
    return rules_named(list(names), region="*")
