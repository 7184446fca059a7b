"""One plain verdict a region: what the figures allow to say, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..comparison import NO_DIFFERENCE, agreed_word
from ..results import AGAINST_RECORDINGS, Results


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said of one region's child."""

    word: str
    """Against its parent: better only if replies and log-likelihood agree and one fixed answer to
    everything would do less well."""
    against: dict[str, str]
    """Against each recording; better only if every view says so."""
    english_held: str
    """yes, no, or not shown."""
    sentence: str
    """The verdict in plain words."""
    reasons: list[str]


def decide(results: Results) -> dict[str, Verdict]:
    """Return the verdict of every region."""
    regions = results.figures["regions"]
    assert isinstance(regions, dict)
    return {
        code: _verdict(region, results.figures)
        for code, region in regions.items()
        if isinstance(region, dict)
    }


def _verdict(region: Mapping, figures: Mapping) -> Verdict:
    held = region["anchor"]["log_likelihood"]["held"]
    against = {
        name.removeprefix("child-"): str(made["word"])
        for name, made in region["differences"].items()
        if name != "child-parent"
    }
    word = _against_parent(region)
    parts = [
        _parent_sentence(word, region),
        *_fixed_answer_sentences(region),
        *_recording_sentences(against),
        _anchor_sentence(held, figures["anchor_name"]),
    ]
    return Verdict(word, against, str(held), " ".join(parts), _reasons(region, figures, held=held))


def _against_parent(region: Mapping) -> str:
    """Return the word for the task itself: a child that only learnt how to answer is no better."""
    generated = region["differences"]["child-parent"]["word"]
    word = agreed_word([generated, region["log_likelihood"]["child-parent"]["word"]])
    beats_one_label = region["one_label"]["child-one_label"]["word"] == "better"
    return NO_DIFFERENCE if word == "better" and not beats_one_label else word


def _parent_sentence(word: str, region: Mapping) -> str:
    if word in ("better", "worse"):
        return f"The child is {word} than its parent at the task itself."
    if region["differences"]["child-parent"]["word"] == "better":
        return "The child learnt the form of the answer; that it learnt the task is not shown."
    return f"Child against parent: {word}."


def _fixed_answer_sentences(region: Mapping) -> list[str]:
    child, fixed = region["systems"]["child"], region["one_label"]
    answers = child["answers"]
    if len(answers) == 1:
        label, times = next(iter(answers.items()))
        return [f"It answers “{label}” to {times} of {child['n']} items and nothing else."]
    if fixed["child-one_label"]["word"] != "better":
        return [f"It is not shown to do better than always answering “{fixed['label']}”."]
    return []


def _recording_sentences(against: Mapping[str, str]) -> list[str]:
    lists = {
        word: [name for name, said in against.items() if said == word] for word in against.values()
    }
    sentences: list[str] = []
    for word, names in lists.items():
        joined = " and ".join(names)
        if word == "worse":
            sentences.append(
                f"{joined} {'is' if len(names) == 1 else 'are'} better than the child."
            )
        elif word == "better":
            sentences.append(f"The child is better than {joined} ({AGAINST_RECORDINGS}).")
        else:
            sentences.append(f"Against {joined}: {word}.")
    return sentences


def _anchor_sentence(held: str, name: str) -> str:
    said = {"yes": "held", "no": "not held"}.get(held, "not shown to be held")
    return f"{name} on this task: {said}."


def _reasons(region: Mapping, figures: Mapping, *, held: str) -> list[str]:
    parent = region["differences"]["child-parent"]
    task, fixed = region["log_likelihood"]["child-parent"], region["one_label"]
    reasons = [
        f"Against its parent, generated answers: {_words(parent['all_items'])}.",
        f"The task without the format (likeliest label): {_words(task)}.",
        f"Against always answering “{fixed['label']}”: {_words(fixed['child-one_label'])}.",
    ]
    for name, made in region["differences"].items():
        if name != "child-parent":
            reasons.append(
                f"Against {name.removeprefix('child-')}: {_words(made['all_items'])} over all "
                f"items; {_words(made['parsed_only'])} where both name a label "
                f"({AGAINST_RECORDINGS})."
            )
    margin = f"{100 * figures['anchor_margin']:g}"
    anchor = region["anchor"]["log_likelihood"]["child-parent"]
    reasons.append(
        f"{figures['anchor_name']} held within {margin} points, by log-likelihood: {held}; "
        f"{_words(anchor)}."
    )
    return reasons


def _words(figures: Mapping) -> str:
    if "interval" not in figures:
        return f"{figures['word']} (n = {figures['n']})"
    low, high = (100 * end for end in figures["interval"])
    change = f"{100 * figures['difference']:+.1f} points, could be {low:+.1f} to {high:+.1f}"
    return f"{figures['word']} ({change})".replace("-", "−")
