"""Seal a collected baseline: everything hashed, nothing open, nothing more comes in."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...data.errors import ExitCode, UserError
from ...data.manifest import read_manifest
from ...evaluation.spending.artifact import seal


def main(argv: Sequence[str] | None = None) -> int:
    """Seal the folder, and say what it holds."""
    parser = argparse.ArgumentParser(prog="lokal freeze", description=__doc__)
    parser.add_argument("folder", type=Path, help="baselines/<vendor-model-date>")
    folder: Path = parser.parse_args(argv).folder.resolve()
    try:
        seal(folder, now=datetime.now(UTC))
    except UserError as error:
        print(f"lokal freeze: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    manifest = read_manifest(folder)
    assert manifest is not None
    print(f"sealed {folder}: {len(manifest.parts)} parts, {len(manifest.outputs)} files hashed")
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(main())
