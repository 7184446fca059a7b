"""What people's votes add to the comparison: who was preferred, and whether reviewers agree."""

from ...data.manifest import Json
from ..review.agreement import agreement
from ..review.seen import votes_folder
from ..review.tally import preferences
from ..review.votes import read_votes
from ..settings import CompareConfig


def describe_votes(config: CompareConfig) -> dict[str, Json]:
    """Return preferences and agreement by region; nothing where nobody has voted."""
    votes = read_votes(votes_folder(config.root, config.name))
    if not any(vote.counts for vote in votes):
        return {}
    agreed = agreement(votes, seed=config.statistics.seed)
    found: dict[str, Json] = {}
    for region in sorted(agreed):
        alpha = agreed[region].alpha
        rows: list[Json] = [
            {
                "system": one.system,
                "other": one.other,
                "wins": one.wins,
                "ties": one.ties,
                "losses": one.losses,
                "share": None if one.share is None else one.share.estimate,
                "interval": None if one.share is None else [one.share.low, one.share.high],
                "usable": one.is_usable,
            }
            for one in preferences(votes, confidence=config.statistics.confidence)
            if one.region == region
        ]
        found[region] = {
            "alpha": alpha.value,
            "alpha_interval": None if alpha.low is None else [alpha.low, alpha.high],
            "double_voted": alpha.num_units,
            "reviewers": len(agreed[region].reviewers),
            "preferences": rows,
        }
    return found
