"""Preference pairs: every form in which they are stored gives the same two conversations."""

import pytest
from lokal.data.message import Message
from lokal.data.preferences import num_shared_turns, replies_of, to_pair
from lokal.data.settings import Format, Kind, Source

ASK = "अस्पताल कब खुलेगा?"
BETTER, WORSE = "अस्पताल सुबह नौ बजे खुलेगा।", "पता नहीं।"


def turn(role: str, content: str) -> Message:
    return Message(role=role, content=content)


def source(**columns: str) -> Source:
    return Source(
        path="x", format=Format.jsonl, licence="CC0-1.0", kind=Kind.preference, columns=columns
    )


PAIR = (
    [turn("user", ASK), turn("assistant", BETTER)],
    [turn("user", ASK), turn("assistant", WORSE)],
)
FORMS = {
    "texts": {"prompt": ASK, "chosen": BETTER, "rejected": WORSE},
    "turns": {
        "prompt": [turn("user", ASK)],
        "chosen": [turn("assistant", BETTER)],
        "rejected": [turn("assistant", WORSE)],
    },
    "conversations": {"chosen": PAIR[0], "rejected": PAIR[1]},
    "conversations beside their prompt": {"prompt": ASK, "chosen": PAIR[0], "rejected": PAIR[1]},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_pair(form: str):
    assert to_pair(FORMS[form], source()) == PAIR


def test_a_system_column_goes_before_both_and_columns_may_be_called_otherwise():
    row = {"q": ASK, "good": BETTER, "bad": WORSE, "system": "Jawab singkat."}
    pair = to_pair(row, source(prompt="q", chosen="good", rejected="bad"))
    assert [turns[0] for turns in pair] == [turn("system", "Jawab singkat.")] * 2
    assert [turns[-1]["content"] for turns in pair] == [BETTER, WORSE]


def test_the_prompt_ends_where_the_conversations_part():
    begin = [turn("user", "Halo"), turn("assistant", "Ya?"), turn("user", ASK)]
    chosen, rejected = [*begin, turn("assistant", BETTER)], [*begin, turn("assistant", WORSE)]
    assert num_shared_turns(chosen, rejected) == 3
    assert replies_of(chosen, behind=3) == BETTER
    assert num_shared_turns(chosen, chosen) == 3  # the last turn is never prompt


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": ASK, "chosen": BETTER}, "no column 'rejected'"),
        ({"chosen": BETTER, "rejected": WORSE}, "answers nobody"),
        (
            {"chosen": PAIR[0], "rejected": [turn("user", "Lain?"), turn("assistant", "x")]},
            "answer different questions",
        ),
        ({"prompt": ASK, "chosen": "", "rejected": WORSE}, "a turn has no text"),
        ({"prompt": ASK, "chosen": [], "rejected": WORSE}, "a list of turns is empty"),
    ],
)
def test_what_is_no_pair_is_said(row: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        to_pair(row, source())
