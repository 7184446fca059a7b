"""One verdict a region in plain sentences: what the gates and the figures allow to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...data.manifest import Json
from ..gates.result import GateResult, Verdict, worst_verdict
from .difference import BETTER, NO_DIFFERENCE, ONE_ANSWER, WORSE, agreed_word
from .results import RegionResults, Results


@dataclass(frozen=True, slots=True)
class RegionVerdict:
    """What may be said of one region's child."""

    name: str
    """Of the region."""
    verdict: Verdict
    """Of the gates."""
    word: str
    """Against its parent: better only if replies and log-likelihood agree and one fixed answer to
    everything would do less well."""
    against: dict[str, str]
    """Against each other system, by the headline of generated answers."""
    sentence: str
    gates: list[GateResult]

    def to_json(self) -> dict[str, Json]:
        """Return the verdict as it stands in ``verdict.json``."""
        return {
            "name": self.name,
            "verdict": str(self.verdict),
            "sentence": self.sentence,
            "against_parent": self.word,
            "against": dict[str, Json](self.against),
            "gates": [gate.to_json() for gate in self.gates],
        }


def decide(results: Results) -> dict[str, RegionVerdict]:
    """Return the verdict of every region."""
    return {region.code: _decide(region, results.figures) for region in results.regions}


def overall(verdicts: Mapping[str, RegionVerdict]) -> Verdict:
    """Return the verdict of all regions: the worst."""
    return worst_verdict([verdict.verdict for verdict in verdicts.values()])


def verdict_json(verdicts: Mapping[str, RegionVerdict]) -> dict[str, Json]:
    """Return the content of ``verdict.json``: of all regions, why, and of each its gates."""
    return {
        "overall": str(overall(verdicts)),
        "reasons": [
            f"{code}: {gate.gate}: {gate.reason}"
            for code, verdict in verdicts.items()
            for gate in verdict.gates
            if gate.verdict != Verdict.PASS
        ],
        "regions": {code: verdict.to_json() for code, verdict in verdicts.items()},
    }


def _decide(region: RegionResults, figures: Mapping) -> RegionVerdict:
    words = _headline_words(region.figures)
    word = _against_parent(words, region.figures)
    against = {name: said for name, said in words["generate"].items() if name != "parent"}
    return RegionVerdict(
        name=str(region.figures["name"]),
        verdict=worst_verdict([gate.verdict for gate in region.gates]),
        word=word,
        against=against,
        sentence=" ".join(
            [
                _gates_sentence(region.gates),
                _parent_sentence(word, words, num_tasks=_num_tasks(region.figures)),
                *_one_answer_sentences(region.figures),
                *_other_sentences(against, region.figures, figures["systems"]),
            ]
        ),
        gates=region.gates,
    )


def _headline_words(region: Mapping) -> dict[str, dict[str, str]]:
    """Return by protocol and other system the word over all benchmarks."""
    words: dict[str, dict[str, str]] = {"generate": {}, "loglikelihood": {}}
    for protocol, origins in region["headline"].items():
        for pair, made in origins["all"].items():
            words[protocol][pair.removeprefix("child-")] = made["word"]
    return words


def _against_parent(words: Mapping[str, Mapping[str, str]], region: Mapping) -> str:
    """Return the word for the task itself: a child that only learnt how to answer is no better."""
    said = [of["parent"] for of in words.values() if "parent" in of]
    if not said:
        return NO_DIFFERENCE
    word = agreed_word(said)
    return NO_DIFFERENCE if word == BETTER and _one_answer_tasks(region, all_of_them=True) else word


def _one_answer_tasks(region: Mapping, *, all_of_them: bool = False) -> list[Mapping]:
    """Return the tasks at which the child is not shown to beat one fixed answer to everything.

    With ``all_of_them``, nothing unless that holds for each.
    """
    asked = [task for task in region["tasks"] if f"child-{ONE_ANSWER}" in task["differences"]]
    written = [task for task in asked if task["protocol"] == "generate"] or asked
    weak = [
        task for task in written if task["differences"][f"child-{ONE_ANSWER}"]["word"] != BETTER
    ]
    return [] if all_of_them and len(weak) < len(written) else weak


def _gates_sentence(gates: Sequence[GateResult]) -> str:
    verdict = worst_verdict([gate.verdict for gate in gates])
    if verdict == Verdict.PASS:
        return "Every gate passes."
    named = ", ".join(gate.gate.replace("_", " ") for gate in gates if gate.verdict == verdict)
    return f"{'Fails' if verdict == Verdict.FAIL else 'Not decided'}: {named}."


def _num_tasks(region: Mapping) -> int:
    return len({task["part"] for task in region["tasks"] if task["counts"]})


def _parent_sentence(word: str, words: Mapping[str, Mapping[str, str]], *, num_tasks: int) -> str:
    what = "the task itself" if num_tasks == 1 else f"{num_tasks} benchmarks taken together"
    if word in (BETTER, WORSE):
        return f"The child is {word} than its parent at {what}."
    if words["generate"].get("parent") == BETTER:
        return "The child learnt the form of the answer; that it learnt the task is not shown."
    return f"Child against parent: {word}."


def _one_answer_sentences(region: Mapping) -> list[str]:
    sentences: list[str] = []
    for task in _one_answer_tasks(region):
        child, fixed = task["systems"]["child"], task[ONE_ANSWER]
        answers = child["answers"]
        if len(answers) == 1:
            label, times = next(iter(answers.items()))
            sentences.append(
                f"To {task['suite']} it answers “{label}” for {times} of {child['n']} items and "
                "nothing else."
            )
        else:
            sentences.append(
                f"On {task['suite']} it is not shown to do better than always answering "
                f"“{fixed['answer']}”."
            )
    return (
        sentences
        if len(sentences) <= 2
        else [f"On {len(sentences)} benchmarks it is not shown to do better than one fixed answer."]
    )


def _other_sentences(
    against: Mapping[str, str], region: Mapping, systems: Mapping[str, Mapping]
) -> list[str]:
    """Return one sentence for all systems of which the same is to be said."""
    lists = {
        word: [name for name, said in against.items() if said == word] for word in against.values()
    }
    sentences: list[str] = []
    for word, names in lists.items():
        joined = _listed(names)
        if word == WORSE:
            verb = "is" if len(names) == 1 else "are"
            sentences.append(f"{joined} {verb} better than the child.")
        elif word == BETTER:
            asked = sorted({str(systems[name]["asked"]) for name in names} - {"None"})
            how = [_listed(asked)] if asked else []
            if region["tasks_trained"]:
                how.insert(0, f"the child was trained on {', '.join(region['tasks_trained'])}")
            note = f" ({'; '.join(how)})" if how else ""
            sentences.append(f"The child is better than {joined}{note}.")
        else:
            sentences.append(f"Against {joined}: {word}.")
    return sentences


def _listed(names: Sequence[str]) -> str:
    """Return the names as a sentence lists them."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
