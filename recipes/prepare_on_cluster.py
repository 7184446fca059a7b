"""``lokal prepare engine=slurm`` with the settings of a cluster: partition, account, setup once."""

import shlex
from collections.abc import Sequence

from ..cluster.settings import ClusterConfig, ClusterKind
from ..data.errors import UserError
from .words import has, word

_OPTIONS = ("account", "qos", "constraint")


def runs_arrays(recipe: str, words: Sequence[str]) -> bool:
    """Return whether the recipe submits job arrays by itself, from the machine that submits."""
    return recipe == "prepare" and "engine=slurm" in words


def array_words(words: Sequence[str], cluster: ClusterConfig) -> list[str]:
    """Return the words of ``prepare`` with the cluster's settings; what stands in words wins.

    Raises:
        UserError: the cluster is this machine, or names no partition.
    """
    if cluster.kind is not ClusterKind.slurm:
        raise UserError("engine=slurm needs cluster=slurm: leave engine=slurm out on one machine")
    partition = cluster.cpu_partition or cluster.partition
    if not partition and not has(words, "engine.partition"):
        raise UserError("cluster.partition is empty: name one of those that sinfo lists")
    lines = list(cluster.setup)
    lines += [f"export {name}={shlex.quote(text)}" for name, text in cluster.environment.items()]
    own = ["engine=slurm"]
    if partition:
        own.append(word("engine.partition", partition))
    if cluster.time_limit:
        own.append(word("engine.time_limit", cluster.time_limit))
    if lines:
        own.append(f"engine.setup=[{','.join(map(_quoted, lines))}]")
    options = {name: text for name in _OPTIONS if (text := getattr(cluster, name))}
    for name, text in (options | cluster.sbatch).items():
        own.append(word(f"+engine.sbatch.{name}", text))
    return [*own, *(given for given in words if given != "engine=slurm")]


def _quoted(line: str) -> str:
    escaped = line.replace("'", "\\'")
    return f"'{escaped}'"
