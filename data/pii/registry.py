"""The one registry of rules: every module here with ``RULES`` adds its own, by their names."""

import importlib
import pkgutil
from functools import cache

from ..errors import UserError
from .rule import Rule


@cache
def known_rules() -> dict[str, Rule]:
    """Return all rules by name."""
    found: dict[str, Rule] = {}
    package = __package__ or ""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        rules = getattr(importlib.import_module(f"{package}.{module.name}"), "RULES", ())
        for rule in rules:
            assert rule.name not in found, f"two rules are called {rule.name}"
            found[rule.name] = rule
    return found


def rules_named(names: list[str], *, region: str) -> list[Rule]:
    """Return these rules in this order.

    Raises:
        UserError: there is no rule of that name.
    """
    known = known_rules()
    for name in names:
        if name not in known:
            raise UserError(
                f"configs/region/{region}.yaml: pii names {name!r}, which is no rule;"
                f" known: {', '.join(sorted(known))}"
            )
    return [known[name] for name in names]
