import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from datatrove.data import Document
from lokal.data.document import from_row, is_dropped, metadata_of, new_document, to_row
from lokal.data.errors import UserError
from lokal.data.message import Message
from lokal.data.quality.config import QualityConfig
from lokal.data.region import load_region
from lokal.data.steps.quality_gate import QualityGate

needs_kenlm = pytest.mark.skipif(find_spec("kenlm") is None, reason="kenlm is not installed")
ARPA = r"""\data\
ngram 1=5
ngram 2=1

\1-grams:
-1.0	<unk>
-99	<s>	0
-1.0	</s>
-0.5	दिन	0
-0.5	hari	0

\2-grams:
-0.5	दिन	दिन

\end\
"""


def document(text: str, *, lang: str = "id") -> Document:
    return new_document(id="1", text=text, lang=lang, source="s", licence="", url="")


def run(gate: QualityGate, row: Document) -> Document:
    (out,) = gate.run([row])
    return out


def gate(region: str, config: QualityConfig | None = None) -> QualityGate:
    return QualityGate(load_region(region), config or QualityConfig())


def test_quality_fields_are_written_and_survive_the_row() -> None:
    out = run(gate("tl"), document("Kumain na ang mga bata sa bahay."))
    metadata = metadata_of(from_row(to_row(out)))
    assert metadata["num_words"] == 7
    assert metadata["stop_share"] == pytest.approx(4 / 7, abs=1e-4)
    assert (metadata["repeated_share"], metadata["perplexity"]) == (0.0, None)
    assert not is_dropped(out)


def test_a_dropped_row_says_why_and_travels_on() -> None:
    metadata = metadata_of(run(gate("hi"), document("शिक्षा")))
    assert (metadata["step"], metadata["reason"]) == ("quality", "too few words")
    assert metadata["detail"] == "1 < 2"


def test_a_repeated_text_has_its_share_written() -> None:
    line = " ".join(f"kata{number}" for number in range(60))
    metadata = metadata_of(run(gate("id"), document(f"yang dan {line}. {line}.")))
    assert metadata["reason"] == "repeated phrases"
    assert metadata["repeated_share"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("kind", ["task", "chat"])
def test_task_rows_and_conversations_are_counted_but_not_held_to_prose(kind: str) -> None:
    row = document("7 8 9 bokep")
    if kind == "task":
        metadata_of(row)["label"] = "sports"
    else:
        metadata_of(row)["messages"] = [Message(role="assistant", content="7 8 9 bokep")]
    out = run(gate("id"), row)
    assert not is_dropped(out)
    assert metadata_of(out)["num_words"] == 4
    assert metadata_of(out)["notes"] == {"quality: flagged words": 1}


@needs_kenlm
@pytest.mark.parametrize(("region", "known"), [("hi", "दिन दिन"), ("id", "hari hari")])
def test_perplexity_is_written_and_drops_only_above_a_limit(
    tmp_path: Path, region: str, known: str
) -> None:
    model = tmp_path / "tiny.arpa"
    model.write_text(ARPA, encoding="utf-8")
    config = QualityConfig(perplexity_model=str(model))
    out = run(gate(region, config), document(f"{known}\n{known}"))
    assert metadata_of(out)["perplexity"] == pytest.approx(10 ** (2 / 3), abs=0.1)
    strange = document("xx yy zz")
    assert not is_dropped(run(gate(region, config), strange))
    limited = QualityConfig(perplexity_model=str(model), max_perplexity=9)
    dropped = metadata_of(run(gate(region, limited), document("xx yy zz")))
    assert (dropped["reason"], dropped["detail"]) == ("perplexity", "10 > 9")


@needs_kenlm
def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        run(gate("id", QualityConfig(perplexity_model=str(tmp_path / "no"))), document("a"))
    (tmp_path / "bad").write_text("not a model", encoding="utf-8")
    with pytest.raises(UserError, match="is no KenLM model"):
        run(gate("id", QualityConfig(perplexity_model=str(tmp_path / "bad"))), document("a"))


def test_a_model_without_the_package_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kenlm", None)
    config = QualityConfig(perplexity_model=str(tmp_path / "x"))
    with pytest.raises(UserError, match="package kenlm is not installed: pip install kenlm"):
        run(gate("id", config), document("satu dua"))
