import json

import pytest
from lokal.data.document import Metadata, metadata_of, new_document
from lokal.data.funnel import Funnel, most_dropped


def metadata(source: str, step: str | None = None, reason: str = "", detail: str = "") -> Metadata:
    document = new_document(id="1", text="", lang="tl", source=source, licence="", url="")
    found = metadata_of(document)
    found["num_chars"] = 10
    if step:
        found["step"], found["reason"], found["detail"] = step, reason, detail
    return found


def two_parts() -> list[Funnel]:
    first, second = Funnel(), Funnel()
    for item in ("sib200/1", "sib200/2"):
        row = metadata("flores", "decontaminated", "sib200 test: exact", item)
        first.add(row, fate="dropped")
    row = metadata("flores", "decontaminated", "sib200 test: exact", "sib200/1")
    second.add(row, fate="dropped")
    second.add(metadata("flores", "script", "other script", "Latn 90%"), fate="dropped")
    second.add(metadata("ud", "duplicate", "same text"), fate="dropped")
    for fate in ("train", "train", "heldout"):
        row = metadata("ud")
        row["notes"]["pii: email"] = 2
        second.add(row, fate=fate)
    return [first, second]


def test_every_row_is_in_one_place_and_the_steps_add_up_over_the_parts() -> None:
    written = [json.loads(json.dumps(part.to_json())) for part in two_parts()]
    counts = Funnel.sum(written).counts()
    assert (counts["rows_read"], counts["chars_read"]) == (8, 80)
    steps = counts["steps"]
    assert isinstance(steps, list)
    assert [step for step in steps if isinstance(step, dict) and step["dropped"]] == [
        {"step": "script", "rows_in": 8, "rows_out": 7, "dropped": {"other script": 1}},
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
            "notes": {},
            "train_rows": 0,
            "heldout_rows": 0,
            "train_chars": 0,
        },
        "ud": {
            "rows_read": 4,
            "dropped": {"duplicate: same text": 1},
            "notes": {"pii: email": 6},
            "train_rows": 2,
            "heldout_rows": 1,
            "train_chars": 20,
        },
    }
    assert most_dropped(counts) == "decontaminated: sib200 test: exact (3 rows)"


def test_a_step_that_the_funnel_does_not_know_is_a_fault() -> None:
    funnel = Funnel()
    funnel.add(metadata("ud", "new step", "reason"), fate="dropped")
    with pytest.raises(AssertionError, match="not in STEPS"):
        funnel.counts()
