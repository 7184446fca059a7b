"""Greedy replies and label log-likelihoods of many prompts, each prompt computed once.

Three things make it fast and none changes a result beyond rounding: the instruction that all
prompts begin with is computed once; the head runs only where a token is predicted; all labels are
scored in one row behind the prompt, each seeing only the prompt and itself. That row also drafts
the reply: as long as the greedy reply follows a label, its next token is already known, so a
trained checkpoint needs no further step.

Shapes: B batch, S shared prefix, T rest of the prompt, L packed label tokens, K keys, V vocabulary,
H hidden, N any rows, C choices.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache, LlamaForCausalLM

from .likelihood.decoder import fork
from .likelihood.head import token_scores


class Answer(NamedTuple):
    """What a checkpoint says to one prompt, and how likely each label is."""

    reply_ids: list[int]
    """Greedy reply without its end token."""
    ended: bool
    """False where the reply was cut at the longest length."""
    label_logprobs: list[float]
    """One per label, summed over its tokens without the end token."""
    closed_logprobs: list[float]
    """One per label with the end token."""


class Choice(NamedTuple):
    """A label as token ids."""

    ids: list[int]
    end_ids: list[int]
    """What closes the turn behind it; may be empty."""


def shared_prefix(prompts: Sequence[list[int]]) -> list[int]:
    """Return the ids that all prompts begin with; every prompt keeps at least one id of its own."""
    shortest = min(prompts, key=len)[:-1]
    for place, token in enumerate(shortest):
        if any(ids[place] != token for ids in prompts):
            return shortest[:place]
    return shortest


def plan_batches(lengths: Sequence[int], *, batch_tokens: int) -> list[list[int]]:
    """Return batches of indices, longest first, each at most ``batch_tokens`` when padded.

    A prompt longer than ``batch_tokens`` stands alone. The plan depends on nothing but the lengths,
    so that a run that goes on forms the same batches and hence the same digits.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    batches: list[list[int]] = []
    for index in order:
        longest = lengths[batches[-1][0]] if batches else 0
        if batches and (len(batches[-1]) + 1) * longest <= batch_tokens:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


class BatchedAnswers:
    """Answers batches of prompts that share a prefix.

    Args:
        model: in evaluation mode, with the sdpa attention.
        prefix_ids: what every prompt begins with; may be empty.
        choices: the labels to score, in order.
        end_ids: tokens that end a reply.
        max_new_tokens: longest reply.
    """

    def __init__(
        self,
        model: LlamaForCausalLM,
        *,
        prefix_ids: list[int],
        choices: Sequence[Choice],
        end_ids: Sequence[int],
        max_new_tokens: int,
    ) -> None:
        self.model = model
        self.end_ids = frozenset(end_ids)
        self.max_new_tokens = max_new_tokens
        self.num_prefix = len(prefix_ids)
        self.labels = _PackedLabels(choices)
        self.prefix = DynamicCache(config=model.config)
        if prefix_ids:
            with torch.inference_mode():
                self._hidden([prefix_ids], self.prefix)

    @torch.inference_mode()
    def answer(self, rests: Sequence[list[int]]) -> list[Answer]:
        """Return one answer per prompt.

        Args:
            rests: the prompts without their shared prefix.
        """
        lengths = [len(rest) for rest in rests]
        cache = fork(self.prefix)
        if self.num_prefix:
            cache.batch_repeat_interleave(len(rests))
        hidden_BTH = self._hidden(_pad(rests), cache)
        last_BH = hidden_BTH[torch.arange(len(rests)), torch.tensor(lengths) - 1]
        first_ids = torch.tensor([label[0] for label in self.labels.sequences])
        first_BC, start_B = self._log_probs(last_BH, first_ids.expand(len(rests), -1))
        next_BL, best_BL = self._score_labels(cache, lengths)
        best = best_BL.tolist()
        drafts = [self._draft(start, best[row]) for row, start in enumerate(start_B.tolist())]
        open_rows = [row for row, draft in enumerate(drafts) if draft is None]
        if open_rows:
            replies = self._continue(cache, lengths, start_B, open_rows)
            for row, reply in zip(open_rows, replies, strict=True):
                drafts[row] = reply
        scores = self.labels.sums(first_BC, next_BL)
        return [
            self._finish(draft, *pair) for draft, pair in zip(drafts, scores, strict=True) if draft
        ]

    def _score_labels(self, cache: DynamicCache, lengths: list[int]) -> tuple[Tensor, Tensor]:
        """Return log-probability of what follows each label token, and the likeliest follower."""
        labels, count = self.labels, len(lengths)
        if not labels.inputs:
            return torch.empty(count, 0), torch.empty(count, 0, dtype=torch.long)
        prompt_B11K = self._sees_prompt(lengths, int(cache.get_seq_length()))
        num_labels = len(labels.inputs)
        mask = torch.cat(
            [
                prompt_B11K.expand(-1, -1, num_labels, -1),
                labels.mask_LL.expand(count, 1, num_labels, num_labels),
            ],
            dim=-1,
        )
        starts_B1 = torch.tensor(lengths)[:, None] + self.num_prefix
        hidden_BLH = self._hidden(
            [labels.inputs] * count, fork(cache), positions=starts_B1 + labels.depths_L, mask=mask
        )
        targets_N1 = torch.tensor(labels.targets).repeat(count)[:, None]
        logprobs_N1, best_N = self._log_probs(hidden_BLH.flatten(0, 1), targets_N1)
        return logprobs_N1.view(count, -1), best_N.view(count, -1)

    def _draft(self, start: int, best_L: list[int]) -> list[int] | None:
        """Return the whole greedy reply if it runs along a label to its end, else None."""
        reply = [start]
        while not self._is_over(reply):
            follower = self.labels.place_behind(reply)
            if follower is None:
                return None
            reply.append(best_L[follower])
        return reply

    def _continue(
        self, cache: DynamicCache, lengths: list[int], start_B: Tensor, rows: list[int]
    ) -> list[list[int]]:
        """Return the greedy replies of some rows, one token a step."""
        chosen = torch.tensor(rows)
        cache = fork(cache)
        cache.batch_select_indices(chosen.to(self.model.device))
        sees_B11K = self._sees_prompt([lengths[row] for row in rows], int(cache.get_seq_length()))
        positions_B1 = torch.tensor([[self.num_prefix + lengths[row]] for row in rows])
        newest_B = start_B[chosen]
        replies = [[token] for token in newest_B.tolist()]
        seen = torch.ones(len(rows), 1, 1, 1, dtype=torch.bool)
        while not all(self._is_over(reply) for reply in replies):
            sees_B11K = torch.cat([sees_B11K, seen], dim=-1)
            hidden_B1H = self._hidden(
                newest_B[:, None].tolist(), cache, positions=positions_B1, mask=sees_B11K
            )
            _, newest_B = self._log_probs(hidden_B1H[:, 0], newest_B[:, None])
            positions_B1 = positions_B1 + 1
            for reply, token in zip(replies, newest_B.tolist(), strict=True):
                if not self._is_over(reply):
                    reply.append(token)
        return replies

    def _sees_prompt(self, lengths: list[int], num_keys: int) -> Tensor:
        """Return which cached keys are prompt and not padding, as B11K."""
        ends_B1 = torch.tensor(lengths)[:, None] + self.num_prefix
        return (torch.arange(num_keys)[None] < ends_B1)[:, None, None]

    def _hidden(
        self,
        ids: Sequence[list[int]],
        cache: DynamicCache,
        *,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Return the last hidden states BTH and add the keys to the cache.

        Without a mask the tokens are causal; padding stands on the right, where no real token
        sees it.
        """
        device = self.model.device
        output = self.model.model(
            input_ids=torch.tensor(ids, device=device),
            past_key_values=cache,
            position_ids=None if positions is None else positions.to(device),
            attention_mask=None if mask is None else mask.to(device),
            use_cache=True,
        )
        return output.last_hidden_state

    def _log_probs(self, hidden_NH: Tensor, targets_NC: Tensor) -> tuple[Tensor, Tensor]:
        """Return log-probabilities NC of the targets, and the likeliest token N, on the CPU."""
        num_states, num_targets = targets_NC.shape
        rows_M = torch.arange(num_states).repeat_interleave(num_targets)
        found = token_scores(
            self.model.lm_head, hidden_NH, rows_M=rows_M, tokens_M=targets_NC.flatten()
        )
        return found.logprobs_M.view(num_states, num_targets), found.best_S

    def _is_over(self, reply: list[int]) -> bool:
        return reply[-1] in self.end_ids or len(reply) >= self.max_new_tokens

    def _finish(self, reply: list[int], label: list[float], closed: list[float]) -> Answer:
        ended = reply[-1] in self.end_ids
        return Answer(reply[:-1] if ended else reply, ended, label, closed)


class _PackedLabels:
    """All labels in one row of input tokens; each token predicts the next one of its label."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.choices = choices
        self.sequences = [[*choice.ids, *choice.end_ids] for choice in choices]
        places = [(c, d) for c, label in enumerate(self.sequences) for d in range(len(label) - 1)]
        self.places = {place: index for index, place in enumerate(places)}
        self.inputs = [self.sequences[c][d] for c, d in places]
        self.targets = [self.sequences[c][d + 1] for c, d in places]
        owner_L, self.depths_L = torch.tensor(places, dtype=torch.long).view(-1, 2).T
        is_own_LL = owner_L[:, None] == owner_L[None]
        self.mask_LL = is_own_LL & (self.depths_L[:, None] >= self.depths_L[None])

    def place_behind(self, reply: list[int]) -> int | None:
        """Return where the row predicts the token behind this reply; None if it does not."""
        for number, label in enumerate(self.sequences):
            if label[: len(reply)] == reply and len(label) > len(reply):
                return self.places[number, len(reply) - 1]
        return None

    def sums(self, first_BC: Tensor, next_BL: Tensor) -> list[tuple[list[float], list[float]]]:
        """Return per prompt the log-likelihood of each label, without and with its end."""
        rows = zip(first_BC.double().tolist(), next_BL.double().tolist(), strict=True)
        return [self._sums_of_one(first, following) for first, following in rows]

    def _sums_of_one(
        self, first: list[float], following: list[float]
    ) -> tuple[list[float], list[float]]:
        label: list[float] = []
        closed: list[float] = []
        for number, choice in enumerate(self.choices):
            count = len(self.sequences[number])
            steps = [
                first[number],
                *(following[self.places[number, depth]] for depth in range(count - 1)),
            ]
            label.append(sum(steps[: len(choice.ids)]))
            closed.append(sum(steps))
        return label, closed


def _pad(rests: Sequence[list[int]]) -> list[list[int]]:
    """Return the rows at equal length, padded on the right with a token nobody looks at."""
    longest = max(map(len, rests))
    return [[*rest, *[0] * (longest - len(rest))] for rest in rests]
