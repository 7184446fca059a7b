"""A run with open replies written by hand, judged by the real recipe over a loopback server."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml
from lokal.recipes.judge import judge

from ...vendors.said import Prompt, Said
from ...vendors.server import VendorServer
from ..comparison.made_run import MadeRun
from .fake_judge import GOOD, Rule, read_prompt
from .replies import PROMPTS

SENTENCES = {
    "id": "Menurut saya sebaiknya Anda membeli kipas angin nomor {} untuk kamar yang kecil itu.",
    "hi": "मेरी राय में आपको छोटे कमरे के लिए {} नंबर का पंखा ही ख़रीदना चाहिए, वही ठीक रहेगा।",
    "tl": "Sa palagay ko po ay mas mabuting bilhin ninyo ang bentilador na bilang {} sa kuwarto.",
}
VENDOR = {
    "vendor": "openai_compatible",
    "model": "???",
    "base_url": "???",
    "api_key_env": "",
    "licence": "CC0",
    "source": "here",
    "timeout_seconds": 20,
    "parallel": 4,
    "requests_per_minute": 100_000,
    "tokens_per_minute": 1_000_000_000,
}


def judge_server(rule: Rule) -> VendorServer:
    """Return a server whose model judges by a rule; use it with ``with``."""

    def answer(prompt: Prompt) -> Said:
        messages = [{"role": role, "content": content} for role, content in prompt.messages]
        return Said(rule(read_prompt(messages)))  # pyright: ignore[reportArgumentType]

    return VendorServer(answer=answer, models=["judge-1"])


class JudgedRun(MadeRun):
    """Suite ``o`` of open questions, and a judge that is asked over the network."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        place = folder / "configs/baseline"
        place.mkdir(parents=True)
        (place / "compatible.yaml").write_text(yaml.safe_dump(VENDOR), encoding="utf-8")

    def open_suite(self, languages: Sequence[str], *, num_items: int, name: str = "o") -> None:
        """Write a suite of open questions, with a rubric each."""
        rows = {
            language: [
                {
                    "id": f"{name}/{language}-{n}",
                    "prompt": f"{PROMPTS[language]} ({n})",
                    "use": "shopping" if n % 2 else "chat",
                    "rubric": ["Names one fan", "Says why"],
                }
                for n in range(num_items)
            ]
            for language in languages
        }
        self.suite(name, rows, format="open", category="use", use="chat", max_new_tokens=64)

    def say(
        self,
        system: str,
        language: str,
        num_items: int,
        quality: Callable[[int], int],
        *,
        suite: str = "o",
        **facts: str,
    ) -> None:
        """Write replies in the right language, each with as many marks of quality as is told."""
        said = {
            f"{suite}/{language}-{n}": " ".join(
                [SENTENCES[language].format(n), *[GOOD] * quality(n)]
            )
            for n in range(num_items)
        }
        self.replies(system, suite, language, said, facts=facts)

    def judge(self, *words: str, server: VendorServer | None = None) -> int:
        """Run ``lokal judge``; return its exit code."""
        panel = (
            [f"panel=['compatible:judge-1@{server.url('openai_compatible')}']"] if server else []
        )
        return judge.main(
            [
                "--config-dir",
                str(self.folder / "configs"),
                f"root={self.root}",
                f"items_root={self.items}",
                "name=x",
                "suite=o",
                "resamples=200",
                "threads=1",
                *panel,
                *words,
            ]
        )

    def summary(self, mode: str = "pairwise", suite: str = "o") -> dict:
        """Return ``summary.json``."""
        path = self.root / f"x/judge/{mode}-{suite}/summary.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def rows(self, judge_name: str, mode: str = "pairwise", suite: str = "o") -> list[Mapping]:
        """Return one judge's rows."""
        path = self.root / f"x/judge/{mode}-{suite}/{judge_name}.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
