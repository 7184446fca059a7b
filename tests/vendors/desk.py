"""Where prompts become answers and are billed, one by one or in batches."""

import threading
from collections.abc import Callable

from .counts import Counts
from .faults import Schedule, spoil
from .jobs import Job, Jobs, Line, LineResult, shuffled
from .said import Prompt, Said, Tokens, count_tokens, cut

_TOKENS_OF_A_TURN = 4


class Desk:
    """Answers, counts and keeps; knows no wire format."""

    def __init__(
        self,
        *,
        answer: Callable[[Prompt], Said],
        schedule: Schedule,
        counts: Counts,
        jobs: Jobs,
        models: list[str] | None,
    ) -> None:
        self.schedule, self.counts, self.jobs, self.models = schedule, counts, jobs, models
        self._answer = answer
        self._seen: set[tuple] = set()
        self._lock = threading.Lock()

    def serves(self, model: str) -> bool:
        return self.models is None or model in self.models

    def answer(self, prompt: Prompt, rule: dict | None) -> tuple[Said, Tokens]:
        """Return the answer and what it costs."""
        said = cut(spoil(self._answer(prompt), rule), prompt)
        return said, self._tokens(prompt, said)

    def _tokens(self, prompt: Prompt, said: Said) -> Tokens:
        counts = [count_tokens(text) + _TOKENS_OF_A_TURN for _, text in prompt.messages]
        before = prompt.messages[:-1]
        cached = cache_write = 0
        if before and prompt.marks_cache:
            with self._lock:
                name = (prompt.vendor, prompt.model, before)
                cached = sum(counts[:-1]) if name in self._seen else 0
                is_written = prompt.bills_writes and name not in self._seen
                cache_write = sum(counts[:-1]) if is_written else 0
                self._seen.add(name)
        reasoning = count_tokens(said.thinking)
        output = reasoning + max(1, count_tokens(said.text))
        return Tokens(sum(counts), output, cached, cache_write, reasoning)

    def make_batch(self, vendor: str, prefix: str, lines: list[Line], note: dict[str, str]) -> Job:
        job = Job(self.jobs.new_id(prefix), vendor, lines, note, polls_left=self.jobs.polls)
        return self.jobs.add(job)

    def look(self, job: Job) -> Job:
        """Count a look at a batch, and work it off with the last one."""
        if self.jobs.look(job) and job.state != "failed":
            done = job.lines if job.state == "ended" else job.lines[: len(job.lines) // 2]
            self._work_off(job, done, rest="expired")
        return job

    def cancel(self, job: Job) -> Job:
        """End a batch; half of it is done already."""
        if job.state == "running":
            job.state = "cancelled"
            self._work_off(job, job.lines[: len(job.lines) // 2], rest="cancelled")
        return job

    def _work_off(self, job: Job, done: list[Line], *, rest: str) -> None:
        results = [self._result(job, line) for line in done]
        left = [LineResult(*line, None, None, rest) for line in job.lines[len(done) :]]
        job.results = shuffled([*results, *left], seed=job.id)

    def _result(self, job: Job, line: Line) -> LineResult:
        number = self.counts.arrive(job.vendor, "line")
        rule = self.schedule.rule("line", number=number, vendor=job.vendor, prompt=line.prompt)
        if rule and rule["act"] in ("expired", "cancelled"):
            return LineResult(*line, None, None, rule["act"])
        if rule and rule["act"] in ("errored", "status"):
            told = (rule.get("code", 500), rule.get("message", "because"), rule.get("reason", ""))
            return LineResult(*line, None, None, "errored", *told)
        said, tokens = self.answer(line.prompt, rule)
        self.counts.bill(job.vendor, line.prompt.model, tokens, kind="batched")
        return LineResult(*line, said, tokens)
