"""Items in three scripts with two or three systems' replies, made by hand."""

from lokal.evaluation.checks.expectation import Expectation
from lokal.evaluation.item import Item
from lokal.evaluation.report.items.case import Case, Said

PROMPTS = {"id": "Apa kabar?", "hi": "क्‍षमा कीजिए, आप कैसे हैं?", "tl": "Kumusta po kayo?"}


def made_case(region: str, number: int, **said: str) -> Case:
    """Return one item; each keyword is a system with its reply."""
    item = Item(
        id=f"q/{number}",
        language=region,
        messages=[{"role": "user", "content": f"{PROMPTS[region]} {number}"}],
        cluster=f"q/{number}",
        expect=Expectation(language=region, script="Deva" if region == "hi" else "Latn"),
        row={"rubric": ["polite", "short"]},
    )
    replies = said or {
        "child": f"one two three four {number}",
        "parent": f"five six seven eight {number}",
    }
    return Case(
        name=f"{region}-q-{number}",
        region=region,
        suite="q",
        item=item,
        source="CC0, here",
        said={
            name: Said(text=text, state="ok", value=None, answer=None, marks=())
            for name, text in replies.items()
        },
    )


def made_cases(region: str, count: int) -> list[Case]:
    """Return several items of one region."""
    return [made_case(region, number) for number in range(count)]
