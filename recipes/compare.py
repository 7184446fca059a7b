"""Compare parent, child and other systems item by item, and write report and verdict."""

import json
import sys
from datetime import UTC, datetime

from ..data.config import as_json
from ..data.errors import ExitCode
from ..data.manifest import is_done, work_key
from ..data.progress import say
from ..evaluation.gates.result import Verdict, exit_code
from ..evaluation.ledgers import ledgers_seen
from ..evaluation.review.seen import votes_seen
from ..evaluation.scorings import times_scored
from ..evaluation.settings import CompareConfig
from .entry import recipe


@recipe(
    CompareConfig,
    examples=(
        "lokal compare name=quickstart",
        "lokal compare name=mine suite=quick items_root=items regions=[hi] baselines=[]",
        "lokal compare name=mine regions=[hi] gates=regression exit_by_verdict=false",
    ),
)
def compare(config: CompareConfig) -> ExitCode:
    """Compare parent, child and other systems item by item; end with the verdict's exit code."""
    changing = {
        "test_scored": times_scored(config),
        "ledgers": ledgers_seen(config),
        "votes": votes_seen(config.root, config.name),
    }
    settings = as_json(config) | changing
    key = work_key("compare", settings, config.inputs)
    if is_done(config.folder, key=key, overwrite=config.overwrite):
        say("compare", f"{config.folder} is finished: nothing to do")
    else:
        from ..evaluation.report.write import write_report

        say("compare", f"reads {len(config.inputs)} finished folders, writes {config.folder}")
        write_report(config, key=key, now=datetime.now(UTC))
    print((config.folder / "table.txt").read_text(encoding="utf-8"))
    verdict = json.loads((config.folder / "verdict.json").read_text(encoding="utf-8"))
    for region in verdict["regions"].values():
        print(f"{region['name']}: {region['verdict']}. {region['sentence']}")
    print(f"Open {config.folder / 'index.html'}")
    return exit_code(Verdict(verdict["overall"])) if config.exit_by_verdict else ExitCode.DONE


if __name__ == "__main__":
    sys.exit(compare.main())
