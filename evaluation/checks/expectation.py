"""What an answer should be like: its language, script, mix with English, and form of address."""

from dataclasses import dataclass
from typing import Literal

from ...data.region import load_region
from ...data.scripts import script_name

Register = Literal["formal", "neutral", "familiar"]

REGISTERS = ("formal", "neutral", "familiar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The answer that an item asks for, as far as rules can check it."""

    language: str
    """Region code of the wanted answer: ``id``, ``hi``, ``tl``, ``en``."""
    script: str
    """ISO 15924 code of the wanted script: ``Latn`` for romanised Hindi, else ``Deva``."""
    code_mix: bool = False
    """Whether English words may stand beside the language's own: Hinglish, Taglish."""
    register: Register | None = None
    """Form of address that the item asks for; ``None``: any will do."""

    def __post_init__(self) -> None:
        region = load_region(self.language)
        script_name(self.script)
        if self.script not in (allowed := [*region.scripts, *region.code_switch_scripts]):
            raise ValueError(
                f"expect.script of {self.language!r} must be one of {', '.join(allowed)}, "
                f"got {self.script!r}"
            )
        if self.register is not None and self.register not in REGISTERS:
            raise ValueError(
                f"expect.register must be one of {', '.join(REGISTERS)}, got {self.register!r}"
            )
