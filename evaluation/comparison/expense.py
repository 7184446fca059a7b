"""What a reply takes on each side: seconds, and dollars for a million tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...data.manifest import Json, Manifest
from ..cost import Cost, ServingCost, TokenCounts, VendorPrice, own_cost, throughput, vendor_cost


@dataclass(frozen=True, slots=True)
class Expenses:
    """What is known of prices and of the systems' own counts."""

    serving: ServingCost
    prices: Mapping[str, VendorPrice]
    manifests: Mapping[str, Manifest | None]
    """By system: ``child`` and the others."""

    def of(self, system: str, parts: Sequence[str]) -> dict[str, Json]:
        """Return seconds of a reply and the price of a million tokens, null where not known.

        A vendor's two prices are weighed by its own mix of prompt and reply, as it counted it; for
        a recording by the child's.
        """
        manifest = self.manifests[system]
        seconds = _seconds(manifest, parts)
        kind = manifest.config.get("kind") if manifest is not None else None
        if manifest is not None and kind in ("recorded", "vendor"):
            mix = manifest if kind == "vendor" else self.manifests["child"]
            cost = vendor_cost(self._price(manifest), _tokens(mix, parts))
        else:
            speed = None
            if seconds and (tokens := _tokens(manifest, parts)):
                speed = throughput(tokens, seconds=seconds)
            cost = own_cost(self.serving, measured_tokens_per_second=speed)
        return self._json(manifest, parts, cost=cost, seconds=seconds)

    def _price(self, manifest: Manifest) -> VendorPrice | None:
        asked = manifest.config.get("recording") or manifest.config.get("vendor")
        return self.prices.get(str(asked.get("model"))) if isinstance(asked, dict) else None

    def _json(
        self, manifest: Manifest | None, parts: Sequence[str], *, cost: Cost, seconds: float | None
    ) -> dict[str, Json]:
        replies = _sum(manifest, parts, "items")
        return {
            "seconds": seconds / replies if seconds and replies else None,
            "usd_per_million": cost.usd_per_million,
            "basis": cost.basis,
        }


def _seconds(manifest: Manifest | None, parts: Sequence[str]) -> float | None:
    """Return the seconds that all replies took, in batches as they were asked.

    None for a recording, which was only read, and where a run was gone on with: its clock did not
    see all replies.
    """
    if manifest is None or manifest.config.get("kind") == "recorded":
        return None
    if _sum(manifest, parts, "resumed_items"):
        return None
    return _sum(manifest, parts, "seconds") or None


def _tokens(manifest: Manifest | None, parts: Sequence[str]) -> TokenCounts:
    return TokenCounts(
        prompt=int(_sum(manifest, parts, "prompt_tokens")),
        reply=int(_sum(manifest, parts, "reply_tokens")),
    )


def _sum(manifest: Manifest | None, parts: Sequence[str], name: str) -> float:
    counts = [manifest.counts.get(part) for part in parts] if manifest else []
    values = [count.get(name) for count in counts if isinstance(count, dict)]
    return sum(float(value) for value in values if isinstance(value, int | float))
