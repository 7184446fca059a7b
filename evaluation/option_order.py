"""The same questions with their options in another order, to see what hangs on the order."""

import hashlib
import math
from collections.abc import Sequence

from ..data.errors import UserError
from ..data.manifest import Json, sha256_of_json
from ..data.region import load_region
from ..data.suite import Likelihood, Suite
from .formats.choice import LETTERS
from .formats.format import load_format
from .generations import Part
from .item import Item


def add_orders(parts: Sequence[Part], *, option_orders: int) -> list[Part]:
    """Return the parts, behind each with lettered options the same in further orders.

    Raises:
        UserError: more than one order is wanted, and no part has lettered options.
    """
    found: list[Part] = []
    for part in parts:
        found.append(part)
        if has_orders(part.suite):
            found += [_in_order(part, order) for order in range(1, option_orders)]
    if option_orders > 1 and len(found) == len(parts):
        raise UserError(
            f"option_orders={option_orders} asks again with lettered options in another order, but "
            f"{', '.join(sorted({part.suite.name for part in parts}))} have none: leave it out"
        )
    return found


def has_orders(suite: Suite) -> bool:
    """Return whether the suite asks for one of several lettered options."""
    return suite.format == "choice" and suite.likelihood is Likelihood.labels


def ordered_name(part: str, suite: str, *, order: int) -> str:
    """Return the name of a suite's part in another order: ``belebele~1@300-id``."""
    return f"{suite}~{order}{part.removeprefix(suite)}"


def _in_order(part: Part, order: int) -> Part:
    items = [in_order(item, part.suite, order=order) for item in part.items]
    key = sha256_of_json(
        {
            "part": part.key,
            "order": order,
            "asked": [[turn["content"] for turn in item.messages] for item in items],
        }
    )
    name = ordered_name(part.name, part.suite.name, order=order)
    return part._replace(name=name, items=items, key=key)


def option_order(item_id: str, *, order: int, num_options: int) -> tuple[int, ...]:
    """Return which option of the file stands at each place; order 0 is the file's own.

    It hangs on the item's id and the order's number alone. No order comes twice for an item before
    all of them were used: two options have only two.
    """
    used = [tuple(range(num_options))]
    number = 0
    while len(used) <= order:
        number += 1
        found = _shuffled(f"{item_id}/{number}", num_options)
        if used.count(found) <= len(used) // math.factorial(num_options):
            used.append(found)
    return used[order]


def in_order(item: Item, suite: Suite, *, order: int) -> Item:
    """Return the item with its options in another order; the right letter goes with its text.

    The row's ``option_order`` says which option of the file each letter is.
    """
    choices, answer = item.row["choices"], item.row["answer"]
    assert isinstance(choices, list)
    assert isinstance(answer, int)
    places = option_order(item.id, order=order, num_options=len(choices))
    row: dict[str, Json] = {
        **item.row,
        "choices": [choices[place] for place in places],
        "answer": places.index(answer),
        "option_order": list[Json](places),
    }
    return load_format(suite).ask(row, suite=suite, region=load_region(item.language))


def original_options(items: Sequence[Item], letters: Sequence[str | None]) -> list[str | None]:
    """Return for each answer the option's place in the file, as text; None stays None."""
    found: list[str | None] = []
    for item, letter in zip(items, letters, strict=True):
        places = item.row.get("option_order")
        if letter is None:
            found.append(None)
        else:
            at = LETTERS.index(letter)
            found.append(str(places[at] if isinstance(places, list) else at))
    return found


def _shuffled(seed: str, number: int) -> tuple[int, ...]:
    return tuple(
        sorted(range(number), key=lambda at: hashlib.sha256(f"{seed}/{at}".encode()).digest())
    )
