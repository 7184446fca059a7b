"""What is looked at while a run trains: held-out rows and samples, at their intervals."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from torch import nn
from transformers import PreTrainedTokenizerBase

from ..data.progress import say
from .heldout import Heldout
from .ledger import HeldoutRecord, Ledger, SampleRecord
from .samples import Prompt, continue_greedily
from .settings import WatchConfig
from .stack import TrainableModel
from .strategy import Strategy


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Looks before the first step, at the intervals, and after the last; every process calls it.

    Args:
        region: the language whose bits per byte is the score of a checkpoint.
    """

    config: WatchConfig
    model: TrainableModel
    strategy: Strategy
    tokenizer: PreTrainedTokenizerBase
    heldout: Heldout
    prompts: Sequence[Prompt]
    region: str
    total_steps: int
    ledger: Ledger

    def look(self, step: int) -> float | None:
        """Report what is due after so many steps; return the score (lower is better), if any."""
        with _evaluating(self.model.module):
            if self._is_due(step, self.config.samples_every_steps) and step > 0:
                self._write_samples(step)
            if self.heldout.languages and self._is_due(step, self.config.heldout_every_steps):
                return self._measure(step)
        return None

    def _measure(self, step: int) -> float:
        figures = self.heldout.measure(self.strategy)
        bits = figures.bits_per_byte
        self.ledger.record_heldout(
            HeldoutRecord(
                step=step,
                bits_per_byte=bits,
                loss=figures.loss,
                time=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )
        if self.strategy.rank == 0:
            shown = ", ".join(f"{code} {value:.4f}" for code, value in bits.items())
            say("heldout", f"step {step}: {shown} bits a byte")
        return bits.get(self.region, sum(bits.values()) / len(bits))

    def _write_samples(self, step: int) -> None:
        end = self.tokenizer.eos_token_id
        for prompt in self.prompts:
            ids = continue_greedily(
                self.strategy,
                prompt,
                num_tokens=self.config.sample_tokens,
                end=end if isinstance(end, int) else -1,
            )
            self.ledger.record_sample(
                SampleRecord(
                    step=step,
                    language=prompt.language,
                    prompt=self._text(prompt.ids),
                    text=self._text(ids),
                )
            )

    def _text(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _is_due(self, step: int, every: int) -> bool:
        return step in (0, self.total_steps) or (every > 0 and step % every == 0)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Turn dropout off in the body; no random number is drawn."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)
