"""One engine in a process of its own: reads a job a line, answers with a line.

Run by ``score.py`` as ``python worker.py ours|lm-eval THREADS``.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, LlamaForCausalLM


def main() -> None:
    """Answer jobs until the input ends."""
    engine, threads = sys.argv[1], int(sys.argv[2])
    torch.set_num_threads(threads)
    loaded: dict[tuple[str, int], Any] = {}
    answers = sys.stdout
    for line in sys.stdin:
        job = json.loads(line)
        key = (job["precision"], job["batch"])
        with contextlib.redirect_stdout(sys.stderr):
            if key not in loaded:
                loaded.clear()  # one model in memory at a time
                loaded[key] = load(engine, job)
            answer = run(loaded[key], job)
        print(json.dumps(answer), file=answers, flush=True)


def load(engine: str, job: dict) -> Any:  # noqa: ANN401  lm-eval is not in every environment
    """Return lm-eval's language model: its HF backend or ours."""
    dtype = torch.bfloat16 if job["precision"] == "bf16" else torch.float32
    model = LlamaForCausalLM.from_pretrained(job["model"], dtype=dtype, attn_implementation="sdpa")
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    if engine == "ours":
        from lokal.evaluation.likelihood.harness import PrefixSharedLM

        return PrefixSharedLM(model.eval(), tokenizer)
    from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]

    return HFLM(pretrained=model.eval(), tokenizer=tokenizer, batch_size=job["batch"])


def run(lm: Any, job: dict) -> dict:  # noqa: ANN401  as above
    """Return each item's log-likelihoods and gold answer, and the seconds inside the engine."""
    from lm_eval import simple_evaluate  # pyright: ignore[reportMissingImports]
    from lm_eval.tasks import TaskManager  # pyright: ignore[reportMissingImports]

    clock = Clock()
    lm.loglikelihood, plain = clock.timed(lm.loglikelihood), lm.loglikelihood
    manager = TaskManager(include_path=job["folder"], include_defaults=False)
    found = simple_evaluate(
        model=lm, tasks=job["tasks"], task_manager=manager, bootstrap_iters=0, log_samples=True
    )
    lm.loglikelihood = plain
    assert found is not None
    samples = [sample for task in job["tasks"] for sample in found["samples"][task]]
    return {
        "seconds": clock.seconds,
        "processor_seconds": clock.processor_seconds,
        "logprobs": [[one[0] for one in sample["filtered_resps"]] for sample in samples],
        "greedy": [[one[1] for one in sample["filtered_resps"]] for sample in samples],
        "gold": [sample["target"] for sample in samples],
        "choices": [sample["doc"]["choices"] for sample in samples],
        "file": str(Path(__file__).name),
    }


class Clock:
    """Adds up the time spent in a function: encoding and computing, not lm-eval's bookkeeping."""

    def __init__(self) -> None:
        self.seconds = self.processor_seconds = 0.0

    def timed(self, function: Callable) -> Callable:
        """Return the function, timed."""

        def call(*args: Any, **named: Any) -> Any:  # noqa: ANN401  passed on
            start, processor = time.perf_counter(), time.process_time()
            result = function(*args, **named)
            self.seconds += time.perf_counter() - start
            self.processor_seconds += time.process_time() - processor
            return result

        return call


if __name__ == "__main__":
    main()
