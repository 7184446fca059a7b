"""Check every finished folder below a path against the hashes in its manifest."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ...data.errors import ExitCode, UserError
from ...data.manifest import MANIFEST_NAME, Manifest, find_damage, read_manifest


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line for each finished folder below the path; return 1 if any is damaged."""
    parser = argparse.ArgumentParser(prog="lokal verify", description=__doc__)
    parser.add_argument("path", type=Path, help="a finished folder, a run, or all of runs")
    path: Path = parser.parse_args(argv).path
    try:
        damaged = _verify(path)
    except UserError as error:
        print(f"lokal verify: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    return ExitCode.RUN_FAILED if damaged else ExitCode.DONE


def _verify(path: Path) -> int:
    """Print a line for each folder and return how many are damaged."""
    manifests = sorted(path.rglob(MANIFEST_NAME))
    if not manifests:
        reason = "holds no finished folder" if path.exists() else "does not exist"
        raise UserError(f"{path} {reason}: name a run's folder, such as runs/quickstart")
    num_damaged = 0
    for folder in (manifest.parent for manifest in manifests):
        problems = _problems(folder)
        num_damaged += bool(problems)
        for problem in problems:
            print(f"damaged  {problem}")
    print(f"{len(manifests)} finished folders, {num_damaged} damaged")
    return num_damaged


def _problems(folder: Path) -> list[str]:
    try:
        manifest = read_manifest(folder)
    except UserError as error:  # a damaged manifest is a finding, not the end of the check
        return [str(error)]
    assert manifest is not None
    problems = find_damage(folder, manifest)
    if not problems:
        print(f"whole    {folder}  ({_size(manifest)})")
    return problems


def _size(manifest: Manifest) -> str:
    size_mb = sum(record.size_bytes for record in manifest.outputs) / 1e6
    return f"{manifest.recipe}, {len(manifest.outputs)} files, {size_mb:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
