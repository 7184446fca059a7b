"""lm-eval's ``LM`` on the engine: the requests, tokens and results of its HF backend, faster.

    from lm_eval import simple_evaluate
    simple_evaluate(PrefixSharedLM(model, tokenizer), tasks=["belebele_ind_Latn"])

Everything but the computing of log-likelihoods is the HF backend's own: how text becomes tokens,
the chat template, greedy generation.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from ...data.errors import UserError
from .plain_text import text_logprobs
from .scorer import BATCH_TOKENS, Prompt, Scorer

try:
    from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]
except ImportError as error:
    raise UserError("lm-eval is not installed: .venv/bin/pip install -e '.[harness]'") from error

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance  # pyright: ignore[reportMissingImports]


class PrefixSharedLM(HFLM):
    """A Llama checkpoint for lm-eval.

    Args:
        model: in evaluation mode.
        tokenizer: the checkpoint's.
        batch_tokens: different tokens computed at once.
        settings: of ``HFLM``, such as ``add_bos_token`` and ``max_length``; its ``batch_size`` is
            for generation alone.
    """

    def __init__(
        self,
        model: LlamaForCausalLM,
        tokenizer: PreTrainedTokenizerBase,
        *,
        batch_tokens: int = BATCH_TOKENS,
        **settings: str | int | bool | None,
    ) -> None:
        super().__init__(pretrained=model, tokenizer=tokenizer, backend="causal", **settings)
        self._scorer = Scorer(model, batch_tokens=batch_tokens)

    def loglikelihood_rolling(
        self, requests: Sequence["Instance"], disable_tqdm: bool = False
    ) -> list[float]:
        """Return the log-likelihood of each whole text."""
        texts = [request.args[0] for request in requests]
        found = text_logprobs(
            self._scorer,
            [self.tok_encode(text) for text in texts],
            first=self.prefix_token_id,
            max_length=self.max_length,
        )
        for text, total in zip(texts, found, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), total)
        return found

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[tuple[str, str], list[int], list[int]]],
        disable_tqdm: bool = False,
        override_bs: int | None = None,
    ) -> list[tuple[float, bool]]:
        """Return log-likelihood and greediness of each continuation."""
        continuations: dict[tuple[int, ...], list[tuple[int, list[int]]]] = {}
        for index, (texts, context_ids, ids) in enumerate(requests):
            if not ids:
                raise UserError(f"the continuation {texts[1]!r} is no token: correct the task")
            context = self._cut(context_ids, ids)
            continuations.setdefault(context, []).append((index, ids))
        prompts = [
            Prompt(context, [ids for _, ids in several])
            for context, several in continuations.items()
        ]
        answers: dict[int, tuple[float, bool]] = {}
        for several, scores in zip(
            continuations.values(), self._scorer.score(prompts), strict=True
        ):
            for (index, _), score in zip(several, scores, strict=True):
                answers[index] = (score.total, score.is_greedy)
                self.cache_hook.add_partial("loglikelihood", requests[index][0], answers[index])
        return [answers[index] for index in range(len(requests))]

    def _cut(self, context_ids: list[int], ids: list[int]) -> tuple[int, ...]:
        """Return the end of the context that fits into the model with this continuation."""
        room = self.max_length + 1 - len(ids)
        if room < 1:
            raise UserError(
                f"a continuation has {len(ids)} tokens, the model reads {self.max_length}: "
                "leave the item out"
            )
        return tuple(context_ids[-room:])
