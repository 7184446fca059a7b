"""Instructions whose following a rule can check, as in IFEval; the strict reading counts."""

from ...data.manifest import Json
from ...data.message import Message
from ...data.region import Region, load_region, region_codes
from ...data.suite import Suite
from ..item import Item, Mark
from ..metrics.instructions.verify import find_rule, follows
from .format import Row, category_of, cluster_of, expectation_of, text_of


class InstructionFormat:
    """Rows with ``prompt``, the ``instruction`` in it, and its values in ``kwargs``."""

    corpus = None

    def ask(self, row: Row, *, suite: Suite, region: Region) -> Item:
        """Return the row as an item without a system turn; its rule and values are tried out."""
        instruction = text_of(row, "instruction")
        find_rule(instruction)("", _values(row), region.code)
        return Item(
            id=text_of(row, "id"),
            language=region.code,
            messages=[Message(role="user", content=text_of(row, "prompt"))],
            gold=(instruction,),
            cluster=cluster_of(row, suite),
            category=category_of(row, suite),
            expect=expectation_of(suite, _wanted_region(row, region)),
            row=row,
        )

    def score(self, item: Item, reply: str) -> Mark:
        """Return 1 where the reply follows as it stands; ``answer`` says loosely, or not at all."""
        found = follows(reply, item.gold[0], _values(item.row), language=item.language)
        loose = "followed loosely" if found.loose else "not followed"
        answer = "followed" if found.strict else loose
        return Mark(float(found.strict), answer)


def _wanted_region(row: Row, region: Region) -> Region:
    """Return the region whose language the instruction asks for; one we do not know stays."""
    wanted = _values(row).get("response_language")
    return load_region(wanted) if isinstance(wanted, str) and wanted in region_codes() else region


def _values(row: Row) -> dict[str, Json]:
    values = row.get("kwargs")
    if not isinstance(values, dict):
        raise ValueError(f"kwargs must hold the instruction's values, got {values!r}")
    return values


FORMAT = InstructionFormat()
