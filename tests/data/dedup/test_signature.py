from collections.abc import Callable

import numpy as np
import pytest
from lokal.data.dedup import signature
from lokal.data.dedup.config import DedupConfig
from lokal.data.dedup.signature import duplicate_key, hash_grams, sign

WORDS = {
    "id": "wabah flu burung dilaporkan di dua provinsi pada hari senin lalu",
    "hi": "ज़िला अस्पताल में फ़्लू के मरीज़ बढ़ रहे हैं आज भी",
    "tl": "dalawang probinsya ang nag-ulat ng trangkaso noong crisóstomo ng̃alan lunes",
}
GOLDEN_SIGNATURES = [[8445, 47133, 54507], [47373, 53405, 4619], [31772, 18829, 18044]]
GOLDEN_KEYS = [2939598306503229683, 10305898985116929471, 806044625287881372]


def grams_of(text: str) -> set[int]:
    return set(hash_grams([duplicate_key(text)]).hashes_G.tolist())


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_the_same_five_words_have_one_hash_wherever_they_stand(text: str) -> None:
    words = duplicate_key(text).split()
    assert len(grams_of(text)) == len(words) - 4
    assert grams_of(" ".join(words[2:7])) < grams_of(text)
    keys = [duplicate_key(other) for other in WORDS.values()]
    together = hash_grams([*keys, "dua kata", " ".join(words)])
    assert (
        together.hashes_G[-len(words) + 4 :].tolist()
        == hash_grams([keys[0], " ".join(words)])[0][-len(words) + 4 :].tolist()
    )
    assert together.counts_R.tolist() == [
        *(len(key.split()) - 4 for key in keys),
        0,
        len(words) - 4,
    ]


def test_words_are_not_joined_across_rows_or_split_otherwise() -> None:
    assert not grams_of("satu dua tiga empat lima") & grams_of("satu dua tiga empatlima enam")
    assert not grams_of("satu dua tiga empat lima") & grams_of("lima empat tiga dua satu")
    assert hash_grams(["satu dua tiga", "empat lima enam"]).hashes_G.tolist() == []


@pytest.mark.parametrize("piece_chars", [1, 5, 40, 333])
def test_a_long_text_has_the_grams_of_the_whole(
    piece_chars: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = duplicate_key(
        " ".join(f"{word}{number}" for number in range(40) for word in "kaए") + " x" * 3
    )
    whole = hash_grams([text]).hashes_G.tolist()
    monkeypatch.setattr(signature, "_PIECE_CHARS", piece_chars)
    cut = hash_grams([text])
    assert cut.hashes_G.tolist() == whole
    assert cut.counts_R.tolist() == [len(whole)]


def test_signatures_do_not_change_between_versions_and_machines() -> None:
    signed = sign([duplicate_key(text) for text in WORDS.values()], config=DedupConfig())
    assert signed.signatures_RP[:, :3].tolist() == GOLDEN_SIGNATURES
    assert signed.band_keys_BR[0].tolist() == GOLDEN_KEYS


def test_estimates_are_unbiased_with_the_error_that_theory_allows() -> None:
    generator = np.random.default_rng(0)
    errors = []
    for _ in range(150):
        words = [f"w{number}" for number in generator.integers(0, 10**6, 120)]
        other = [*words[:100], *(f"v{number}" for number in generator.integers(0, 10**6, 20))]
        signed = sign([" ".join(words), " ".join(other)], config=DedupConfig())
        errors.append((signed.signatures_RP[0] == signed.signatures_RP[1]).mean() - 96 / 136)
    bound = np.sqrt(0.706 * 0.294 / 128)  # binomial standard error of 128 places
    assert abs(np.mean(errors)) < 3 * bound / np.sqrt(len(errors))
    assert np.std(errors) < 1.2 * bound


def test_texts_of_fewer_than_five_words_are_compared_as_a_whole_only() -> None:
    keys = [duplicate_key(text) for text in ("Satu dua tiga!", "satu, dua tiga", "!!! ???", "😀")]
    signed = sign(keys, config=DedupConfig())
    assert not signed.band_keys_BR.any()
    assert signed.digests_R2[0].tolist() == signed.digests_R2[1].tolist()
    assert len({tuple(digest) for digest in signed.digests_R2.tolist()}) == 3


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("क्‍षमा करें", "क्षमा करें", True),  # a joiner only shapes the letters
        ("ज़िला", "जिला", False),  # nukta is another letter
        ("Mag-aral ka.", "mag aral ka", True),
        ("ng̃alan", "ngalan", False),
        ("!!!\n???", "!!! ???", True),
    ],
)
def test_key_sets_only_case_punctuation_spacing_and_joiners_aside(
    one: str, other: str, same: bool
) -> None:
    assert (duplicate_key(one) == duplicate_key(other)) is same


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: DedupConfig(min_similarity=1.5),
            r"dedup.min_similarity must lie in \(0, 1\], got 1.5",
        ),
        (
            lambda: DedupConfig(min_linked=0.9),
            r"dedup.min_linked .* got 0.9, with min_similarity 0.8",
        ),
        (
            lambda: DedupConfig(num_bands=30),
            r"dedup.num_bands x dedup.band_rows .* got 30 x 6 for 128; lower one",
        ),
        (lambda: DedupConfig(band_rows=0), r"dedup.band_rows must be 1 or more, got 0"),
        (lambda: DedupConfig(seed=-1), r"dedup.seed must lie in \[0, 2\*\*63\), got -1"),
    ],
)
def test_settings_that_cannot_work_are_named(
    build: Callable[[], DedupConfig], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_default_bands_compare_nearly_all_that_is_dropped_or_linked() -> None:
    config = DedupConfig()
    assert config.chance_to_compare(0.9) > 0.9999
    assert config.chance_to_compare(0.8) > 0.998
    assert config.chance_to_compare(0.1) < 0.001
