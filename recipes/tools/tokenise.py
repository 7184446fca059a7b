"""Encode a run's corpus into token rows, before any GPU is asked for; takes finetune's settings."""

import sys
from collections.abc import Sequence

from ...data.base_model import resolve_checkpoint
from ...data.errors import ExitCode, UserError
from ...data.progress import say
from ...data.quiet import quieten
from ...training.finetune_config import FinetuneConfig
from ...training.settings import Stack
from ..finetune import finetune


def main(argv: Sequence[str] | None = None) -> int:
    """Make the token folder that ``lokal finetune`` with the same settings finds finished."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--help"], ["-h"]):
        print(f"usage: lokal tokenise key=value ...\n\n{__doc__}")
        return ExitCode.DONE
    quieten()
    try:
        _tokenise(finetune.compose(words))
    except UserError as error:
        print(f"lokal tokenise: {' '.join(str(error).split())}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    return ExitCode.DONE


def _tokenise(config: FinetuneConfig) -> None:
    from transformers import AutoTokenizer

    from ...data.original_tokenizer import tokenizer_folder
    from ...training.token_folder import make_token_folder

    checkpoint = resolve_checkpoint(config.model, reads_original=config.stack is Stack.torchtune)
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder(checkpoint))
    make_token_folder(config, checkpoint, tokenizer)
    say("tokens", f"{config.tokens_folder} is finished")


if __name__ == "__main__":
    sys.exit(main())
