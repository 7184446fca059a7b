"""The language-consistency check: the better reply is in the language, no less than the worse."""

import pytest
from datatrove.data import Document
from lokal.data.document import metadata_of, new_document
from lokal.data.language.config import LanguageConfig
from lokal.data.message import Message
from lokal.data.region import load_region
from lokal.data.steps.preference_gate import PreferenceGate

REPLIES = {
    "id": "Rumah sakit itu buka setiap hari mulai pukul sembilan pagi, kecuali pada hari libur.",
    "hi": "अस्पताल हर दिन सुबह नौ बजे खुलता है, लेकिन छुट्टी के दिन बंद रहता है।",
    "tl": "Bukas ang ospital araw-araw simula alas nuwebe ng umaga, maliban kung may pista.",
}
ENGLISH = "The hospital opens every day at nine in the morning, except on public holidays in June."
CODE = "```python\nprint('the opening hours of the hospital in the morning')\n```"
HINGLISH = "Hospital roz subah nau baje khulta hai, lekin chhutti ke din band rehta hai yaar."
TAGLISH = "Open po ang hospital every day simula 9 AM, pero closed siya kapag may holiday talaga."


def judged(region: str, chosen: str, rejected: str, **registers: str) -> Document:
    document = new_document(id="1", text="", lang=region, source="s", licence="CC0-1.0", url="")
    metadata = metadata_of(document)
    ask = Message(role="user", content="?")
    metadata["messages"] = [ask, Message(role="assistant", content=chosen)]
    metadata["rejected"] = [ask, Message(role="assistant", content=rejected)]
    gate = PreferenceGate(load_region(region), LanguageConfig(registers=registers))
    (found,) = gate.stream([document], rank=0)
    return found


def reason(document: Document) -> str | None:
    return metadata_of(document)["reason"]


@pytest.mark.parametrize("region", REPLIES)
def test_a_better_reply_in_the_language_stays(region: str):
    assert reason(judged(region, REPLIES[region], ENGLISH)) is None
    assert reason(judged(region, REPLIES[region], REPLIES[region] + " " + ENGLISH)) is None


@pytest.mark.parametrize("region", REPLIES)
def test_a_better_reply_in_english_goes(region: str):
    document = judged(region, ENGLISH, REPLIES[region])
    wanted = "chosen in another script" if region == "hi" else "chosen in another language"
    assert reason(document) == wanted
    assert metadata_of(document)["step"] == "preference"


@pytest.mark.parametrize("region", ["id", "hi"])  # in tl such a mixture is Taglish, a register
def test_a_better_reply_that_is_less_in_the_language_than_the_worse_goes(region: str):
    mixed = f"{REPLIES[region]} {REPLIES[region]} {ENGLISH}"
    document = judged(region, mixed, REPLIES[region])
    assert reason(document) == "chosen less in the language than rejected"


@pytest.mark.parametrize("region", REPLIES)
def test_code_speaks_for_no_language(region: str):
    document = judged(region, f"{REPLIES[region]}\n{CODE}", REPLIES[region])
    assert reason(document) is None


@pytest.mark.parametrize(("region", "text"), [("hi", HINGLISH), ("tl", TAGLISH)])
def test_a_code_switched_better_reply_is_kept_or_dropped_as_its_register(region: str, text: str):
    register = {"hi": "hinglish", "tl": "taglish"}[region]
    kept = judged(region, text, REPLIES[region])
    assert reason(kept) is None
    assert f"preference: chosen in {register}" in metadata_of(kept)["notes"]
    dropped = judged(region, text, REPLIES[region], **{register: "drop"})
    assert reason(dropped) == "chosen in a register"


def test_a_label_is_too_short_to_be_judged_and_equal_replies_teach_nothing():
    short = judged("hi", "geography", "sports")
    assert reason(short) is None
    assert "preference: too short for its language to be told" in metadata_of(short)["notes"]
    assert reason(judged("id", REPLIES["id"], REPLIES["id"])) == "equal replies"


def test_rows_that_are_no_pairs_pass():
    document = new_document(id="1", text=ENGLISH, lang="id", source="s", licence="x", url="")
    gate = PreferenceGate(load_region("id"), LanguageConfig())
    assert reason(next(iter(gate.stream([document], rank=0)))) is None
