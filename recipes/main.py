"""The command ``lokal``: lists recipes and tools, and runs the one that is named."""

import ast
import difflib
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_NOT_RECIPES = {"__init__", "entry", "main"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one recipe or tool; with no words or ``--help``, list them. Return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("--help", "-h", "help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        from .. import __version__

        print(__version__)
        return 0
    name, rest = words[0], words[1:]
    if name in _names(_HERE):
        return int(getattr(import_module(f"lokal.recipes.{name}"), name).main(rest))
    if name in _names(_HERE / "tools"):
        return int(import_module(f"lokal.recipes.tools.{name}").main(rest))
    known = [*_names(_HERE), *_names(_HERE / "tools")]
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}"
    print(f"lokal: no recipe or tool {name!r}: {cure}", file=sys.stderr)
    return 2


def _overview() -> str:
    lines = ["lokal: make an open Llama speak your region, and prove how well", "", "recipes:"]
    lines += [f"  lokal {name:<10} key=value ...   {_summary(_HERE, name)}" for name in _names(_HERE)]
    lines += ["", "tools:"]
    tools = _HERE / "tools"
    lines += [f"  lokal {name:<10} ...             {_summary(tools, name)}" for name in _names(tools)]
    return "\n".join([*lines, "", "lokal <name> --help shows settings and examples."])


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.py") if path.stem not in _NOT_RECIPES)


def _summary(folder: Path, name: str) -> str:
    tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
