"""Judge a run's open replies, by themselves or side by side, and say which judges can be used."""

import sys
from dataclasses import replace
from datetime import UTC, datetime

from ..data.config import as_json
from ..data.manifest import is_done, require_whole, work_key
from ..data.progress import say
from ..evaluation.judge.settings import JudgeConfig
from .entry import recipe

_NOT_OF_THE_RESULT = (
    "accept_pii",
    "batch_tokens",
    "confirm_above_usd",
    "confirm_cost",
    "overwrite",
    "root",
    "spending",
    "threads",
)


@recipe(
    JudgeConfig,
    examples=(
        "lokal judge name=quickstart languages=[id] panel=[llama3_2_3b]",
        "lokal judge name=mine mode=rubric languages=[hi] panel=[models/judge]",
        "lokal judge name=mine languages=[tl] systems=[parent,child-tl,gpt-4] "
        "panel=['anthropic:claude-sonnet-5-5'] confirm_cost=5",
    ),
)
def judge(config: JudgeConfig) -> None:
    """Judge a run's open replies, by themselves or side by side."""
    settings = as_json(config)
    asked = {name: value for name, value in settings.items() if name not in _NOT_OF_THE_RESULT}
    key = work_key("judge", asked, config.inputs)
    if is_done(config.folder, key=key, overwrite=config.overwrite):
        say("judge", f"{config.folder} is finished: nothing to do")
    else:
        _judge(config, key=key)
    print((config.folder / "table.txt").read_text(encoding="utf-8"))


def _judge(config: JudgeConfig, *, key: str) -> None:
    from ..evaluation.judge.panel import build_panel
    from ..evaluation.judge.parts import read_parts
    from ..evaluation.judge.run import judge_parts, write_judged
    from ..evaluation.judge.sending import check_sending
    from ..evaluation.judge.vendors import conflict, refuse_own, vendors_of_system

    started_at = datetime.now(UTC)
    systems = dict.fromkeys(name for code in config.languages for name in config.systems_in(code))
    sides = {
        name: vendors_of_system(require_whole(config.generations(name)).config) for name in systems
    }
    judges = build_panel(config)
    if config.try_own_vendor:
        judges = [replace(one, unused=conflict(one, sides)) for one in judges]
    refuse_own([one for one in judges if not one.unused], sides)
    parts = read_parts(config)
    check_sending(config, judges, parts)
    judged = judge_parts(config, judges, parts, now=started_at)
    write_judged(config, judged, key=key, started_at=started_at)


if __name__ == "__main__":
    sys.exit(judge.main())
