"""Keeps other libraries' chatter off the terminal, so that our own lines and errors are seen."""

import logging
import os
import warnings

_CHATTY = ("torchao", "torch.utils._pytree", "DeepSpeed", "accelerate", "transformers", "peft")


def quieten() -> None:
    """Let only errors of other libraries through; call before they are imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("DS_LOG_LEVEL", "error")
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.filterwarnings("ignore", category=UserWarning, module="torchao")
