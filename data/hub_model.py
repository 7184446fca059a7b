"""A model of the Hugging Face Hub in this machine's Hub cache: fetched, gone on with, verified.

huggingface_hub lists, links and names the files, so that other programs find them too. It begins
a file that was cut off anew, which is dear for a shard of 5 GB: weights come through ``hub_file``.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from .errors import RunError, UserError
from .hub_file import HubFile, check_content, fetch_file, missing_bytes
from .progress import progress_bar, say

_TEXTS = ["LICENSE*", "LICENCE*", "NOTICE*", "USE_POLICY*", "README.md"]
_TOKENIZER = ["*.json", "*.jinja", "merges.txt", "tokenizer.model"]


class HubLayout(Enum):
    """Which files of a Hub model are fetched; code and other pickles never are."""

    transformers = "transformers"
    """config.json, safetensors, tokenizer."""
    original = "original"
    """Meta's own: original/params.json, consolidated.*.pth, tokenizer.model."""


class _Wanted(NamedTuple):
    small: list[str]
    """File names that come first, and show whether the licence is accepted."""
    weights: list[str]
    main: str
    """A file without which the rest is of no use."""


_TOKENIZER_ONLY = _Wanted([*_TOKENIZER, *_TEXTS], [], "tokenizer_config.json")
_WANTED = {
    HubLayout.transformers: _Wanted([*_TOKENIZER, *_TEXTS], ["*.safetensors"], "config.json"),
    HubLayout.original: _Wanted(
        ["original/params.json", "original/tokenizer.model", *_TEXTS],
        ["original/consolidated.*.pth"],
        "original/params.json",
    ),
}


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model at one revision; ``HF_ENDPOINT``, ``HF_HOME`` and ``HF_TOKEN`` are respected."""

    id: str
    """As in ``org/name``."""
    revision: str
    layout: HubLayout
    tokenizer_only: bool = False

    def fetch(self) -> Path:
        """Return the folder with the files; no network is asked where they are all here.

        Raises:
            UserError: the Hub refuses: the name, the revision, the licence, the token.
            RunError: no network, no disk, or a file is not what the Hub lists.
        """
        if (here := self._cached()) is not None:
            return self._root(here)
        wanted = self._wanted()
        say("model", f"fetches {self.id} at {self.revision} from the Hub")
        with _explained(self):
            snapshot = self._snapshot(wanted.small)
            files = self._listed(snapshot)
            weights = [file for file in files if file.sha256 and _is_weight(file.path)]
            if wanted.weights and not any(_is_weight(file.path) for file in files):
                raise UserError(
                    f"{self.id} has no {wanted.weights[0]} at {self.revision}: pickled weights "
                    "are never loaded; choose another model, or another model.layout"
                )
            self._fetch_weights(snapshot, weights)
            self._snapshot([*wanted.small, *wanted.weights])
        for file in files:
            if file not in weights:
                check_content(file, snapshot / file.path)
        if self.revision != snapshot.name:
            say("model", f"{self.revision} is commit {snapshot.name}: pin it as model.revision")
        return self._root(snapshot)

    def verify(self) -> list[HubFile]:
        """Compare every file with the hash that the Hub lists; return what was compared.

        Raises:
            UserError: as for ``fetch``, which comes first.
            RunError: as for ``fetch``; a file with another content is removed.
        """
        snapshot = self._cached()
        assert snapshot is not None
        with _explained(self):
            files = self._listed(snapshot)
        for file in files:
            check_content(file, snapshot / file.path)
        return files

    def _wanted(self) -> _Wanted:
        return _TOKENIZER_ONLY if self.tokenizer_only else _WANTED[self.layout]

    def _root(self, snapshot: Path) -> Path:
        return snapshot / "original" if self.layout is HubLayout.original else snapshot

    def _cached(self) -> Path | None:
        """Return the snapshot if it is whole on this machine."""
        from huggingface_hub.errors import LocalEntryNotFoundError

        wanted = self._wanted()
        try:
            snapshot = self._snapshot([*wanted.small, *wanted.weights], local_files_only=True)
        except LocalEntryNotFoundError:
            return None
        # A snapshot that an old huggingface_hub left half does not say so.
        return snapshot if (snapshot / wanted.main).is_file() else None

    def _snapshot(self, patterns: Sequence[str], *, local_files_only: bool = False) -> Path:
        from huggingface_hub import snapshot_download

        return Path(
            snapshot_download(
                self.id,
                revision=self.revision,
                allow_patterns=list(patterns),
                ignore_patterns=self._ignored(),
                token=_token(),
                local_files_only=local_files_only,
            )
        )

    def _ignored(self) -> list[str] | None:
        """Return patterns that win: ``*.json`` alone would also match files in folders."""
        return None if self.layout is HubLayout.original else ["*/*"]

    def _listed(self, snapshot: Path) -> list[HubFile]:
        """Return what the Hub lists of this snapshot's commit, as far as we want it."""
        from huggingface_hub import HfApi, RepoFile
        from huggingface_hub.utils import filter_repo_objects

        wanted = self._wanted()
        tree = HfApi(token=_token()).list_repo_tree(self.id, recursive=True, revision=snapshot.name)
        files = [
            HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id)
            for entry in tree
            if isinstance(entry, RepoFile)
        ]
        return list(
            filter_repo_objects(
                files,
                allow_patterns=[*wanted.small, *wanted.weights],
                ignore_patterns=self._ignored(),
                key=lambda file: file.path,
            )
        )

    def _fetch_weights(self, snapshot: Path, weights: Sequence[HubFile]) -> None:
        from huggingface_hub import hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        blobs = snapshot.parent.parent / "blobs"
        missing = [file for file in weights if missing_bytes(file, blobs)]
        needed = sum(missing_bytes(file, blobs) for file in missing)
        _check_disk(blobs, needed_bytes=needed, what=self.id)
        size_mb = sum(file.size_bytes for file in missing) // 1_000_000
        with progress_bar(total=size_mb, label=self.id, unit="MB", hidden=not missing) as bar:
            for file in missing:
                url = hf_hub_url(self.id, file.path, revision=snapshot.name)
                headers = build_hf_headers(token=_token())
                fetch_file(file, blobs, url=url, headers=headers, on_megabytes=bar.update)


def _token() -> str | bool:
    """Return the environment's token; False keeps huggingface_hub from looking on the disk."""
    return os.environ.get("HF_TOKEN") or False


def _is_weight(path: str) -> bool:
    return path.endswith((".safetensors", ".pth"))


def _check_disk(folder: Path, *, needed_bytes: int, what: str) -> None:
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise RunError(
            f"{what} needs {needed_bytes / 1e9:,.1f} GB more and {folder} has {free / 1e9:,.1f} GB "
            "free: free some, or set HF_HOME to a larger disk"
        )


@contextmanager
def _explained(model: HubModel) -> Iterator[None]:
    """Turn what huggingface_hub raises into one line with the cure."""
    import httpx2  # huggingface_hub's own client, whose errors it lets through
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise UserError(_gated(model)) from error
    except RevisionNotFoundError as error:
        raise UserError(
            f"{model.id} has no revision {model.revision!r}: correct model.revision"
        ) from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"the Hub shows no model {model.id} (HTTP {error.response.status_code}): check the "
            f"name in model.path{'' if _token() else ', and set HF_TOKEN if it is private'}"
        ) from error
    except HFValidationError as error:
        raise UserError(f"model.path {model.id!r} is no Hub id, as in org/name") from error
    except HfHubHTTPError as error:
        raise _http(model, error.response.status_code) from error
    except (LocalEntryNotFoundError, httpx2.HTTPError) as error:
        raise _unreachable(model, error) from error


def _gated(model: HubModel) -> str:
    page = f"https://huggingface.co/{model.id}"
    if _token():
        return (
            f"{model.id} is gated and the account of HF_TOKEN has no access: accept its licence at "
            f"{page} and wait until it is granted, or use a token that may read gated models"
        )
    return f"{model.id} is gated: accept its licence at {page} and set HF_TOKEN in the environment"


def _http(model: HubModel, status: int) -> UserError | RunError:
    if status in (401, 403):
        return UserError(
            f"the Hub refuses {model.id} (HTTP {status}): HF_TOKEN is "
            f"{'wrong, expired, or may not read it' if _token() else 'not set'}; "
            f"its page: https://huggingface.co/{model.id}"
        )
    return RunError(f"the Hub answered HTTP {status} for {model.id}: run it again later")


def _unreachable(model: HubModel, error: Exception) -> Exception:
    """Return the error; behind it may be a refusal that huggingface_hub took for a bad network."""
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error.__cause__, HfHubHTTPError):
        return _http(model, error.__cause__.response.status_code)
    cause = type(error.__cause__ or error).__name__
    return RunError(
        f"{model.id} at {model.revision} is not on this machine and the Hub cannot be reached "
        f"({cause}): check the network, HF_ENDPOINT and HF_HUB_OFFLINE, or name a local folder "
        "with model=local"
    )
