"""The planner of mixes, on numbers that can be worked out by hand."""

import pytest
from lokal.data.errors import UserError
from lokal.data.mix import MixConfig, Ration, Supply, plan_mix

SUPPLIES = [
    Supply("id", "news", 600_000),
    Supply("id", "web", 200_000),
    Supply("en", "wikipedia", 100_000),
    Supply("hi", "web", 50_000),
]


def mix(**settings: object) -> MixConfig:
    values = {"enabled": True, "languages": {"id": 0.7, "en": 0.3}, **settings}
    return MixConfig(**values)  # pyright: ignore[reportArgumentType]


def plan(settings: MixConfig, *, epochs: float = 1) -> dict[tuple[str, str], Ration]:
    made = plan_mix(SUPPLIES, settings, default={"id": 1.0}, language="id", epochs=epochs)
    return {(ration.language, ration.source): ration for ration in made}


def test_sources_give_in_proportion_to_what_they_have():
    made = plan(mix(tokens=100_000))
    assert {key: round(ration.tokens) for key, ration in made.items()} == {
        ("id", "news"): 52_500,
        ("id", "web"): 17_500,
        ("en", "wikipedia"): 30_000,
    }
    assert made["id", "news"].repeats == pytest.approx(70_000 / 800_000)


def test_named_shares_within_a_language_win():
    made = plan(mix(tokens=100_000, sources={"id": {"web": 1.0}}))
    assert [(key, round(ration.tokens)) for key, ration in made.items()] == [
        (("id", "web"), 70_000),
        (("en", "wikipedia"), 30_000),
    ]


def test_without_a_number_the_regions_language_is_read_once():
    made = plan(mix())
    assert sum(ration.tokens for ration in made.values()) == pytest.approx(800_000 / 0.7)
    assert made["id", "news"].repeats == pytest.approx(1)
    assert made["en", "wikipedia"].repeats == pytest.approx(0.3 / 0.7 * 8)


def test_without_shares_the_regions_own_mix_is_used():
    assert list(plan(mix(languages={}))) == [("id", "news"), ("id", "web")]


def test_a_mix_that_cannot_be_met_says_what_is_asked_what_is_there_and_three_cures():
    with pytest.raises(UserError) as error:
        plan(mix(tokens=2_000_000))
    for number in ("600,000 of 2,000,000", "has 100,000", "6 times", "max_repeats is 4",
                   "mix.tokens=1333333", "its share to 0.2,", "mix.max_repeats=6,"):  # fmt: skip
        assert number in str(error.value)
    plan(mix(tokens=1_333_333))
    plan(mix(tokens=2_000_000, max_repeats=6))
    plan(mix(tokens=2_000_000, languages={"id": 0.8, "en": 0.2}))


def test_repeats_count_over_all_epochs():
    plan(mix(tokens=1_000_000))
    with pytest.raises(UserError, match=r"seen 6 times in 2 epochs.*mix\.tokens=666666"):
        plan(mix(tokens=1_000_000), epochs=2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"languages": {"id": 0.5, "tl": 0.5}}, r"asks for tl \(0\.5\), the corpora hold en, hi"),
        ({"sources": {"id": {"poems": 1.0}}}, "names 'poems', the chosen rows in id are of news"),
        ({"languages": {"en": 1.0}}, "leaves id out"),
    ],
)
def test_what_is_not_there_is_named(settings: dict[str, object], message: str):
    with pytest.raises(UserError, match=message):
        plan(mix(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"languages": {"id": 0.7, "en": 0.2}}, r"mix\.languages must sum to 1, got 0\.9"),
        ({"sources": {"id": {"web": -1.0, "news": 2.0}}}, r"mix\.sources\.id\.web must be 0"),
        ({"tokens": 0}, r"mix\.tokens must be 1 or more"),
        ({"max_repeats": 0}, r"mix\.max_repeats must be above 0"),
        ({"enabled": False}, r"mix\.languages does nothing without a mix"),
    ],
)
def test_a_wrong_setting_is_refused(settings: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        mix(**settings)
