from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.data.region import load_region
from lokal.data.settings import Corpus, Format, Kind, Source
from lokal.data.source_files import SourceMissing
from lokal.data.sources import list_parts
from omegaconf import OmegaConf


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


def test_links_that_loop_or_meet_are_followed_once(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    for file in (tmp_path / "one.jsonl", folder / "two.jsonl", folder / ".hidden.jsonl"):
        file.write_text("{}\n")
    (folder / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "same.jsonl").symlink_to(folder / "two.jsonl")
    region = load_region("id")
    for pattern in ("**/*.jsonl", "**"):
        parts = list_parts(corpus_of(own=jsonl(f"{tmp_path}/{pattern}")), region)
        assert [part.file_name for part in parts] == ["a/b/two.jsonl", "one.jsonl"]
    (tmp_path / "self.jsonl").symlink_to(tmp_path / "self.jsonl")
    with pytest.raises(UserError, match=r"self\.jsonl is a link that leads nowhere"):
        list_parts(corpus_of(own=jsonl(f"{tmp_path}/*.jsonl")), region)


def test_a_file_whose_name_looks_like_a_glob_is_found_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "balita [2024].jsonl"
    file.write_text("{}\n", encoding="utf-8")
    source = Source(path=str(file), format=Format.jsonl, licence="MIT")
    corpus = Corpus(name="own", sources={"mine": source})
    assert [part.file for part in list_parts(corpus, load_region("tl"))] == [file]


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part-0.jsonl").write_text("{}\n")
    parts = list_parts(corpus_of(own=jsonl(f"{tmp_path}/*/part-*.jsonl")), load_region("id"))
    assert [part.file_name for part in parts] == ["x/part-0.jsonl", "y/part-0.jsonl"]


def test_packed_files_and_limited_ones_are_one_part(tmp_path: Path) -> None:
    corpus = corpus_of(own=jsonl(f"{tmp_path}/*"))
    corpus.part_bytes = 10
    for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl.zst"):
        (tmp_path / name).write_bytes(b" " * 25)
    labels = [part.label for part in list_parts(corpus, load_region("id"))]
    file = tmp_path / "a.jsonl"
    ranges = [f"{file} bytes {begin} to {end}" for begin, end in ((0, 10), (10, 20), (20, 25))]
    assert labels == [*ranges, f"{tmp_path}/b.jsonl.gz", f"{tmp_path}/c.jsonl.zst"]
    corpus.sources["own"].limit_rows = 1
    assert len(list_parts(corpus, load_region("id"))) == 3


def test_a_hub_data_set_has_a_part_for_each_split_and_stream() -> None:
    hub = Source(
        path="org/set",
        format=Format.hub,
        licence="MIT",
        hub_split="train, test",
        hub_parts=2,
        where={"language_code": "{iso639_3},x"},
    )
    parts = list_parts(corpus_of(hub=hub), load_region("hi"))
    streams = [("train", 0), ("train", 1), ("test", 0), ("test", 1)]
    assert [(part.source.hub_split, part.begin) for part in parts] == streams
    assert parts[0].source.where == {"language_code": "hin,x"}
    assert parts[0].inputs == []


def test_missing_sources_are_parts_that_say_why_where_they_may_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    corpus = corpus_of(gone=jsonl("/nowhere/*"), own=jsonl(f"{tmp_path}/rows.jsonl"))
    with pytest.raises(SourceMissing, match="source gone: no file matches"):
        list_parts(corpus, load_region("id"))
    corpus.skip_missing = True
    gone, own = list_parts(corpus, load_region("id"))
    assert gone.problem is not None
    assert "no file matches /nowhere" in gone.problem
    assert (own.problem, gone.inputs, gone.size_bytes) == (None, [], 0)
    del corpus.sources["own"]
    with pytest.raises(SourceMissing, match="every source of corpus own is missing: source gone"):
        list_parts(corpus, load_region("id"))


def test_a_saved_data_set_needs_its_split_and_no_recorded_folder(tmp_path: Path) -> None:
    saved = tmp_path / "baselines" / "set"
    saved.mkdir(parents=True)
    (saved / "dataset_dict.json").write_text('{"splits": ["train"]}')
    source = Source(path=str(saved), format=Format.dataset, licence="MIT", hub_split="test")
    with pytest.raises(SourceMissing, match="has no split test: correct hub_split"):
        list_parts(corpus_of(own=source), load_region("id"))
    (saved / "dataset_dict.json").unlink()
    with pytest.raises(UserError, match="may not be trained on"):
        list_parts(corpus_of(own=source), load_region("id"))
    source.path = "/nowhere"
    with pytest.raises(SourceMissing, match="source own: /nowhere is no folder"):
        list_parts(corpus_of(own=source), load_region("id"))


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="kind=task needs either suite="):
        jsonl("x", kind=Kind.task)
    with pytest.raises(ValueError, match="limit_rows must be 1 or more, got 0"):
        jsonl("x", limit_rows=0)
    with pytest.raises(ValueError, match="hub_parts must be 1 or more, got 0"):
        jsonl("x", hub_parts=0)
    with pytest.raises(ValueError, match=r"corpus\.max_bad_share must lie in \[0, 1\], got 2"):
        Corpus(name="own", sources={}, max_bad_share=2)
    with pytest.raises(ValueError, match=r"corpus\.part_bytes must be 1 or more, got 0"):
        Corpus(name="own", sources={}, part_bytes=0)


SHIPPED = Path(__file__).resolve().parents[2] / "configs" / "corpus"
ON_THE_HUB = {
    "aya_collection": ["hi", "id", "tl"],
    "aya_dataset": ["en", "hi", "id", "tl"],
    "cendol": ["id"],
    "culturax": ["en", "hi", "id", "tl"],
    "fineweb2": ["hi", "id", "tl"],
    "replay_en": ["en"],
    "sangraha": ["hi"],
    "sea_pile_v2": ["id", "tl"],
    "wikipedia": ["en", "hi", "id", "tl"],
}


@pytest.mark.parametrize("name", ON_THE_HUB)
def test_shipped_corpora_of_the_hub_name_one_stream_for_each_region(name: str) -> None:
    schema = OmegaConf.structured(Corpus)
    loaded = OmegaConf.to_object(OmegaConf.merge(schema, OmegaConf.load(SHIPPED / f"{name}.yaml")))
    assert isinstance(loaded, Corpus)
    for region in ON_THE_HUB[name]:
        hub = [part for part in list_parts(loaded, load_region(region)) if part.file is None]
        (source,) = [part.source for part in hub]
        texts = [source.hub_config, source.hub_data_dir, source.hub_split, *source.where.values()]
        assert not any("{" in text for text in texts if text)
        assert source.url == f"https://huggingface.co/datasets/{source.path}"
        assert source.hub_revision is None or len(source.hub_revision) == 40
        assert source.gated == (name == "culturax")
