"""A judge in memory: it reads the prompt as a model would have to, and judges by a simple rule.

It never sees more than the two turns. ``read_prompt`` fails unless the fences stand as they should,
so that every call of a fake judge is also a test of the prompt.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from lokal.data.message import Message
from lokal.evaluation.judge.asking import Judge
from lokal.evaluation.judge.criteria import CRITERIA, LEVELS
from lokal.evaluation.reply import State
from lokal.evaluation.vendors.question import Answer, Question, Usage

Rule = Callable[[dict[str, str]], str]
"""From the texts by label to an answer."""
GOOD = "✔"
"""What an honest fake judge takes for quality: the better reply holds more of it."""


def read_prompt(messages: Sequence[Message]) -> dict[str, str]:
    """Return each fenced text by its label, and fail if anything stands where it should not."""
    protocol, asked = messages
    assert [protocol["role"], asked["role"]] == ["system", "user"]
    lines = asked["content"].split("\n")
    name = re.fullmatch(r"Fence: ([0-9a-f]{24})", lines[0])
    assert name
    texts: dict[str, str] = {}
    marks = [number for number, line in enumerate(lines) if name[1] in line][1:]
    for begin, end in zip(marks[::2], marks[1::2], strict=True):
        label = re.fullmatch(rf"----- {name[1]} (.+) begins -----", lines[begin])
        assert label
        assert lines[end] == f"----- {name[1]} {label[1]} ends -----"
        assert end == begin + 2, "a fenced text is one line"
        texts[label[1]] = json.loads(lines[begin + 1])
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200b\ufeff\U000e0000-\U000e007f]", asked["content"]
    )
    assert "<" not in asked["content"]
    return texts


def pairwise_answer(winner: str, reasons: str = "because") -> str:
    criteria = [{"name": criterion.name, "winner": winner} for criterion in CRITERIA]
    verdict = {"reasons": reasons, "criteria": criteria, "winner": winner, "confidence": "high"}
    return json.dumps(verdict, ensure_ascii=False)


def rubric_answer(level: str, *, points: Sequence[str] = (), reasons: str = "because") -> str:
    assert level in LEVELS
    verdict: dict[str, object] = {
        "reasons": reasons,
        "criteria": [{"name": criterion.name, "level": level} for criterion in CRITERIA],
    }
    if points:
        verdict["points"] = [{"number": str(n), "met": met} for n, met in enumerate(points, 1)]
    return json.dumps({**verdict, "confidence": "low"}, ensure_ascii=False)


def honest(texts: dict[str, str]) -> str:
    """Prefer the reply with more of what is good, wherever it stands and whatever it says."""
    first, second = texts["reply A"].count(GOOD), texts["reply B"].count(GOOD)
    winner = "tie" if first == second else "A" if first > second else "B"
    # Reasons of a real judge quote what it read.
    return pairwise_answer(winner, reasons=f"A says {texts['reply A']!r}; B {texts['reply B']!r}")


def always_first(texts: dict[str, str]) -> str:
    del texts
    return pairwise_answer("A")


class FakeAsk:
    """Answers by a rule and counts; the first ``broken`` answers to each question are no JSON."""

    def __init__(self, rule: Rule, *, broken: int = 0) -> None:
        self.rule, self.broken = rule, broken
        self.questions: list[Question] = []

    def __call__(self, questions: Sequence[Question]) -> Mapping[str, Answer]:
        assert len({one.key for one in questions}) == len(questions)
        self.questions += questions
        return {one.key: self._answer(one) for one in questions}

    def _answer(self, question: Question) -> Answer:
        text = self.rule(read_prompt(question.messages))
        if question.sample < self.broken:
            text = f"I think so: {text}"
        return Answer(text, State.ok, "fake-judge", Usage(1, 1))


def fake_judge(
    rule: Rule = honest, *, name: str = "fake", broken: int = 0, vendors: Sequence[str] = ()
) -> Judge:
    return Judge(
        name=name,
        label=name,
        vendors=frozenset(vendors),
        identity={"judge": name},
        ask=FakeAsk(rule, broken=broken),
    )
