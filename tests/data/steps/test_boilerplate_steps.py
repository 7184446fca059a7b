import pickle
from pathlib import Path

from datatrove.data import Document
from lokal.data.cleaning.boilerplate_config import BoilerplateConfig
from lokal.data.document import metadata_of, new_document
from lokal.data.steps.count_lines import CountLines
from lokal.data.steps.drop_boilerplate import DropBoilerplate
from lokal.data.steps.merge_lines import MergeLines

NAVIGATION = ["Beranda", "Berita terbaru", "मुख्य समाचार"]


def document(number: int, *, body: str | None = None) -> Document:
    lines = [
        *NAVIGATION,
        "",
        *([f"Isi halaman nomor {number} yang panjang"] if body is None else [body]),
    ]
    return new_document(
        id=str(number), text="\n".join(lines), lang="id", source="web", licence="", url=""
    )


def clean(folder: Path, documents: list[Document], *, more: list[Document] | None = None) -> None:
    half = len(documents) // 2
    for rank, part in enumerate([documents[:half], documents[half:] + (more or [])]):
        assert list(CountLines(folder).stream(part, rank=rank)) == part
    assert list(MergeLines(folder, BoilerplateConfig()).stream([], rank=0)) == []
    gate = pickle.loads(pickle.dumps(DropBoilerplate(folder)))
    list(gate.stream(documents + (more or []), rank=0))


def test_removes_repeated_lines_over_parts_and_notes_them(tmp_path: Path) -> None:
    documents = [document(number) for number in range(12)]
    clean(tmp_path, documents)
    for number, row in enumerate(documents):
        assert row.text == f"Isi halaman nomor {number} yang panjang"
        assert metadata_of(row)["notes"]["boilerplate: lines"] == 3
        assert metadata_of(row)["num_chars"] == len(row.text)


def test_drops_what_is_a_title_at_most_and_keeps_its_text_for_the_report(tmp_path: Path) -> None:
    bare = document(99, body="Judul")
    text = bare.text
    clean(tmp_path, [document(number) for number in range(12)], more=[bare])
    assert metadata_of(bare)["reason"] == "only boilerplate"
    assert metadata_of(bare)["detail"] == "3 of 5 lines; left: Judul"
    assert bare.text == text


def test_neither_counts_nor_changes_conversations_tasks_and_single_sentences(
    tmp_path: Path,
) -> None:
    rows = [document(number) for number in range(24)]
    for row in rows[:8]:
        metadata_of(row)["messages"] = [{"role": "user", "content": row.text}]
    for row in rows[8:16]:
        metadata_of(row)["label"] = "positif"
    for row in rows[16:]:
        row.text = "Kalimat yang sama."
    texts = [row.text for row in rows]
    clean(tmp_path, rows)
    assert [row.text for row in rows] == texts
    assert not any(metadata_of(row)["reason"] for row in rows)


def test_counts_again_after_a_killed_run(tmp_path: Path) -> None:
    documents = [document(number) for number in range(12)]
    stream = CountLines(tmp_path).stream(documents, rank=0)
    next(iter(stream))
    (tmp_path / "part-00000" / "left-over.npy").write_bytes(b"x")
    clean(tmp_path, documents)
    assert not (tmp_path / "part-00000" / "left-over.npy").exists()
