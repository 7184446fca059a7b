"""Prepare a corpus: clean, deduplicated, decontaminated rows for one region."""

import sys

from ..data.funnel import dropped_pairs, unread
from ..data.plan import plan_corpus
from ..data.progress import say
from ..data.settings import PrepareConfig
from .entry import recipe


@recipe(
    PrepareConfig,
    examples=(
        "lokal prepare region=tl name=first",
        "lokal prepare region=hi corpus=fineweb2 engine.workers=8 name=hindi",
        "lokal prepare region=id corpus=local corpus.sources.mine.path='id/*.jsonl.gz' "
        "corpus.sources.mine.licence=CC-BY-4.0 name=mine",
    ),
)
def prepare(config: PrepareConfig) -> None:
    """Prepare a corpus: clean, deduplicated, decontaminated rows for one region."""
    plan = plan_corpus(config)
    if plan.is_done():
        say("prepare", f"{plan.folder} is finished: nothing to do")
        return
    from ..data.prepare import make_corpus

    size_mb, num_parts = plan.size_bytes / 1e6, len(plan.parts)
    parts = "1 part" if num_parts == 1 else f"{num_parts} parts"
    say("prepare", f"reads corpus {plan.corpus.name} ({parts}, {size_mb:.2f} MB)")
    made = make_corpus(plan)
    for line in unread(made.counts):
        say("prepare", line)
    if lost := dropped_pairs(made.counts):
        say("prepare", lost)
    say(
        "prepare",
        f"wrote {plan.folder}: {made.counts['train_rows']} training rows, "
        f"{made.counts['heldout_rows']} held out, of {made.counts['rows_read']} read; "
        "report.html shows why",
    )
    worked = sum(seconds for _, seconds in made.times)
    step, seconds = made.times[0]
    rate = made.num_chars / 1e6 / worked
    say(
        "prepare",
        f"steps worked {worked:.1f} s ({rate:.2f} million characters a second and core); "
        f"slowest: {step}, {seconds / worked:.0%}",
    )


if __name__ == "__main__":
    sys.exit(prepare.main())
