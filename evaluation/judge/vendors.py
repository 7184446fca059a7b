"""Whose a model is, so that no judge has a side to favour.

Judges prefer their own vendor's replies: in arena-hard-auto's tables one model scores 79 under a
judge of its vendor and 49 under another; PARIKSHA (arXiv 2406.15053) found the same for GPT. A
vendor is told by names of models and licences, and a checkpoint's family by its tokenizer: what was
trained from a parent keeps the parent's, whatever it is called.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...data.errors import UserError
from ...data.manifest import Json, sha256_of_file
from ..system import ADAPTER_CONFIG
from .asking import Judge

_NAMES = {
    "openai": r"\bgpt|\bchatgpt|\bo[1345](?:-|\b)|davinci|openai",
    "anthropic": r"claude|anthropic",
    "google": r"gemini|gemma|\bpalm|google",
    "meta": r"llama(?![.]cpp)|\bmeta\b",
    "mistral": r"mistral|mixtral|ministral|magistral",
    "alibaba": r"qwen|\bqwq",
    "deepseek": r"deepseek",
    "cohere": r"command-?_?r|commandr|\baya|cohere",
    "huggingface": r"smollm|zephyr",
    "microsoft": r"\bphi-?[0-9]",
    "sahabat/aisg": r"sea-?lion",
    "sarvam": r"sarvam",
}
"""Patterns in lower case. gpt-oss is OpenAI's, gemma Google's: open weights are no other vendor."""


def vendors_named(names: Iterable[str]) -> frozenset[str]:
    """Return the vendors that names of models, labels or licences point to."""
    text = " ".join(names).lower().replace("_", "-")
    return frozenset(vendor for vendor, pattern in _NAMES.items() if re.search(pattern, text))


def checkpoint_family(folder: Path) -> frozenset[str]:
    """Return the tokenizer's mark, and for an adapter that of the checkpoint it stands on."""
    path = folder / "tokenizer.json"
    return frozenset({f"tokenizer {sha256_of_file(path)[:12]}"}) if path.is_file() else frozenset()


def vendors_of_system(facts: Mapping[str, Json]) -> frozenset[str]:
    """Return whose a system of a run is, by the facts in its manifest."""
    names = [str(facts.get(key) or "") for key in ("label", "licence", "model")]
    for key in ("recording", "server", "vendor"):
        inner = facts.get(key)
        if isinstance(inner, dict):
            names += [str(inner.get(name) or "") for name in ("label", "model", "vendor")]
        elif isinstance(inner, str):
            names.append(inner)
    folders = [Path(str(facts[key])) for key in ("folder", "base") if facts.get(key)]
    names += [folder.name for folder in folders if not (folder / ADAPTER_CONFIG).is_file()]
    families = [checkpoint_family(folder) for folder in folders if folder.is_dir()]
    return vendors_named(names).union(*families)


def conflict(judge: Judge, sides: Mapping[str, frozenset[str]]) -> str:
    """Return why the judge may not judge these systems, in one line; empty where it may."""
    for system, vendors in sides.items():
        if shared := sorted(judge.vendors & vendors, key=lambda name: " " not in name):
            whose = (
                "shares its tokenizer, so its family of weights, with"
                if shared[0].startswith("tokenizer")
                else f"is {shared[0]}'s, as is"
            )
            return f"judge {judge.name} {whose} {system}: a judge prefers its own"
    return ""


def refuse_own(judges: Sequence[Judge], sides: Mapping[str, frozenset[str]]) -> None:
    """Refuse a judge of the vendor, or of the weights, of either side.

    Raises:
        UserError: which one, and what to do.
    """
    for judge in judges:
        if why := conflict(judge, sides):
            raise UserError(
                f"{why}; take another judge, leave {why.split(': ')[0].rsplit(' ', 1)[1]} out of "
                "systems=..., or try_own_vendor=true to see its rates without using its verdicts"
            )
