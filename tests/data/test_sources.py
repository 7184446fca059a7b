from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.region import load_region
from lokal.data.settings import Corpus, Format, Kind, Source
from lokal.data.sources import list_parts


def corpus_of(**sources: Source) -> Corpus:
    return Corpus(name="own", sources=sources)


def jsonl(path: str, **settings: object) -> Source:
    return Source(path=path, format=Format.jsonl, licence="MIT", **settings)  # pyright: ignore[reportArgumentType]


def test_fills_in_the_regions_codes_and_sorts_files(tmp_path: Path) -> None:
    for name in ("tgl-2", "tgl-1", "hin-1"):
        (tmp_path / f"{name}.jsonl").write_text("{}\n")
    own = jsonl(f"{tmp_path}/{{iso639_3}}-*.jsonl", text_field="text_{region}")
    hub = Source(path="org/set", format=Format.hub, licence="MIT", hub_config="{fineweb2}")
    parts = list_parts(corpus_of(own=own, hub=hub), load_region("tl"))
    assert [part.file.name for part in parts if part.file] == ["tgl-1.jsonl", "tgl-2.jsonl"]
    assert parts[0].source.text_field == "text_tl"
    assert parts[2].source.hub_config == "fil_Latn"
    assert parts[2].size_bytes == 0


def test_takes_only_the_sources_that_serve_the_region() -> None:
    path = "sample:sib200/{region}_dev.jsonl"
    corpus = corpus_of(a=jsonl(path, regions=["hi"]), b=jsonl(path, regions=["id", "tl"]))
    assert [part.source_name for part in list_parts(corpus, load_region("id"))] == ["b"]
    with pytest.raises(UserError, match="corpus own has no source for region en: add one"):
        list_parts(corpus, load_region("en"))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "/nowhere/{region}.jsonl",
            r"source own: /nowhere/id\.jsonl does not exist: correct corpus",
        ),
        ("/nowhere/*.jsonl", r"source own: no file matches /nowhere/\*\.jsonl"),
        ("/tmp", "source own: /tmp is a folder: write /tmp/\\*"),
        ("sample:sib200/{lang}.jsonl", r"source own: \{lang\} is not a code of a region: choose"),
        (
            "sample:recorded/sib200/{region}.jsonl",
            "recorded model answers: they are for comparison",
        ),
    ],
)
def test_a_wrong_path_is_named(path: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        list_parts(corpus_of(own=jsonl(path)), load_region("id"))


def test_a_baseline_folder_is_refused_also_through_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "baselines" / "gpt-4"
    folder.mkdir(parents=True)
    (folder / "rows.jsonl").write_text("{}\n")
    (tmp_path / "innocent.jsonl").symlink_to(folder / "rows.jsonl")
    with pytest.raises(UserError, match="may not be trained on"):
        list_parts(corpus_of(own=jsonl(str(tmp_path / "innocent.jsonl"))), load_region("id"))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="kind=task needs suite="):
        jsonl("x", kind=Kind.task)
    with pytest.raises(ValueError, match="limit_rows must be 1 or more, got 0"):
        jsonl("x", limit_rows=0)
