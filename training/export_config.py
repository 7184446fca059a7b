"""The config of ``export``, its folders, and the key that says which work it is."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..data.config import as_json, check_run_name
from ..data.manifest import work_key


class ExportForm(Enum):
    """What comes out."""

    merged = "merged"
    """Whole weights that Transformers opens, the adapter added to its parent."""
    adapter = "adapter"
    """The adapter alone, as PEFT opens it on its parent."""


class WeightFormat(Enum):
    """The number format of merged weights."""

    fp32 = "fp32"
    """Exact: what was trained."""
    bf16 = "bf16"
    """Half the size, rounded; the card says by how much the logits moved."""


@dataclass(kw_only=True, slots=True)
class ExportConfig:
    """Everything ``lokal export`` can be told."""

    name: str
    root: str = "runs"
    overwrite: bool = False
    to: ExportForm = ExportForm.merged
    checkpoint: str
    """A finished model folder."""
    dtype: WeightFormat = WeightFormat.fp32
    num_prompts: int = 6
    """Prompts on which the export is compared with what was trained."""
    max_new_tokens: int = 16
    """Length of each greedy reply."""

    def __post_init__(self) -> None:
        check_run_name(self.name)
        for name in ("num_prompts", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.to is ExportForm.adapter and self.dtype is not WeightFormat.fp32:
            raise ValueError("dtype is for to=merged: an adapter is copied as it is, in fp32")

    @property
    def checkpoint_path(self) -> Path:
        """Return the model folder, absolute."""
        return Path(self.checkpoint).expanduser().resolve()

    @property
    def folder(self) -> Path:
        """Return where the export goes: ``runs/<name>/export/merged``, or ``…/merged-bf16``."""
        suffix = "" if self.dtype is WeightFormat.fp32 else f"-{self.dtype.name}"
        return (Path(self.root) / self.name / "export" / f"{self.to.name}{suffix}").resolve()

    def work_key(self) -> str:
        """Return the key of this work.

        Raises:
            UserError: the model folder is unfinished.
        """
        settings = as_json(self)
        for name in ("name", "root", "overwrite", "checkpoint"):
            del settings[name]
        return work_key("export", settings, [self.checkpoint_path])
