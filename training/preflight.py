"""The mask preflight: shows what the first batch trains, and stops a run that trains it wrongly."""

# B rows, T tokens, N trained positions

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

from ..data.batches import Batch
from ..data.chat import EncodedConversation
from ..data.errors import UserError
from ..data.progress import say
from .feed import Feed

Rows = Sequence[EncodedConversation]


class FirstBatch(NamedTuple):
    """What is looked at."""

    step: Rows
    """The rows of the whole first step, over all processes."""
    batch_rows: Rows
    """Those of the first process's first batch."""
    batch: Batch
    """Their tensors."""


def first_batch_of(feed: Feed, *, num_ranks: int) -> FirstBatch:
    """Return the beginning of a run, as the loop will see it."""
    packs = feed.plan.micro_batches(0, rank=0, num_ranks=num_ranks, micro_rows=feed.micro_rows)[0]
    return FirstBatch(
        step=[feed.rows.row(row) for pack in feed.plan.step_packs(0) for row in pack],
        batch_rows=[feed.rows.row(row) for pack in packs for row in pack],
        batch=feed.micro_batches(0, rank=0, num_ranks=num_ranks)[0][0],
    )


def check_positions(longest: int, *, max_positions: int | None) -> None:
    """Refuse documents that the model's positions do not reach.

    Args:
        longest: tokens of the longest document; packed rows may be longer, since positions begin
            anew with each document.

    Raises:
        UserError: says both lengths and the cure.
    """
    if max_positions is not None and longest > max_positions:
        raise UserError(
            f"the longest document has {longest} tokens, the model has positions for "
            f"{max_positions}: set tokens.max_tokens={max_positions} or less; documents are not "
            "split over processes (docs/methods.md)"
        )


def check_first_batch(
    first: FirstBatch, tokenizer: PreTrainedTokenizerBase, *, pairs: bool
) -> None:
    """Print shapes, counts and a row with its trained parts marked; check every row of the step.

    Args:
        first: the beginning of the run.
        tokenizer: turns ids back into text.
        pairs: whether the rows are pairs, chosen and rejected in turn.

    Raises:
        UserError: a row trains nothing, a reply's end-of-turn token is not trained (the model would
            never stop), or the tensors do not train what the rows say.
    """
    step, batch_rows, batch = first
    ends = set(tokenizer.all_special_ids)
    for row in step:
        _check_row(row, ends, tokenizer)
    _check_tensors(batch_rows, batch)
    num_rows, longest = batch.ids_BT.shape
    what = f"{len(step) // 2} pairs" if pairs else f"{len(step)} documents"
    say(
        "mask",
        f"a step: {what}, {sum(len(row.ids) for row in step)} tokens, "
        f"{sum(sum(row.trained) for row in step)} trained; the first batch: "
        f"{num_rows} rows x {longest} tokens behind {len(batch.prefix_P)} shared, "
        f"{len(batch.targets_N)} trained",
    )
    if pairs:
        say("mask", f"first pair, trained part in ⟦ ⟧, chosen: {_marked(step[0], tokenizer)}")
        say("mask", f"rejected: {_marked(step[1], tokenizer)}")
        return
    shown = max(step, key=lambda row: len(_trained_spans(row)))  # of equal ones the first
    say("mask", f"a row, trained part in ⟦ ⟧: {_marked(shown, tokenizer)}")


def _check_row(
    row: EncodedConversation, ends: set[int], tokenizer: PreTrainedTokenizerBase
) -> None:
    spans = _trained_spans(row)
    if not spans:
        raise UserError(
            "a row of the first batch trains no token, the data has no assistant turn in it: "
            f"{_marked(row, tokenizer)}"
        )
    if all(row.trained[1:]):
        return  # a piece of plain text, which need not hold the text's end
    if any(row.ids[end - 1] not in ends for _, end in spans):
        raise UserError(
            "a reply of the first batch trains no end-of-turn token: the model would never stop; "
            f"check the chat template: {_marked(row, tokenizer)}"
        )


def _check_tensors(rows: Rows, batch: Batch) -> None:
    """Compare the batch's targets with the rows: what is padding must not decide what is trained.

    Where the padding token is also the end of a turn, a mask made from the ids would leave both
    out.
    """
    wanted = Counter(
        token for row in rows for token, on in zip(row.ids, row.trained, strict=True) if on
    )
    targets = Counter(batch.targets_N.tolist())
    if targets != wanted:
        token, number = next(iter(((wanted - targets) or (targets - wanted)).items()))
        raise UserError(
            f"the first batch trains {targets.total()} tokens, its rows mark {wanted.total()} "
            f"(token {token} differs by {number}): this is a fault of lokal, please report it"
        )


def _trained_spans(row: EncodedConversation) -> list[tuple[int, int]]:
    """Return begin and end of each run of trained tokens."""
    flags = [False, *row.trained, False]
    edges = [place for place in range(len(flags) - 1) if flags[place] != flags[place + 1]]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _marked(row: EncodedConversation, tokenizer: PreTrainedTokenizerBase) -> str:
    pieces: list[str] = []
    start = 0
    for begin, end in _trained_spans(row):
        pieces += [
            str(tokenizer.decode(row.ids[start:begin])),
            f"⟦{tokenizer.decode(row.ids[begin:end])}⟧",
        ]
        start = end
    pieces.append(str(tokenizer.decode(row.ids[start:])))
    return "".join(pieces).replace("\n", "⏎")
