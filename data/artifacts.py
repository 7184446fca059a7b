"""How replies of compared systems are known, wherever they lie: no training reads them.

They are known by the folder, by the manifest beside them, and by the keys of each row, which a copy
under another name keeps. Text that somebody has cut out of a row and written into one of their own
has no mark left, and is not known.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .errors import UserError
from .manifest import MANIFEST_NAME

ARTIFACT_MARK = "comparison_only"
"""Key of a row, true where it is a reply that may be compared with and never trained on."""
_FOLDERS = frozenset({"recorded", "baselines"})
_RECIPES = frozenset({"evaluate", "collect_baseline", "freeze", "judge", "compare"})
"""Recipes whose folders hold replies, or what was said of them."""
_KEYS = (
    frozenset({"model", "response"}),
    frozenset({"model", "responses"}),
    frozenset({"system", "reply", "state"}),
    frozenset({"model", "reply", "state"}),
    frozenset({"system", "label", "label_and_end"}),
    frozenset({"returned_model", "raw"}),
    frozenset({"left", "right", "how", "outcome"}),
    frozenset({"system", "how", "value", "reasons"}),
)
ARTIFACT_COLUMNS = frozenset({ARTIFACT_MARK}).union(*_KEYS)
"""Columns that tell a recording; a reader that leaves columns out keeps these."""
_LONGEST_LOOK = 1 << 16
_DEPTH = 2
_WHY = "they are for comparison only and may not be trained on"


def refuse_artifact_file(owner: str, file: Path) -> None:
    """Refuse a file in a folder of recorded replies, or in one that such a recipe has made.

    Raises:
        UserError: names the folder.
    """
    folder = file.resolve().parent
    if wrong := _FOLDERS & set(folder.parts):
        raise UserError(
            f"{owner}: {file} lies in a folder {min(wrong)!r} of recorded model answers: {_WHY}"
        )
    for above in (folder, *folder.parents):
        if recipe := _recipe_of(above):
            raise UserError(
                f"{owner}: {file} lies in {above}, replies or verdicts that lokal {recipe} has "
                f"made: {_WHY}"
            )


def refuse_artifact_row(place: str, values: Mapping[str, object]) -> None:
    """Refuse a row that is a recorded reply, also as the JSON text of a file without columns.

    Raises:
        UserError: names the place, and the keys that tell.
    """
    keys = artifact_keys(values)
    if keys is None and len(values) == 1 and isinstance(text := next(iter(values.values())), str):
        keys = artifact_keys(_first_object(text))
    if keys is not None:
        raise UserError(
            f"{place} is a recorded model answer (it has {', '.join(sorted(keys))}): {_WHY}"
        )


def artifact_keys(values: Mapping[str, object], *, depth: int = _DEPTH) -> frozenset[str] | None:
    """Return the keys by which a row, or an object inside it, is a recorded reply; None if none."""
    if values.get(ARTIFACT_MARK):
        return frozenset({ARTIFACT_MARK})
    for keys in _KEYS:
        if keys <= values.keys():
            return keys
    inside = (value for value in values.values() if isinstance(value, dict) and depth)
    return next(filter(None, (artifact_keys(one, depth=depth - 1) for one in inside)), None)


def refuse_artifact_corpora(corpora: Iterable[Path]) -> None:
    """Refuse corpus folders that hold replies of compared systems, by manifest or by columns.

    Raises:
        UserError: names the folder.
    """
    for corpus in corpora:
        refuse_artifact_file("finetune", corpus / MANIFEST_NAME)
        for file in sorted(corpus.glob("*.parquet")):
            keys = artifact_keys(dict.fromkeys(_columns(file), True))
            if keys is not None:
                raise UserError(
                    f"finetune: {file} holds recorded model answers (it has "
                    f"{', '.join(sorted(keys))}): {_WHY}"
                )


def _columns(file: Path) -> Sequence[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(file).names
    except (pa.ArrowException, OSError):
        return ()  # its reader says what is wrong


def _recipe_of(folder: Path) -> str | None:
    """Return the recipe that made a folder, if its folders hold replies."""
    try:
        with (folder / MANIFEST_NAME).open(encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError):
        return None
    recipe = content.get("recipe") if isinstance(content, dict) else None
    return recipe if recipe in _RECIPES else None


def _first_object(text: str) -> Mapping[str, object]:
    """Return the JSON object that the first line of a text is; empty for any other text."""
    line = text.lstrip()[:_LONGEST_LOOK].split("\n", 1)[0]
    if not line.startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
