"""``adapter_config.json`` with its lists in order: PEFT writes them from sets, in any order."""

import json
from pathlib import Path

from ..data.manifest import write_json


def order_adapter_config(folder: Path) -> None:
    """Sort the lists of names in an adapter folder, so that equal runs give equal bytes."""
    path = folder / "adapter_config.json"
    if not path.is_file():
        return
    content = json.loads(path.read_text(encoding="utf-8"))
    write_json(
        path,
        {
            key: sorted(value) if isinstance(value, list) else value
            for key, value in sorted(content.items())
        },
    )
