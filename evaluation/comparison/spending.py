"""What was spent on a region's child and on asking others, and for each point that it gained."""

from collections.abc import Iterator, Mapping, Sequence

from ...data.cost_ledger import CostEntry, CostKind, read_costs
from ...data.manifest import Json
from ..cost import UNKNOWN
from ..ledgers import api_folders, training_folder
from ..settings import CompareConfig
from .difference import BETTER

NO_GAIN = "no gain shown"
NOT_NAMED = "training not named"
_COUNTED = ("questions", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens")


def describe_region_spending(
    config: CompareConfig, region: str, headline: Mapping[str, Json]
) -> dict[str, Json]:
    """Return a region's training, its API spend, and the dollars for each headline point.

    Raises:
        UserError: a ledger has a broken line.
    """
    training = _training(config, region)
    api = [row for row in _api_rows(config) if row["language"] == region]
    return {
        "training": training,
        "api": list[Json](api),
        "per_point": _per_point(training, headline),
    }


def describe_shared_spending(config: CompareConfig) -> list[Json]:
    """Return the API spend on the anchor and on no region in particular."""
    return [row for row in _api_rows(config) if row["language"] not in config.regions]


def _training(config: CompareConfig, region: str) -> dict[str, Json] | None:
    """Return the hours of all starts of the child's run; None where no ledger is known."""
    if region not in config.models:
        return None
    entries = [
        entry for entry in read_costs(training_folder(config, region)) if entry.kind is CostKind.gpu
    ]
    if not entries:
        return None
    return {
        "starts": len(entries),
        "gpu_hours": _sum([entry.gpu_hours for entry in entries]),
        "num_gpus": max(entry.num_gpus for entry in entries),
        "wall_hours": _sum([entry.wall_hours for entry in entries]),
        "usd": _sum([entry.usd for entry in entries]),
        "note": next((entry.note for entry in entries if entry.note), ""),
        "price_as_of": next((entry.price_as_of for entry in entries if entry.price_as_of), ""),
    }


def _api_entries(config: CompareConfig) -> Iterator[CostEntry]:
    """Yield every API entry once, though a ledger may have been copied with its replies."""
    seen: set[str] = set()
    for folder in api_folders(config):
        for entry in read_costs(folder):
            if entry.kind is CostKind.api and entry.id not in seen:
                seen |= {entry.id} - {""}
                yield entry


def _api_rows(config: CompareConfig) -> list[dict[str, Json]]:
    """Return one row for each recipe, vendor, model and language."""
    groups: dict[tuple[str, str, str, str], list[CostEntry]] = {}
    for entry in _api_entries(config):
        name = (entry.what, entry.vendor, entry.model, entry.language)
        groups.setdefault(name, []).append(entry)
    return [
        {
            "what": what,
            "vendor": vendor,
            "model": model,
            "language": language,
            **{name: sum(getattr(entry, name) for entry in entries) for name in _COUNTED},
            "usd": _sum([entry.usd for entry in entries]),
            "price_as_of": max(entry.price_as_of for entry in entries),
        }
        for (what, vendor, model, language), entries in sorted(groups.items())
    ]


def _sum(values: Sequence[float | None]) -> float | None:
    """Return the sum; None where one of them is not known."""
    known = [value for value in values if value is not None]
    return round(sum(known), 6) if len(known) == len(values) else None


def _per_point(
    training: Mapping[str, Json] | None, headline: Mapping[str, Json]
) -> dict[str, Json]:
    """Return the training's dollars for each point of the headline over the parent."""
    made = _gain(headline)
    points = None if made is None else 100 * float(str(made["difference"]))
    if made is None or made["word"] != BETTER or points is None or points <= 0:
        return {"usd": None, "points": None, "words": NO_GAIN}
    if training is None:
        return {"usd": None, "points": points, "words": NOT_NAMED}
    usd = training["usd"]
    if usd is None:
        return {"usd": None, "points": points, "words": UNKNOWN}
    return {"usd": float(str(usd)) / points, "points": points, "words": ""}


def _gain(headline: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """Return child against parent over all benchmarks: written answers, else likelihoods."""
    for protocol in ("generate", "loglikelihood"):
        origins = headline.get(protocol)
        pairs = origins.get("all") if isinstance(origins, dict) else None
        made = pairs.get("child-parent") if isinstance(pairs, dict) else None
        if isinstance(made, dict):
            return made
    return None
