"""Takes out the lines that a source repeats over its documents."""

import re
from itertools import islice
from pathlib import Path

from datatrove.data import Document

from ..cleaning.boilerplate import Boilerplate
from ..document import metadata_of, note
from .count_lines import has_lines
from .merge_lines import MERGED
from .step import Gate, Verdict

MIN_LETTERS = 20
"""With fewer letters left than this, a title at most, the rest of the document goes too."""
_LETTERS = re.compile(r"[^\W\d_]")
_EMPTY_LINES = re.compile(r"\n{3,}")


class DropBoilerplate(Gate):
    """Removes the lines that ``MergeLines`` found; drops a document that was little else."""

    name = "drop boilerplate"
    step = "boilerplate"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._boilerplate: Boilerplate | None = None

    def judge(self, document: Document) -> Verdict | None:
        """Change the document; return a verdict where only boilerplate, or a title, was in it."""
        if not has_lines(document):
            return None
        if self._boilerplate is None:  # opened where the step runs: it may be pickled before
            self._boilerplate = Boilerplate(self.folder / MERGED)
        metadata = metadata_of(document)
        found = self._boilerplate.find(document.text, source=metadata["source"])
        if not found:
            return None
        lines = document.text.split("\n")
        removed = set(found)
        rest = "\n".join(line for number, line in enumerate(lines) if number not in removed)
        rest = _EMPTY_LINES.sub("\n\n", rest).strip()
        note(document, "boilerplate: lines", len(found))
        note(document, "boilerplate: characters", len(document.text) - len(rest))
        if sum(1 for _ in islice(_LETTERS.finditer(rest), MIN_LETTERS)) < MIN_LETTERS:
            return Verdict("only boilerplate", f"{len(found)} of {len(lines)} lines; left: {rest}")
        document.text = rest
        metadata["num_chars"] = len(rest)
        return None
