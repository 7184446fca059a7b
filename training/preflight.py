"""The mask preflight: shows what the first batch trains, and stops a run that trains nothing."""

from transformers import PreTrainedTokenizerBase

from ..data.chat import EncodedConversation
from ..data.errors import UserError
from ..data.progress import say


def check_first_batch(rows: list[EncodedConversation], tokenizer: PreTrainedTokenizerBase) -> None:
    """Print the first row with its trained part marked, and check every row of the batch.

    Raises:
        UserError: no token is trained, or a conversation trains no end-of-turn token (the model
        would never stop).
    """
    num_trained = sum(sum(row.trained) for row in rows)
    if num_trained == 0:
        raise UserError("the first batch trains no token: the data has no assistant turn")
    say("mask", f"first row, trained part in ⟦ ⟧: {_marked(rows[0], tokenizer)}")
    ends = set(tokenizer.all_special_ids)
    for row in rows:
        if all(row.trained[1:]):
            continue  # a piece of plain text, which need not hold the text's end
        if not any(token in ends for token, on in zip(row.ids, row.trained, strict=True) if on):
            raise UserError(
                "a row of the first batch trains no end-of-turn token: the model would never stop; "
                f"check the chat template: {_marked(row, tokenizer)}"
            )


def _marked(row: EncodedConversation, tokenizer: PreTrainedTokenizerBase) -> str:
    pieces: list[str] = []
    start = 0
    for end in range(1, len(row.ids) + 1):
        if end == len(row.ids) or row.trained[end] != row.trained[start]:
            text = str(tokenizer.decode(row.ids[start:end]))
            pieces.append(f"⟦{text}⟧" if row.trained[start] else text)
            start = end
    return "".join(pieces).replace("\n", "⏎")
