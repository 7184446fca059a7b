"""The config of ``finetune``, its folders, and the key that says which work it is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ..data.artifacts import refuse_artifact_corpora
from ..data.base_model import ModelConfig
from ..data.checkpoint_folder import checkpoint_identity
from ..data.config import as_json, check_run_name
from ..data.errors import UserError
from ..data.hardware import num_gpus
from ..data.manifest import Json
from ..data.mix import MixConfig
from ..data.region import Region
from ..data.stage_kind import StageKind
from .run_record import Work
from .settings import (
    LaunchConfig,
    Layout,
    MethodConfig,
    MethodKind,
    Stack,
    StrategyConfig,
    StrategyKind,
    TokensConfig,
    TrackerConfig,
    TrainingConfig,
    WatchConfig,
)
from .stage_config import StageConfig

_NO_EFFECT_ON_THE_RESULT = (
    "name",
    "root",
    "overwrite",
    "accept_changes",
    "corpus_folder",
    "model",
    "launch",
    "watch",
    "tracker",
)


@dataclass(kw_only=True, slots=True)
class FinetuneConfig:
    """Everything ``lokal finetune`` can be told."""

    name: str
    root: str = "runs"
    overwrite: bool = False
    accept_changes: list[str] = field(default_factory=list)
    """What may differ from the settings that an unfinished run began with, by name."""
    seed: int = 0
    region: Region
    model: ModelConfig
    method: MethodConfig
    strategy: StrategyConfig
    stage: StageConfig = field(default_factory=StageConfig)
    """cpt, sft or dpo."""
    stack: Stack = Stack.hf
    corpus_folder: str
    """Finished corpus folder."""
    sources: dict[str, float]
    """Share of each source's rows to train on, 0 to 1."""
    mix: MixConfig = field(default_factory=MixConfig)
    """Tokens by language and source, with replay."""
    tokens: TokensConfig = field(default_factory=TokensConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    launch: LaunchConfig = field(default_factory=LaunchConfig)
    tracker: TrackerConfig

    def __post_init__(self) -> None:
        check_run_name(self.name)
        if not self.sources:
            raise ValueError("sources is empty: name at least one, as in sources.sib200-train=1")
        if self.strategy.kind is StrategyKind.single and self.launch.processes > 1:
            raise ValueError(
                f"strategy=single runs one process, launch.processes is {self.launch.processes}: "
                "choose strategy=ddp"
            )
        if (
            self.stack is Stack.torchtune
            and self.method.kind is MethodKind.qlora
            and self.strategy.kind is not StrategyKind.single
        ):
            raise ValueError(
                f"strategy={self.strategy.kind.name} cannot copy or cut the 4-bit weights of "
                "stack=torchtune (torchao) without changing them: choose strategy=single or "
                "stack=hf"
            )
        if self.stage.kind is StageKind.dpo and self.tokens.layout is Layout.packed:
            raise ValueError("tokens.layout=packed: pairs are not packed, choose layout=buckets")

    @property
    def run_folder(self) -> Path:
        """Return ``runs/<name>``, absolute."""
        return (Path(self.root) / self.name).resolve()

    @property
    def model_folder(self) -> Path:
        """Return where the finished model goes."""
        return self.run_folder / "model"

    @property
    def tokens_folder(self) -> Path:
        """Return where the token rows go."""
        return self.run_folder / "tokens" / self.region.code

    @property
    def corpus_path(self) -> Path:
        """Return the corpus, absolute."""
        return Path(self.corpus_folder).resolve()

    @property
    def corpus_paths(self) -> list[Path]:
        """Return the corpus and those that the mix adds, absolute."""
        return [self.corpus_path, *(Path(folder).resolve() for folder in self.mix.folders)]

    @property
    def heldout_paths(self) -> list[Path]:
        """Return the corpora whose held-out rows are looked at, absolute."""
        further = [Path(folder).resolve() for folder in self.watch.heldout_folders]
        return list(dict.fromkeys([*self.corpus_paths, *further]))

    def work(self, checkpoint: Path) -> Work:
        """Return what decides the result, with this parent checkpoint.

        Raises:
            UserError: the corpus is unfinished, or holds replies of compared systems.
        """
        refuse_artifact_corpora(self.heldout_paths)
        settings = {
            name: value
            for name, value in as_json(self).items()
            if name not in _NO_EFFECT_ON_THE_RESULT
        }
        training = cast("dict[str, Json]", settings["training"])
        for name in ("save_every_steps", "keep_checkpoints", "async_save"):
            del training[name]
        del settings["mix"]
        if self.mix.enabled:
            settings["mix"] = {**as_json(self.mix), "folders": []}  # known by their manifests
        settings["checkpoint"] = checkpoint_identity(checkpoint)
        return Work.of(settings, self.corpus_paths)

    def num_processes(self) -> int:
        """Return how many processes to start on this machine.

        Raises:
            UserError: the strategy needs several and there is one.
        """
        if self.strategy.kind is StrategyKind.single:
            return 1
        wanted = self.launch.processes or num_gpus()
        if wanted == 0:
            raise UserError(
                f"strategy={self.strategy.kind.name} on a machine without GPUs needs "
                "launch.processes=2 or more (at most one a core)"
            )
        return wanted
