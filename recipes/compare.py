"""Compare parent, child and recorded systems item by item, and write the report."""

import sys
from datetime import UTC, datetime

from ..data.config import as_json
from ..data.manifest import is_done, work_key
from ..data.progress import say
from ..evaluation.scorings import times_scored
from ..evaluation.settings import CompareConfig
from .entry import recipe


@recipe(
    CompareConfig,
    examples=(
        "lokal compare name=quickstart",
        "lokal compare name=quickstart regions=[id] statistics.confidence=0.99",
        "lokal compare name=mine regions=[hi] baselines=[gpt-4]",
    ),
)
def compare(config: CompareConfig) -> None:
    """Compare parent, child and recorded systems item by item."""
    settings = as_json(config) | {"test_scored": times_scored(config)}
    key = work_key("compare", settings, config.inputs)
    if is_done(config.folder, key=key, overwrite=config.overwrite):
        say("compare", f"{config.folder} is finished: nothing to do")
    else:
        from ..evaluation.report.write import write_report

        say("compare", f"reads {len(config.inputs)} finished folders, writes {config.folder}")
        write_report(config, key=key, now=datetime.now(UTC))
    print((config.folder / "table.txt").read_text(encoding="utf-8"))
    print(f"Open {config.folder / 'index.html'}")


if __name__ == "__main__":
    sys.exit(compare.main())
