"""The one registry of languages: every code the field uses, read from ``configs/region/*.yaml``."""

from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache

from .config_files import config_names, read_config
from .errors import UserError
from .manifest import Json
from .quality.config import QualityThresholds


@dataclass(kw_only=True, slots=True)
class Region:
    """One language with its codes, scripts and prompts. No code is spelled anywhere else."""

    code: str
    """Our name for it and its ISO 639-1 code: ``id``, ``hi``, ``tl``."""
    name: str
    native_name: str
    iso639_3: str
    flores: list[str]
    """FLORES and Belebele codes, newest first: ``fil_Latn`` before ``tgl_Latn``."""
    sib200: str
    belebele: str
    global_mmlu: str
    fineweb2: str
    lingua: str
    cld2: str
    """ISO code that the CLD2 detector answers."""
    scripts: list[str]
    """ISO 15924 codes a document of this language may be written in."""
    confusable: dict[str, int] = field(default_factory=dict)
    """CLD2 codes of languages it takes this one for, and from how many letters it is believed.

    A shorter text stays. The numbers are measured: docs/decisions/language-gate.md."""
    same_class: list[str] = field(default_factory=list)
    """Codes that the language gate takes for this language: Malay in Indonesian text."""
    neighbours: list[str] = field(default_factory=list)
    """Word lists (data/lexicons) of close languages that CLD2 does not know or often misses."""
    code_switch_scripts: list[str] = field(default_factory=list)
    """Other scripts that a register of this language is written in: Latin for Hinglish."""
    registers: dict[str, dict[str, float]] = field(default_factory=dict)
    """Labels, and the share of words of each list that a row needs to carry it."""
    quality: QualityThresholds = field(default_factory=QualityThresholds)
    """When a text is too poor to train on."""
    pii: list[str] = field(default_factory=lambda: ["email", "ip", "iban", "card", "phone_intl"])
    """Rules of data/pii, by name, that look for personal values; these five serve any region."""
    anchor: bool = False
    """True for the language that measures forgetting (English); never a target."""
    prompts: dict[str, str] = field(default_factory=dict)
    """Instruction by task name, in the language itself; ``{labels}`` stands for the labels."""
    mix: dict[str, float] = field(default_factory=dict)
    """Default share of each language in trained tokens; sums to 1."""

    def __post_init__(self) -> None:
        if not self.scripts:
            raise ValueError(f"region.scripts of {self.code!r} is empty: name at least one")
        if self.mix and abs(sum(self.mix.values()) - 1) > 1e-6:
            raise ValueError(f"region.mix of {self.code!r} must sum to 1, got {self.mix}")

    def prompt(self, task: str, labels: list[str]) -> str:
        """Return the instruction for a task with its labels filled in.

        Raises:
            UserError: the region's file has no prompt for that task.
        """
        if task not in self.prompts:
            raise UserError(f"region {self.code} has no prompt {task!r}: add it to its YAML file")
        return self.prompts[task].replace("{labels}", ", ".join(labels))


@cache
def load_region(code: str) -> Region:
    """Return the region with this code.

    Raises:
        UserError: there is no such region.
    """
    values = read_config("region", code)
    known = {item.name for item in fields(Region)}
    if unknown := sorted(set(values) - known):
        raise UserError(f"configs/region/{code}.yaml: unknown key {unknown[0]!r}")
    required = {item.name for item in fields(Region) if _is_required(item)}
    if missing := sorted(required - set(values)):
        raise UserError(f"configs/region/{code}.yaml: {missing[0]!r} is missing")
    if values["code"] != code:
        raise UserError(
            f"configs/region/{code}.yaml: code is {values['code']!r}, its file says {code!r}"
        )
    quality = _quality(values.pop("quality", {}), code=code)
    return Region(**values, quality=quality)  # pyright: ignore[reportArgumentType]  YAML, checked


def region_codes(*, anchors: bool = True) -> list[str]:
    """Return all codes in the registry, sorted; without the anchor languages if asked."""
    codes = config_names("region")
    return codes if anchors else [code for code in codes if not load_region(code).anchor]


def _is_required(item: Field[object]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _quality(values: Json, *, code: str) -> QualityThresholds:
    if not isinstance(values, dict):
        raise UserError(f"configs/region/{code}.yaml: quality holds no keys: remove it or add some")
    if unknown := sorted(set(values) - {item.name for item in fields(QualityThresholds)}):
        raise UserError(f"configs/region/{code}.yaml: unknown key 'quality.{unknown[0]}'")
    return QualityThresholds(**values)  # pyright: ignore[reportArgumentType]  YAML values
