from pathlib import Path

import pytest
from lokal.data.cleaning.boilerplate import (
    Boilerplate,
    LineCounts,
    counted_lines,
    merge_line_counts,
    write_index,
)
from lokal.data.cleaning.boilerplate_config import BoilerplateConfig

FOOT = "Ang dokumentong ito ay isinalin ng isang makina at maaaring may mga mali"
CONFIG = BoilerplateConfig(min_documents=5, share=0.5, edge_share=0.2)


def page(number: int) -> str:
    """A page with navigation, a template's labels, and a footer with an ending of its own."""
    return "\n".join(
        [
            f"पृष्ठ {number} का शीर्षक",
            "मुख्य पृष्ठ",
            "Catatan" if number % 3 == 0 else f"Judul {number}",
            *(f"isi halaman {number} baris {line}" for line in range(20)),
            "Topik Terkait",
            f"tautan ke {number}",
            "Info bantuan:",
            f"Halaman ini adalah: /text/{number}.xhp",
            f"{FOOT}, {number * 'napaka'}haba ng pangungusap na ito kaya iba ang dulo",
        ]
    )


def merged(folder: Path, texts: list[list[str]], *, spill_keys: int = 10**6) -> Path:
    for rank, part in enumerate(texts):
        part_folder = folder / f"part-{rank:05d}"
        part_folder.mkdir(parents=True)
        counts = LineCounts(part_folder, stem="00000", spill_keys=spill_keys)
        for text in part:
            if lines := counted_lines(text):
                counts.add(lines)
        counts.spill()
        write_index(part_folder, {"sumber": {"documents": counts.documents, "files": counts.files}})
    merge_line_counts(folder.glob("part-*"), folder / "out", CONFIG)
    return folder / "out"


def test_finds_navigation_labels_and_varied_footers_and_nothing_else(tmp_path: Path) -> None:
    pages = [page(number) for number in range(1, 21)]
    found = Boilerplate(merged(tmp_path, [pages]))
    for text in pages:
        lines = text.split("\n")
        gone = [lines[number] for number in found.find(text, source="sumber")]
        assert gone[:3] == ["मुख्य पृष्ठ", "Topik Terkait", "Info bantuan:"]
        assert [line[:20] for line in gone[3:]] == ["Halaman ini adalah: ", FOOT[:20]]


def test_a_label_alone_at_the_edge_stays(tmp_path: Path) -> None:
    pages = [f"Pertanyaan nomor satu: {n}?\nJawab {n}\nlagi {n}\nakhir {n}" for n in range(20)]
    found = Boilerplate(merged(tmp_path, [pages]))
    assert found.find(pages[0], source="sumber") == []


def test_a_rarer_line_goes_only_in_a_run_from_the_edge(tmp_path: Path) -> None:
    body = "\n".join(f"kalimat {line}" for line in range(12))
    rare = "Ikuti kami di media sosial"
    pages = [f"{body} {n}\nsatu {n}\n{rare}" if n < 6 else f"{body} x{n}" for n in range(20)]
    found = Boilerplate(merged(tmp_path, [pages]))
    assert found.find(pages[0], source="sumber")[-1] == 13
    inside = f"pembuka\n{rare}\n" + "\n".join(f"unik {n}" for n in range(8))
    assert found.find(inside, source="sumber") == []


def test_result_does_not_depend_on_parts_order_or_spills(tmp_path: Path) -> None:
    pages = [page(number) for number in range(40)]
    one = merged(tmp_path / "one", [pages])
    many = merged(tmp_path / "many", [pages[30:], pages[:7], [], pages[7:30]], spill_keys=50)
    assert (one / "00000.npy").read_bytes() == (many / "00000.npy").read_bytes()


@pytest.mark.parametrize(
    "text", ["satu kalimat.", "kalimat satu\nkalimat dua", "a\n\n---\n}\n1\n2", ""]
)
def test_short_documents_and_lines_without_words_do_not_count(text: str) -> None:
    assert counted_lines(text) == []


def test_code_does_not_count_and_case_and_blanks_do_not_matter() -> None:
    text = "Satu\n```python\nimport os\n```\n  DUA \ntiga"
    lines = counted_lines(text)
    assert [line.number for line in lines] == [0, 4, 5]
    assert [line.keys[0] for line in lines] == [
        line.keys[0] for line in counted_lines("SATU\n dua\nTiga")
    ]


def test_another_source_keeps_its_lines(tmp_path: Path) -> None:
    pages = [page(number) for number in range(1, 21)]
    assert Boilerplate(merged(tmp_path, [pages])).find(pages[0], source="lain") == []


@pytest.mark.parametrize(
    ("min_documents", "share", "edge_share", "message"),
    [
        (1, 0.5, 0.1, r"boilerplate\.min_documents must be 2 or more, got 1"),
        (10, 0.0, 0.1, r"must lie in \(0, 1\].*got 0\.1 and 0\.0"),
        (10, 0.5, 0.9, "not above the second, got 0.9 and 0.5"),
    ],
)
def test_config_names_what_is_wrong(
    min_documents: int, share: float, edge_share: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        BoilerplateConfig(min_documents=min_documents, share=share, edge_share=edge_share)
