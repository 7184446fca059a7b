"""Items with a label, made by hand, as the tests of evaluation need them."""

from lokal.data.message import Message
from lokal.evaluation.checks.expectation import Expectation
from lokal.evaluation.item import Item


def labelled_item(item_id: str, language: str, text: str, label: str) -> Item:
    """Return an item whose prompt is the text alone."""
    return Item(
        id=item_id,
        language=language,
        messages=[Message(role="user", content=text)],
        gold=(label,),
        cluster=item_id,
        expect=Expectation(language=language, script="Deva" if language == "hi" else "Latn"),
        row={"text": text, "label": label},
    )
