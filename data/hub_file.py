"""One large file of the Hub: fetched into a partial file that a later run goes on with."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, cast

from .errors import RunError
from .manifest import sha256_of_file

if TYPE_CHECKING:
    from tqdm import tqdm

_PARTIAL_ENDING = ".partial"


class HubFile(NamedTuple):
    """One file as the Hub lists it."""

    path: str
    size_bytes: int
    sha256: str | None
    """Of the content; None for a small file, for which the Hub knows only git's hash."""
    git_sha1: str


def missing_bytes(file: HubFile, blobs: Path) -> int:
    """Return how much of a file with SHA-256 is still to be fetched."""
    assert file.sha256 is not None
    if (blobs / file.sha256).is_file():
        return 0
    partial = _partial(file, blobs)
    return file.size_bytes - (partial.stat().st_size if partial.is_file() else 0)


def fetch_file(
    file: HubFile,
    blobs: Path,
    *,
    url: str,
    headers: Mapping[str, str],
    on_megabytes: Callable[[int], object],
) -> None:
    """Fetch what is missing of the file, and put it in place once its SHA-256 is right.

    Args:
        blobs: folder of the Hub cache where a file is named by its SHA-256.
        on_megabytes: is told how many more MB there are.

    Raises:
        RunError: the content is not what the Hub lists; it is removed.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock

    assert file.sha256 is not None
    place, partial = blobs / file.sha256, _partial(file, blobs)
    with WeakFileLock(partial.with_suffix(".lock")):
        if place.is_file():  # another process fetched it while this one waited
            return
        done = partial.stat().st_size if partial.is_file() else 0
        if done > file.size_bytes:
            partial.unlink()
            done = 0
        with partial.open("ab") as stream:
            http_get(
                url,
                stream,
                resume_size=done,
                headers=dict(headers),
                expected_size=file.size_bytes,
                tqdm_class=_counting_into(on_megabytes),
            )
        check_content(file, partial)
        partial.replace(place)


def check_content(file: HubFile, path: Path) -> None:
    """Remove a file that has not the content that the Hub lists.

    Raises:
        RunError: it had another content, or is not there.
    """
    if not path.is_file():
        raise RunError(f"{path} is missing: run it again, and it is fetched")
    if path.stat().st_size == file.size_bytes and _hash(file, path) == (
        file.sha256 or file.git_sha1
    ):
        return
    path.resolve().unlink()
    path.unlink(missing_ok=True)
    raise RunError(
        f"{file.path} has another content than the Hub lists (its hash is wrong): "
        "it was removed; run it again, and it is fetched anew"
    )


def _partial(file: HubFile, blobs: Path) -> Path:
    return blobs / f"{file.sha256}{_PARTIAL_ENDING}"


def _hash(file: HubFile, path: Path) -> str:
    if file.sha256 is not None:
        return sha256_of_file(path)
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _counting_into(on_megabytes: Callable[[int], object]) -> "type[tqdm[object]]":
    """Return what huggingface_hub takes for a bar's class: it counts bytes and tells MB."""

    class Counting:
        _bytes = 0

        def __init__(self, **settings: object) -> None:
            self.update(cast("int", settings.get("initial", 0)))

        def __enter__(self) -> "Counting":
            return self

        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
        ) -> None:
            pass

        def update(self, num_bytes: int) -> None:
            before = self._bytes // 1_000_000
            self._bytes += num_bytes
            on_megabytes(self._bytes // 1_000_000 - before)

    return cast("type[tqdm[object]]", Counting)
