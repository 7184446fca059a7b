"""Canaries notice a model that changed under its name, and cry at nothing else."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lokal.data.errors import UserError
from lokal.evaluation.spending.canary import (
    CanaryRow,
    canary_questions,
    find_drift,
    load_canaries,
    read_rows,
    rows_text,
)
from lokal.evaluation.spending.deprecation import check_retirement, find_retirement
from lokal.evaluation.vendors.settings import VendorConfig, VendorKind

ALL = load_canaries(50)


def rows(*, model: str = "m-1", wrong: int = 0, style: str = "") -> list[CanaryRow]:
    """Return three replies to each: right ones, but for the first so many closed questions."""
    found: list[CanaryRow] = []
    closed = [canary.id for canary in ALL if canary.answer]
    for canary in ALL:
        for sample in range(3):
            said = canary.answer or f"{canary.text} {style or 'ya, itu benar.'} {sample}"
            reply = "no idea" if canary.id in closed[:wrong] else said
            found.append(
                CanaryRow(id=canary.id, sample=sample, model=model, state="ok", reply=reply)
            )
    return found


def test_fifty_canaries_in_four_languages_have_ids_of_their_own() -> None:
    assert len({canary.id for canary in ALL}) == 50
    assert {canary.language for canary in ALL} == {"id", "hi", "tl", "en"}
    assert {canary.language for canary in load_canaries(8)} == {"id", "hi", "tl", "en"}
    assert load_canaries(0) == []
    asked = canary_questions(ALL, samples=3, system={"model": "m"}, day="2026-11-27")
    assert len(asked) == 150


def test_the_same_model_raises_no_alarm() -> None:
    drift = find_drift(rows(), rows())
    assert drift.alarms == []
    assert drift.p_value == 1
    assert drift.chrf_drop == pytest.approx(0, abs=3)
    assert find_drift(rows(), rows(wrong=5)).alarms == []


@pytest.mark.parametrize(
    ("now", "alarm"),
    [
        (rows(model="m-2"), "returned model: m-1 before, m-2 now"),
        (rows(wrong=12), "right answers: 31 of 31 and 19 of 31 .McNemar p"),
        (rows(style="अलग तरह से कहा गया पूरा नया वाक्य " * 8), "chrF .* points down"),
    ],
)
def test_another_name_wrong_answers_or_another_style_raise_their_alarm(
    now: list[CanaryRow], alarm: str
) -> None:
    found = find_drift(rows(), now).alarms
    assert len(found) == 1
    assert re.search(alarm, found[0])


def test_rows_come_back_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "canaries.jsonl").write_text(rows_text(rows()), encoding="utf-8")
    assert read_rows(tmp_path) == rows()
    assert read_rows(tmp_path / "none") == []


def on(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)


def model(name: str, *, vendor: str = "openai", retires: str = "") -> VendorConfig:
    return VendorConfig(
        vendor=VendorKind(vendor),
        model=name,
        api_key_env="KEY",
        licence="",
        source="",
        timeout_seconds=1,
        parallel=1,
        requests_per_minute=1,
        tokens_per_minute=1,
        retires=retires,
    )


def test_an_end_is_warned_of_early_and_a_late_start_is_refused() -> None:
    end = find_retirement(model("gpt-4.1-2025-04-14"))
    assert end is not None
    assert check_retirement("m", end, now=on("2026-10-01"), is_new=True) == ""
    assert "ends in 48 days" in check_retirement("m", end, now=on("2026-11-27"), is_new=True)
    with pytest.raises(UserError, match=r"m ends in 13 days, on 2027-01-14.*too late"):
        check_retirement("m", end, now=on("2027-01-01"), is_new=True)
    assert "ends in 13 days" in check_retirement("m", end, now=on("2027-01-01"), is_new=False)
    with pytest.raises(UserError, match="m ended on 2027-01-14"):
        check_retirement("m", end, now=on("2027-02-01"), is_new=True)


def test_the_day_comes_from_the_settings_the_table_or_the_sdk() -> None:
    assert find_retirement(model("nobody-1")) is None
    given = find_retirement(model("gpt-4.1", retires="2030-01-01"))
    assert given is not None
    assert given.day.year == 2030
    known = find_retirement(model("claude-opus-4-5", vendor="anthropic"))
    assert known is not None
    assert known.day.isoformat() == "2027-01-22"
