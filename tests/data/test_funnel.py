from lokal.data.document import Metadata, metadata_of, new_document
from lokal.data.funnel import Funnel, most_dropped


def metadata(source: str, step: str | None = None, reason: str = "", detail: str = "") -> Metadata:
    document = new_document(id="1", text="", lang="tl", source=source, licence="", url="")
    found = metadata_of(document)
    found["num_chars"] = 10
    if step:
        found["step"], found["reason"], found["detail"] = step, reason, detail
    return found


def test_every_row_is_in_one_place_and_the_steps_add_up() -> None:
    funnel = Funnel()
    for item in ("sib200/1", "sib200/2", "sib200/1"):
        row = metadata("flores", "decontaminated", "sib200 test: exact", item)
        funnel.add(row, fate="dropped")
    funnel.add(metadata("flores", "script", "other script", "Latn 90%"), fate="dropped")
    funnel.add(metadata("ud", "duplicate", "same text"), fate="dropped")
    for fate in ("train", "train", "heldout"):
        funnel.add(metadata("ud"), fate=fate)
    counts = funnel.counts()
    assert counts["rows_read"] == 8
    assert counts["steps"] == [
        {"step": "normalise", "rows_in": 8, "rows_out": 8, "dropped": {}},
        {"step": "script", "rows_in": 8, "rows_out": 7, "dropped": {"other script": 1}},
        {"step": "language", "rows_in": 7, "rows_out": 7, "dropped": {}},
        {
            "step": "decontaminated",
            "rows_in": 7,
            "rows_out": 4,
            "dropped": {"sib200 test: exact": 3},
        },
        {"step": "duplicate", "rows_in": 4, "rows_out": 3, "dropped": {"same text": 1}},
    ]
    assert counts["decontaminated"] == {"rows": 3, "items_met": {"sib200 test": 2}}
    assert (counts["train_rows"], counts["heldout_rows"]) == (2, 1)
    assert counts["sources"] == {
        "flores": {
            "rows_read": 4,
            "dropped": {"decontaminated: sib200 test: exact": 3, "script: other script": 1},
            "train_rows": 0,
            "heldout_rows": 0,
            "train_chars": 0,
        },
        "ud": {
            "rows_read": 4,
            "dropped": {"duplicate: same text": 1},
            "train_rows": 2,
            "heldout_rows": 1,
            "train_chars": 20,
        },
    }
    assert most_dropped(counts) == "decontaminated: sib200 test: exact (3 rows)"
