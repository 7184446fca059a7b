"""The command ``lokal``: lists recipes and tools, and runs the one that is named."""

import ast
import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from .. import __version__
from ..data.errors import ExitCode

_RECIPES = Path(__file__).resolve().parent
_TOOLS = _RECIPES / "tools"
_CONFIGS = _RECIPES.parent / "configs"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one recipe or tool; with no words or ``--help``, list them. Return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("--help", "-h", "help"):
        print(_overview())
        return ExitCode.DONE
    if words[0] == "--version":
        print(__version__)
        return ExitCode.DONE
    name, rest = words[0], words[1:]
    if name in recipe_names():
        return int(getattr(import_module(f"lokal.recipes.{name}"), name).main(rest))
    if name in _tools():
        return int(import_module(f"lokal.recipes.tools.{name}").main(rest))
    known = [*recipe_names(), *_tools()]
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
    print(f"lokal: no recipe or tool {name!r}: {cure}", file=sys.stderr)
    return ExitCode.USER_MISTAKE


def recipe_names() -> list[str]:
    """Return the files beside this one that have a primary config of the same name."""
    names = {path.stem for path in _RECIPES.glob("*.py")}
    return sorted(names & {path.stem for path in _CONFIGS.glob("*.yaml")})


def _tools() -> list[str]:
    return sorted(path.stem for path in _TOOLS.glob("*.py") if path.stem != "__init__")


def _overview() -> str:
    lines = ["lokal: make an open Llama speak your region, and prove how well", ""]
    lines += ["recipes (lokal <recipe> key=value ...):", *_summaries(_RECIPES, recipe_names()), ""]
    lines += ["tools (lokal <tool> ...):", *_summaries(_TOOLS, _tools()), ""]
    return "\n".join([*lines, "lokal <name> --help shows settings and examples."])


def _summaries(folder: Path, names: Sequence[str]) -> list[str]:
    return [f"  {name:<16} {_first_line(folder / f'{name}.py')}" for name in names]


def _first_line(file: Path) -> str:
    """Return the first line of a file's docstring without importing the file."""
    doc = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return (doc or "").partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
