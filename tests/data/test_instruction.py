"""Task rows as instructions in the languages themselves, chosen by the row's id."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from lokal.data.config_files import CONFIG_FOLDER_VARIABLE
from lokal.data.errors import UserError
from lokal.data.instruction import TaskRow, ask, load_task, read_task_row
from lokal.data.settings import Labels

FILES = sorted((Path(__file__).parents[2] / "data" / "instructions").glob("*.yaml"))
TASKS = [(file.stem, name) for file in FILES for name in yaml.safe_load(file.read_text("utf-8"))]
NLI = {"premise": "Ia naik angkot.", "hypothesis": "Ia naik kereta.", "label": "contradiction"}


@pytest.mark.parametrize(("region", "name"), TASKS)
def test_every_task_has_four_templates_that_ask_for_all_they_need(region: str, name: str):
    task = load_task(region, name)
    by_answer = Counter(template.answer for template in task.templates)
    assert min(by_answer.values()) >= 4
    assert len({template.ask for template in task.templates}) == len(task.templates)
    for template in task.templates:
        asked = set(re.findall(r"\{(\w+)\}", template.ask))
        assert asked - {"labels"}
        assert template.answer not in asked
        # IndoNLI: one instruction explains the three answers itself.
        assert (
            not task.labels
            or "labels" in asked
            or set(task.labels.values())
            <= set(re.findall(r"benar|salah|belum tentu", template.ask))
        )


@pytest.mark.parametrize("name", [name for region, name in TASKS if region == "hi"])
def test_hindi_is_asked_in_devanagari_and_hinglish_in_latin(name: str):
    for template in load_task("hi", name).templates:
        written = bool(re.search("[\u0900-\u097f]", template.ask))
        assert written == (not name.endswith("_hinglish"))


def test_the_row_travels_as_its_columns_and_the_label_apart():
    row = read_task_row(NLI, load_task("id", "nli"), {})
    assert row.label == "contradiction"
    assert [(field["role"], field["content"]) for field in row.fields] == [
        ("premise", "Ia naik angkot."),
        ("hypothesis", "Ia naik kereta."),
    ]


def test_the_answer_is_the_languages_own_word_unless_told_otherwise():
    task = load_task("id", "nli")
    row = read_task_row(NLI, task, {})
    native = ask(task, row, id="a", seed=0, labels=Labels.native)
    as_is = ask(task, row, id="a", seed=0, labels=Labels.as_is)
    assert (native[1]["content"], as_is[1]["content"]) == ("salah", "contradiction")
    assert native[1]["role"] == "assistant"


def test_all_templates_come_up_and_the_same_id_gets_the_same_one():
    task = load_task("hi", "emotion")
    row = TaskRow([{"role": "text", "content": "ईद आयी है"}], "joy")
    asked = [ask(task, row, id=f"bhaav/{n}", seed=0, labels=Labels.native) for n in range(200)]
    again = [ask(task, row, id=f"bhaav/{n}", seed=0, labels=Labels.native) for n in range(200)]
    other = [ask(task, row, id=f"bhaav/{n}", seed=1, labels=Labels.native) for n in range(200)]
    assert asked == again != other
    assert len({turns[0]["content"] for turns in asked}) == 4 * 5  # templates x first label


def test_translation_goes_both_ways_and_the_answer_is_never_asked():
    task = load_task("tl", "translation")
    pair = {"text_en": "A lake.", "text_tl": "Isang lawa."}
    row = read_task_row(pair, task, {})
    answers = Counter[str]()
    for number in range(100):
        question, answer = ask(task, row, id=str(number), seed=0, labels=Labels.native)
        assert answer["content"] not in question["content"]
        answers[answer["content"]] += 1
    assert min(answers["A lake."], answers["Isang lawa."]) > 25


def test_braces_in_a_text_are_not_columns():
    task = load_task("id", "nli")
    row = read_task_row(NLI | {"premise": "{hypothesis} {labels}"}, task, {})
    for number in range(20):
        turns = ask(task, row, id=str(number), seed=0, labels=Labels.native)
        assert "{hypothesis} {labels}" in turns[0]["content"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"premise": "x", "label": "neutral"}, "'hypothesis' holds no text"),
        (NLI | {"premise": 3}, "'premise' holds no text"),
        (NLI | {"label": "maybe"}, "'maybe' is none of entailment, contradiction"),
    ],
)
def test_a_row_that_does_not_fit_says_why(row: dict[str, object], reason: str):
    with pytest.raises(ValueError, match=reason):
        read_task_row(row, load_task("id", "nli"), {})


def test_columns_may_have_other_names_and_the_first_of_several_answers_is_taken():
    task = load_task("id", "qa_extractive")
    row = read_task_row(
        {"passage": "Ibu kota.", "question": "Apa?", "answers": ["Ibu kota", "kota"]},
        task,
        {"context": "passage"},
    )
    assert ask(task, row, id="a", seed=0, labels=Labels.native)[1]["content"] == "Ibu kota"


def test_a_fourth_language_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "instructions"
    folder.mkdir()
    (folder / "vi.yaml").write_text(
        "sentiment:\n  labels: {positive: tích cực, negative: tiêu cực}\n"
        '  templates: ["Cảm xúc của câu này? {labels}\\n\\n{text}"]\n', encoding="utf-8",
    )  # fmt: skip
    monkeypatch.setenv(CONFIG_FOLDER_VARIABLE, str(tmp_path))
    assert load_task("vi", "sentiment").labels["positive"] == "tích cực"
    load_task.cache_clear()


@pytest.mark.parametrize(("region", "name"), [("vi", "sentiment"), ("tl", "poetry")])
def test_a_task_without_instructions_says_where_to_write_them(region: str, name: str):
    with pytest.raises(UserError, match=rf"{name}'.*write them into instructions/{region}\.yaml"):
        load_task(region, name)
