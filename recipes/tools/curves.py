"""Draw the training curves of several runs over each other, into one page."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ...data.errors import ExitCode, UserError
from ...data.manifest import write_text


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; return the exit code."""
    parser = argparse.ArgumentParser(prog="lokal curves", description=__doc__)
    parser.add_argument("runs", nargs="+", help="names of runs, such as quickstart/id, or folders")
    parser.add_argument("--root", type=Path, default=Path("runs"), help="where runs lie (runs)")
    parser.add_argument("-o", "--output", type=Path, default=Path("curves.html"), help="the page")
    words = parser.parse_args(argv)
    try:
        from ...training.overlay import overlay_page

        page = overlay_page({name: _folder(name, words.root) for name in words.runs})
    except UserError as error:
        print(f"lokal curves: {error}", file=sys.stderr)
        return ExitCode.USER_MISTAKE
    write_text(words.output, page)
    print(f"Open {words.output.resolve()}")
    return ExitCode.DONE


def _folder(name: str, root: Path) -> Path:
    for folder in (root / name, Path(name)):
        if folder.is_dir():
            return folder
    raise UserError(f"{root / name} does not exist: name a run, or set --root")


if __name__ == "__main__":
    sys.exit(main())
