"""An id of its own for each row of a part, also where the source's ids are missing or repeated."""

import hashlib
import re

from .sources import Part

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.0)?")
_REMEMBERED = 500_000


class RowIds:
    """Gives ids to the rows of one part.

    An id that is only a number says nothing outside its file, so source and file go before it.
    A repeated id gets the row's number behind it. The last 500,000 ids at least are remembered
    (about 60 MB), which is more than a part of ordinary size has.
    """

    def __init__(self, part: Part) -> None:
        source = part.source
        stream = str(part.begin) if source.hub_parts > 1 else None
        hub = [source.path, source.hub_config, source.hub_data_dir, source.hub_split, stream]
        file = "/".join(filter(None, hub)) if part.file is None else part.file_name
        self._prefix = f"{part.source_name}/{file or (part.file.name if part.file else '')}"
        self._seen: set[bytes] = set()
        self._seen_before: set[bytes] = set()

    def take(self, own: object, *, number: int) -> tuple[str, bool]:
        """Return the row's id, and whether the one that it came with was taken already.

        Args:
            own: the id that the source gave it; None for none.
            number: tells the row from the others of its file.
        """
        own = str(own).encode("utf-8", "replace").decode("utf-8") if own is not None else ""
        if not own:
            own = f"{self._prefix}/{number}"
        elif _PLAIN_NUMBER.fullmatch(own):
            own = f"{self._prefix}/{own}"
        if not self._is_seen(own):
            return own, False
        fresh = f"{own}#{number}"
        self._is_seen(fresh)
        return fresh, True

    def _is_seen(self, row_id: str) -> bool:
        """Return whether the id was met, and remember it."""
        digest = hashlib.blake2b(row_id.encode("utf-8"), digest_size=8).digest()
        if digest in self._seen or digest in self._seen_before:
            return True
        if len(self._seen) >= _REMEMBERED:
            self._seen, self._seen_before = set(), self._seen
        self._seen.add(digest)
        return False
