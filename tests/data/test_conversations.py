"""Chats in four forms become the same turns; what cannot be trained says why."""

import pytest
from lokal.data.conversations import to_messages
from lokal.data.message import Message
from lokal.data.settings import ChatFormat, Format, Kind, Source

HINDI = "ज़िला अस्पताल कहाँ है?"
TAGALOG = "Nasa tabi ng munisipyo, mag-jeep ka na lang."


def source(form: ChatFormat, **columns: str) -> Source:
    return Source(
        path="x.jsonl", format=Format.jsonl, licence="CC0-1.0", kind=Kind.chat,
        chat_format=form, columns=columns,
    )  # fmt: skip


def turns(*pairs: tuple[str, str]) -> list[Message]:
    return [Message(role=role, content=content) for role, content in pairs]


ASKED = turns(("user", HINDI), ("assistant", TAGALOG))


@pytest.mark.parametrize(
    ("form", "row"),
    [
        (ChatFormat.messages, {"messages": ASKED}),
        (ChatFormat.alpaca, {"instruction": HINDI, "input": "", "output": TAGALOG}),
        (ChatFormat.prompt, {"prompt": HINDI, "completion": TAGALOG}),
        (ChatFormat.prompt, {"prompt": ASKED[:1], "completion": ASKED[1:]}),
        (
            ChatFormat.sharegpt,
            {
                "conversations": [
                    {"from": "human", "value": HINDI},
                    {"from": "gpt", "value": TAGALOG},
                ]
            },
        ),
        (
            ChatFormat.sharegpt,
            {"conversations": {"from": ["human", "gpt"], "value": [HINDI, TAGALOG]}},
        ),
    ],
)
def test_every_form_gives_the_same_turns(form: ChatFormat, row: dict[str, object]):
    assert to_messages(row, source(form)) == ASKED


def test_columns_may_have_other_names_as_in_aya():
    aya = source(ChatFormat.prompt, prompt="inputs", completion="targets")
    assert to_messages({"inputs": HINDI, "targets": TAGALOG, "language": "tgl"}, aya) == ASKED


def test_alpaca_joins_input_system_and_history():
    row = {
        "instruction": "Terjemahkan", "input": HINDI, "output": TAGALOG,
        "system": "Jawab singkat.", "history": [["Halo", "Halo juga"]],
    }  # fmt: skip
    assert to_messages(row, source(ChatFormat.alpaca)) == turns(
        ("system", "Jawab singkat."), ("user", "Halo"), ("assistant", "Halo juga"),
        ("user", f"Terjemahkan\n\n{HINDI}"), ("assistant", TAGALOG),
    )  # fmt: skip


def test_tools_calls_and_results_are_kept_as_text():
    row = {
        "tools": [{"name": "cuaca"}],
        "messages": [
            {"role": "user", "content": "Cuaca di Bandung?"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"function": {"name": "cuaca", "arguments": '{"kota": "Bandung"}'}},
            ]},
            {"role": "tool", "content": '{"suhu": 24}'},
            {"role": "assistant", "content": [{"type": "text", "text": "24 derajat."}]},
        ],
    }  # fmt: skip
    assert to_messages(row, source(ChatFormat.messages)) == turns(
        ("system", '[{"name": "cuaca"}]'),
        ("user", "Cuaca di Bandung?"),
        ("assistant", '{"name": "cuaca", "parameters": {"kota": "Bandung"}}'),
        ("tool", '{"suhu": 24}'),
        ("assistant", "24 derajat."),
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": "x"}, "no column 'messages' .the row has text"),
        ({"messages": "x"}, "turns are no list"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "the role 'narrator', not one of"),
        ({"messages": turns(("user", " "), ("assistant", "x"))}, "a turn has no text"),
        ({"messages": turns(("user", "x"))}, "the last turn is not the assistant's"),
        ({"messages": turns(("assistant", "x"))}, "answers nobody"),
        ({"messages": [*ASKED, *turns(("system", "x")), *ASKED]}, "must be the first"),
        ({"messages": [{"role": "user", "content": [{"image": 1}]}]}, "more than text"),
    ],
)
def test_what_cannot_be_trained_says_why(row: dict[str, object], reason: str):
    with pytest.raises(ValueError, match=reason):
        to_messages(row, source(ChatFormat.messages))
