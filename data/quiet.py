"""Keeps other libraries' chatter off the terminal, so that our own lines and errors are seen."""

import logging
import os
import warnings

_CHATTY = (
    "torchao",
    "torch.utils._pytree",
    "DeepSpeed",
    "accelerate",
    "transformers",
    "peft",
    "bitsandbytes",
)


def quieten() -> None:
    """Let only errors of other libraries through; call before they are imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # it tells of every try in two lines
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
        # DeepSpeed sets its level back when Accelerate imports it, and it logs to stdout.
        logging.getLogger(name).addFilter(_is_error)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.filterwarnings("ignore", category=UserWarning, module="torchao")
    # DeepSpeed's: torch renamed what it calls.
    warnings.filterwarnings("ignore", category=FutureWarning, message=".*all_gather_into_tensor")


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
