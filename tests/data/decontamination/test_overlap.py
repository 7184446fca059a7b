from collections.abc import Callable
from pathlib import Path

import pytest
from lokal.data.decontamination.deny_list import DenyList, build_deny_list
from lokal.data.decontamination.held_items import HeldItem
from lokal.data.decontamination.overlap import find_overlaps
from lokal.data.errors import UserError

ITEM = (
    "Turki dikelilingi oleh laut di tiga sisi: Laut Aegea di barat, "
    "Laut Hitam di utara dan Laut Mediterania di selatan."
)
HINDI = "तुर्की तीन ओर से समुद्र से घिरा हुआ है: पश्चिम में एजियन सागर से, उत्तर में काला ज़मीनी सागर से है।"
TAGALOG = "Kilos-protesta sa Paris, Sofia at Vilnius."
Build = Callable[..., DenyList]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build(*groups: list[str], same_id: bool = False) -> DenyList:
        items = [
            HeldItem("s", "test", "x/0" if same_id else f"x/{number}", [group])
            for number, group in enumerate(groups)
        ]
        build_deny_list(items, tmp_path / "deny")
        return DenyList.open(tmp_path / "deny")

    return build


def kind_of(text: str, deny_list: DenyList) -> tuple[str, str] | None:
    (overlap,) = find_overlaps([text], deny_list)
    return None if overlap is None else (overlap.kind, overlap.id)


@pytest.mark.parametrize(
    ("text", "kind", "item"),
    [
        (ITEM.upper(), "exact", "x/0"),
        (f"Menurut buku: {ITEM} Begitulah.", "50 characters", "x/0"),
        (
            "Katanya laut di tiga sisi -- laut aegea di barat -- laut hitam di, tamat",
            "50 characters",
            "x/0",
        ),
        (f"वे कहते हैं कि {HINDI}", "50 characters", "x/1"),
        ("समुद्र से घिरा हुआ है पश्चिम में एजियन साग\u200dर से उत्तर में काला", "50 characters", "x/1"),
        ("Kilos protesta sa paris sofia at vilnius", "exact", "x/2"),
        ("Balita: kilos-protesta sa Paris, Sofia at Vilnius.\nIba na.", "whole item", "x/2"),
    ],
)
def test_finds_items_inside_texts(build: Build, text: str, kind: str, item: str) -> None:
    assert kind_of(text, build([ITEM], [HINDI], [TAGALOG])) == (kind, item)


@pytest.mark.parametrize(
    "text",
    [
        "Laut Hitam di utara dan gunung di selatan.",
        "सागर से",
        HINDI.replace("\u093c", "").replace("काला", "कला")[30:80],
        "Paris, Sofia at Vilnius.",
        "Ang kilos-protesta sa Paris, Sofia at Vilnius daw ay tapos na.",
        "Kilos-protesta sa Paris, Sofia at Vilniuso.",
        "",
    ],
)
def test_a_common_run_or_a_short_item_amid_a_sentence_is_no_overlap(
    build: Build, text: str
) -> None:
    assert kind_of(text, build([ITEM], [HINDI], [TAGALOG])) is None


def test_finds_thirteen_short_words(build: Build) -> None:
    words = "a b c d e f g h i j k l m n"
    deny_list = build([words])
    assert kind_of(f"z {words[2:]} z", deny_list) == ("13 words", "x/0")
    assert kind_of(f"z {words[4:]} z", deny_list) is None


def test_texts_under_25_characters_are_never_met(build: Build) -> None:
    deny_list = build(["Tidak ada yang tahu."], ["Dia pergi ke pasar besar."])
    assert kind_of("Tidak ada yang tahu.", deny_list) is None
    assert kind_of("Dia pergi ke pasar besar.", deny_list) is None  # 24 without the full stop
    assert deny_list.facts.unprotected == {"s test": 2}


PREMISE = (
    "Presiden mengumumkan penundaan itu beberapa saat sebelum rapat kabinet dimulai di Jakarta."
)


@pytest.mark.parametrize(
    ("hypothesis", "met"),
    [("Rapat ditunda.", True), ("Rapat ditunda lagi.", False), ("Kabinet tidak rapat.", False)],
)
@pytest.mark.parametrize(
    "row", ["{premise}\n{hypothesis}", "Premis: {premise} Hipotesis: {hypothesis}"]
)
def test_of_a_pair_both_texts_must_be_there(
    build: Build, row: str, hypothesis: str, met: bool
) -> None:
    deny_list = build([PREMISE, "Rapat ditunda."])
    overlap = kind_of(row.format(premise=PREMISE, hypothesis=hypothesis), deny_list)
    assert (overlap is not None) == met


def test_a_hypothesis_made_of_its_premises_words_is_not_met_by_the_premise(build: Build) -> None:
    hypothesis = "Presiden mengumumkan penundaan itu beberapa saat sebelum rapat."
    deny_list = build([PREMISE, hypothesis])
    assert kind_of(f"{PREMISE}\nPresiden diam saja.", deny_list) is None
    assert kind_of(f"{PREMISE}\n{hypothesis}", deny_list) is not None


def test_a_short_sentence_of_a_long_item_is_met_only_by_a_line_of_its_own(build: Build) -> None:
    passage = f"{ITEM} Tidak ada orang di dalam apartemen. {ITEM}"
    deny_list = build([passage])
    sentence = "Tidak ada orang di dalam apartemen."
    assert kind_of(f"No one was there.\n{sentence}", deny_list) == ("whole sentence", "x/0")
    assert kind_of(f"Kosong. {sentence} Pintu terbuka.", deny_list) is None


def test_what_stands_in_more_than_ten_items_is_a_phrase(build: Build) -> None:
    phrase = "Manakah dari pernyataan berikut ini yang paling benar tentang hal tersebut"
    items = [[f"{phrase} {number} {chr(97 + number) * 30} akhir"] for number in range(11)]
    assert kind_of(f"{phrase}?", build(*items)) is None
    assert kind_of(f"{phrase}?", build(*items[:10])) is not None
    assert kind_of(phrase, build(*[[phrase]] * 11)) is None
    assert kind_of(phrase, build(*[[phrase]] * 11, same_id=True)) == ("exact", "x/0")


def test_rows_do_not_run_into_each_other_and_long_ones_are_searched_to_their_end(
    build: Build,
) -> None:
    deny_list = build([ITEM], [TAGALOG])
    half = len(ITEM) // 3
    halves = find_overlaps([ITEM[:half], ITEM[half : 2 * half]], deny_list)
    assert halves == [None, None]
    noise = "kata lain yang biasa saja " * 8000
    assert kind_of(f"{noise}{ITEM} {noise}", deny_list) == ("50 characters", "x/0")
    assert kind_of(f"{noise}. {TAGALOG} {noise}", deny_list) == ("whole item", "x/1")
    assert kind_of("x" * 200_000 + f" {ITEM}", deny_list) == ("50 characters", "x/0")


def test_an_item_is_found_wherever_it_lies_in_a_long_text(build: Build) -> None:
    deny_list = build([ITEM])
    for before in range(32_600, 32_800, 7):  # across the end of a piece that is hashed at once
        text = ("kata " * (before // 5)) + ITEM + " kata" * 9000
        assert kind_of(text, deny_list) is not None, before


def test_the_same_text_is_reported_before_a_run_and_then_the_first_item(build: Build) -> None:
    assert kind_of(ITEM, build([f"Kata orang, {ITEM}"], [ITEM], [ITEM])) == ("exact", "x/1")
    assert kind_of(f"Ah! {ITEM}", build([f"Oh! {ITEM}"], [ITEM])) == ("50 characters", "x/0")


def test_a_list_holds_no_text_and_is_named_when_missing(build: Build, tmp_path: Path) -> None:
    build([ITEM], [HINDI])
    content = b"".join(path.read_bytes() for path in (tmp_path / "deny").iterdir())
    assert b"Turki" not in content
    assert b"turki" not in content
    assert HINDI[:6].encode() not in content
    with pytest.raises(UserError, match=r"elsewhere holds no deny list: its about\.json"):
        DenyList.open(tmp_path / "elsewhere")


def test_the_same_items_give_the_same_bytes(tmp_path: Path) -> None:
    items = [HeldItem("s", "test", f"x/{n}", [[text]]) for n, text in enumerate([ITEM, HINDI])]
    for name in ("a", "b"):
        build_deny_list(items, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files
    )
