"""Write a finished model as others open it, merged or as an adapter, and compare it."""

import sys

from ..data.manifest import is_done
from ..data.progress import say
from ..training.export_config import ExportConfig
from .entry import recipe


@recipe(
    ExportConfig,
    examples=(
        "lokal export name=first",
        "lokal export name=first dtype=bf16 num_prompts=50",
        "lokal export name=x checkpoint=runs/x/id/model to=adapter",
    ),
)
def export(config: ExportConfig) -> None:
    """Write a finished model as others open it, and compare it with what was trained."""
    key = config.work_key()
    if is_done(config.folder, key=key, overwrite=config.overwrite):
        say("export", f"{config.folder} is finished: nothing to do")
    else:
        from ..training.export import export as write_export

        write_export(config, key=key)
    print(config.folder)


if __name__ == "__main__":
    sys.exit(export.main())
