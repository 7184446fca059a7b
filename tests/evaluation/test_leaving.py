"""Only suites on the allow-list leave the machine, and no prompt with a personal value."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from lokal.data.config_files import config_names
from lokal.data.errors import UserError
from lokal.data.suite import load_suite
from lokal.evaluation.generations import Part
from lokal.evaluation.items import find_items, read_items
from lokal.evaluation.leaving import Leaving, check_may_leave
from lokal.recipes.evaluate import evaluate

FAR = {"host": "api.example.com", "is_local": False}
PERSONAL = {
    "id": ("NIK saya 3174015708920003, surel budi.s@gmail.com", {"nik": 1, "email": 1}),
    "hi": ("मेरा मोबाइल नंबर ९८७६५ ४३२१० है।", {"phone_in": 1}),
    "tl": ("Tawagan si Ana sa 0917 234 5678 bukas.", {"phone_ph": 1}),
    "en": ("Write to jane.roe@proton.me today.", {"email": 1}),
}
FREE = re.compile(r"(CC-BY(-SA)?-4\.0|CC0-1\.0|MIT|Apache-2\.0|AFL-3\.0)")


def part(language: str, *, text: str = "", suite: str = "sib200") -> Part:
    """Return five items of a shipped suite; the text stands in the third."""
    found = load_suite(suite)
    items = read_items(found, split="test", language=language, items_root=None)[:5]
    if text:
        turn = {**items[2].messages[-1], "content": f"Q: {text}"}
        items[2] = replace(items[2], messages=[*items[2].messages[:-1], turn])
    path = find_items(found, split="test", language=language, items_root=None)
    return Part(f"{suite}-{language}", found, "test", language, items, path, "k")


@pytest.mark.parametrize("language", PERSONAL)
def test_personal_values_of_each_language_are_counted_and_stop_it(language: str) -> None:
    text, kinds = PERSONAL[language]
    leaving = check_may_leave([part(language, text=text)], **FAR)
    (found,) = leaving.parts
    assert (found.num_items, found.num_hit, found.pii) == (5, 1, kinds)
    with pytest.raises(UserError, match=r"nothing is sent to api\.example\.com: .* 1 \(") as error:
        leaving.require()
    assert "accept_pii=true" in str(error.value)
    said = json.dumps([str(error.value), leaving.lines(), leaving.to_json()], ensure_ascii=False)
    for word in re.findall(r"[\w.@]{8,}", text):
        assert word not in said


@pytest.mark.parametrize("language", PERSONAL)
def test_clean_prompts_of_the_allow_list_leave_and_personal_ones_once_accepted(
    language: str,
) -> None:
    leaving = check_may_leave([part(language)], **FAR)
    leaving.require()
    assert leaving.lines() == [
        "leaves this machine for api.example.com",
        f"sib200-{language}: 5 items, on the allow-list, no personal value",
    ]
    accepted = part(language, text=PERSONAL[language][0])
    check_may_leave([accepted], accept_pii=True, **FAR).require()


def test_replies_that_a_judge_reads_are_looked_through_too() -> None:
    one = part("id")
    replies = {one.name: {one.items[0].id: PERSONAL["id"][0]}}
    assert check_may_leave([one], replies=replies, **FAR).parts[0].num_hit == 1


def test_this_machine_may_have_everything() -> None:
    one = part("id", text=PERSONAL["id"][0])._replace(suite=load_suite("xsafety"))
    leaving = check_may_leave([one], host="127.0.0.1", is_local=True)
    leaving.require()
    assert leaving.lines() == ["stays on this machine (127.0.0.1)"]


def refusal(one: Part) -> str:
    leaving: Leaving = check_may_leave([one], **FAR)
    with pytest.raises(UserError) as error:
        leaving.require()
    return str(error.value)


@pytest.mark.parametrize("suite", ["xsafety", "wmt24_en_hi", "xlsum", "sea_safeguard_general"])
def test_suites_that_are_not_listed_do_not_leave(suite: str) -> None:
    said = refusal(part("hi")._replace(suite=load_suite(suite), name=f"{suite}-hi"))
    assert f"configs/suite/{suite}.yaml does not say may_leave: true" in said


def test_a_command_line_adds_nothing_to_the_list() -> None:
    own = load_suite("sib200")
    own.items = {"test": "/home/me/letters.jsonl"}
    assert "not the items that configs/suite/sib200.yaml names" in refusal(
        part("hi")._replace(suite=own)
    )
    own = load_suite("xsafety")
    own.may_leave = True
    assert "does not say may_leave" in refusal(part("hi")._replace(suite=own))
    own = load_suite("sib200")
    own.name = "letters"
    assert "no configs/suite/letters.yaml that allows it" in refusal(part("hi")._replace(suite=own))


@pytest.mark.parametrize("name", config_names("suite"))
def test_the_list_holds_no_suite_without_a_free_licence_and_none_that_asks_for_harm(
    name: str,
) -> None:
    suite = load_suite(name)
    if suite.may_leave:
        assert FREE.fullmatch(suite.licence)
        assert not name.startswith(("sea_safeguard", "xsafety"))


def test_evaluate_needs_the_suite_and_the_server_to_agree_and_connects_to_neither(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*more: str) -> str:
        words = ["server=vllm", "server.url=http://192.0.2.1:8000/v1", "server.model=m"]
        place = ["system=far", "languages=[hi]", f"root={tmp_path}", "name=x"]
        assert evaluate.main([*words, *place, *more]) == 2
        return capsys.readouterr().err

    assert "server.may_leave=true if their licences" in run()
    (tmp_path / "hi.jsonl").write_text(
        json.dumps({"id": "a", "text": PERSONAL["hi"][0], "label": "travel"})
    )
    own = f"suite.items.test='{tmp_path}/{{region}}.jsonl'"
    said = run("server.may_leave=true", own, "suite.may_leave=true")
    assert "nothing is sent to 192.0.2.1: sib200-hi (these are not the items" in said
    assert "personal values in 1 (phone_in 1)" in said
    assert "९८७६५" not in said
