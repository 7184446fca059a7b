"""One place for partition, account and setup: ``prepare engine=slurm`` takes the cluster's."""

from pathlib import Path

import pytest
from lokal.cluster.settings import ClusterConfig, ClusterKind
from lokal.data.errors import UserError
from lokal.recipes.prepare import prepare
from lokal.recipes.prepare_on_cluster import array_words
from lokal.recipes.submit import submit

from ..local_slurm import needs_slurm, partition

_CLUSTER = {
    "kind": ClusterKind.slurm,
    "partition": "gpu",
    "cpu_partition": "cpu",
    "account": "nlp",
    "qos": "low",
    "time_limit": "02:00:00",
    "setup": ["module load python/3.11", "echo 'it''s set up'"],
    "environment": {"HF_HOME": "/shared/my hub"},
    "sbatch": {"nice": "100"},
}


def test_the_engine_has_the_clusters_settings_and_own_words_win() -> None:
    words = array_words(
        ["region=id", "engine=slurm", "engine.time_limit=00:30:00"], ClusterConfig(**_CLUSTER)
    )
    engine = prepare.compose(words).engine
    assert (engine.partition, engine.time_limit) == ("cpu", "00:30:00")
    assert engine.sbatch == {"account": "nlp", "qos": "low", "nice": "100"}
    assert engine.setup == [*_CLUSTER["setup"], "export HF_HOME='/shared/my hub'"]


def test_it_is_refused_without_a_partition_and_on_this_machine() -> None:
    with pytest.raises(UserError, match=r"cluster\.partition is empty: name one of those"):
        array_words(["engine=slurm"], ClusterConfig(kind=ClusterKind.slurm))
    with pytest.raises(UserError, match="engine=slurm needs cluster=slurm"):
        array_words(["engine=slurm"], ClusterConfig(kind=ClusterKind.local))


def test_a_dry_run_prints_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["recipe=prepare", "region=id", "engine=slurm", "cluster.partition=cpu"]
    assert submit.main([*words, "--dry-run"]) == 0
    assert capsys.readouterr().out == "lokal prepare engine=slurm engine.partition=cpu region=id\n"


@pytest.mark.proof
@needs_slurm
def test_submit_prepares_a_corpus_by_arrays_of_the_cluster(tmp_path: Path) -> None:
    own = ["region=tl", f"root={tmp_path}", "engine.memory_gb=1", "dedup.num_bands=2"]
    limits = ["dedup.min_linked=0.8", f"cluster.partition={partition()}", "engine=slurm"]
    assert submit.main(["recipe=prepare", *own, *limits]) == 0
    assert (tmp_path / "prepare" / "corpus" / "tl" / "manifest.json").is_file()
