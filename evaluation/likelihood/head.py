"""Log-probabilities of chosen tokens, without keeping the logits of a large vocabulary."""

# S states, H hidden size, M pairs of a state and a token, V vocabulary

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .product import product

_HEAD_ROWS = 256  # 256 x 128k vocabulary in fp32 is 131 MB


class TokenScores(NamedTuple):
    """On the CPU."""

    logprobs_M: Tensor
    best_S: Tensor
    """The likeliest token behind each state."""


def token_scores(
    head: nn.Linear, hidden_SH: Tensor, *, rows_M: Tensor, tokens_M: Tensor
) -> TokenScores:
    """Return the log-probability of each token behind its state, and the likeliest tokens.

    Args:
        head: from states to logits, without bias.
        rows_M: the state of each pair.
        tokens_M: the token of each pair.
    """
    logprobs_M = torch.empty(len(rows_M))
    best: list[Tensor] = []
    for start in range(0, len(hidden_SH), _HEAD_ROWS):
        logits_SV = product(hidden_SH[start : start + _HEAD_ROWS], head.weight).float()
        total_S = logits_SV.logsumexp(dim=-1)
        best.append(logits_SV.argmax(dim=-1).cpu())
        pairs = ((rows_M >= start) & (rows_M < start + len(logits_SV))).nonzero().squeeze(1)
        rows = (rows_M[pairs] - start).to(logits_SV.device)
        tokens = tokens_M[pairs].to(logits_SV.device)
        logprobs_M[pairs] = (logits_SV[rows, tokens] - total_S[rows]).cpu()
    return TokenScores(logprobs_M, torch.cat(best))
