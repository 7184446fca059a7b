from itertools import pairwise

import numpy as np
from lokal.data.decontamination.windows import MOST_CHARS, Windows, hash_whole, pieces_of


def test_equal_runs_have_one_hash_wherever_they_stand() -> None:
    text = "ज़िला बंद है mag-aral ज़िला बंद है"
    windows = Windows(text)
    hashes = windows.hash_from_starts(windows.ends_of_words(3))
    assert hashes[0] == hashes[-1] == hash_whole("ज़िला बंद है")
    assert len(set(hashes.tolist())) == len(hashes) - 1


def test_different_runs_have_different_hashes() -> None:
    generator = np.random.default_rng(0)
    words = [
        "".join(map(chr, generator.integers(97, 100, size)))
        for size in generator.integers(1, 5, 12_000)
    ]
    windows = Windows(" ".join(words))
    runs = {" ".join(words[n : n + 13]) for n in range(len(words) - 12)}
    hashes = windows.hash_from_starts(windows.ends_of_words(13))
    assert len(set(hashes.tolist())) == len(runs)


def test_swapped_letters_change_the_hash() -> None:
    text = "abcdefghij" * 5
    swapped = {
        text[:i] + text[j] + text[i + 1 : j] + text[i] + text[j + 1 :]
        for i in range(50)
        for j in range(i + 1, 50)
    }
    assert len({hash_whole(other) for other in swapped}) == len(swapped)


def test_every_run_of_fifty_words_lies_in_one_piece() -> None:
    text = " ".join(f"kata{number}" for number in range(20_000))
    pieces = pieces_of(text)
    assert all(end - begin <= MOST_CHARS for begin, end in pieces)
    words = [text[begin:end].split() for begin, end in pieces]
    assert words[0][0] == "kata0"
    assert words[-1][-1] == "kata19999"
    for before, after in pairwise(words):
        assert after[0] == before[-50]


def test_a_short_or_empty_text_has_no_run() -> None:
    assert pieces_of("") == []
    windows = Windows("kata")
    assert len(windows.hash_from_starts(windows.ends_of_words(13))) == 0
    assert len(windows.hash_from_starts(windows.ends_of_chars(50))) == 0
