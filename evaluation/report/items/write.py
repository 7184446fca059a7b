"""Writes the list of all items with its filters, and the pages that show them."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import regex
from jinja2 import Environment, FunctionLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps

from ....data.manifest import Json
from .case import Case, Said
from .chips import show
from .opinions import Opinion, Opinions
from .words import Piece, compare_words

_CASES_OF_A_PAGE = 50
_SNIPPET = regex.compile(r"\X{0,120}")
"""What the list shows of a prompt, in whole clusters."""
_TEXTS_OF_A_FILE = 1_000
_COLUMNS = (
    "name",
    "page",
    "region",
    "language",
    "suite",
    "category",
    "snippet",
    "values",
    "states",
    "marks",
)


def write_items(
    folder: Path, cases: Sequence[Case], *, regions: Mapping[str, str], opinions: Opinions
) -> None:
    """Write ``find.html`` with what it reads, and ``items/``; the same cases give the same bytes.

    Args:
        folder: of the report.
        cases: in the order of their pages.
        regions: name by code.
        opinions: what judges said.
    """

    def judged(case: Case) -> list[Opinion]:
        return opinions.get((case.suite, case.region, case.item.id), [])

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_read),
    )
    environment.globals.update(show=show, facts=_facts, pieces=_pieces, opinions=judged)
    pages = _paged(cases)
    (folder / "items").mkdir()
    names = list(pages)
    template = environment.get_template("place.html")
    for place, (name, shown) in enumerate(pages.items()):
        text = template.render(
            title=_title(shown, regions),
            cases=shown,
            before=f"{names[place - 1]}.html" if place else "",
            after=f"{names[place + 1]}.html" if place + 1 < len(names) else "",
        )
        (folder / "items" / f"{name}.html").write_text(text, encoding="utf-8")
    systems = list(dict.fromkeys(name for case in cases for name in case.said))
    text_files = _write_texts(folder, cases)
    _write_cases(folder, pages, systems, text_files)
    page = environment.get_template("find.html").render(
        num_cases=len(cases),
        pages=[f"items/{name}.html" for name in names],
        regions={
            code: name for code, name in regions.items() if any(c.region == code for c in cases)
        },
        suites=sorted({case.suite for case in cases}),
        categories=sorted({case.item.category for case in cases} - {""}),
        others=[*systems[1:], *systems[:1]],
        systems=systems,
        states=sorted({said.state for case in cases for said in case.said.values()}),
        marks=sorted(
            {mark for case in cases for said in case.said.values() for mark in said.marks}
        ),
    )
    (folder / "find.html").write_text(page, encoding="utf-8")
    (folder / "find.js").write_text(_read("find.js"), encoding="utf-8")


def _title(shown: Sequence[Case], regions: Mapping[str, str]) -> str:
    first, last = shown[0], shown[-1]
    numbers = " to ".join(case.name.rpartition("-")[2] for case in (first, last))
    return f"{regions[first.region]}, {first.suite}: items {numbers}"


def _read(name: str) -> str:
    return files("lokal.evaluation.report.items").joinpath(name).read_text(encoding="utf-8")


def _paged(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Return the cases by page; a page holds one benchmark of one region."""
    of_tasks: dict[str, list[Case]] = {}
    for case in cases:
        of_tasks.setdefault(case.name.rpartition("-")[0], []).append(case)
    return {
        f"{task}-{start // _CASES_OF_A_PAGE + 1}": found[start : start + _CASES_OF_A_PAGE]
        for task, found in of_tasks.items()
        for start in range(0, len(found), _CASES_OF_A_PAGE)
    }


def _write_cases(
    folder: Path, pages: Mapping[str, Sequence[Case]], systems: Sequence[str], texts: Sequence[str]
) -> None:
    rows = [_row(case, page, systems) for page, shown in pages.items() for case in shown]
    content: dict[str, Json] = {
        "columns": list(_COLUMNS),
        "systems": list[Json](systems),
        "textFiles": list[Json](texts),
        "rows": list[Json](rows),
    }
    script = f"window.lokalCases = {_script(content)};\n"
    (folder / "cases.js").write_text(script, encoding="utf-8")


def _row(case: Case, page: str, systems: Sequence[str]) -> list[Json]:
    said = [case.said.get(name) for name in systems]
    snippet = _SNIPPET.match(" ".join(case.prompt.split()))
    return [
        case.name,
        page,
        case.region,
        case.item.language,
        case.suite,
        case.item.category,
        snippet.group() if snippet else "",
        [None if one is None or one.value is None else round(one.value, 3) for one in said],
        [None if one is None else one.state for one in said],
        [[] if one is None else list[Json](one.marks) for one in said],
    ]


def _write_texts(folder: Path, cases: Sequence[Case]) -> list[str]:
    """Write what the search looks through, for when it is first used; return the files' names."""
    names: list[str] = []
    for start in range(0, len(cases), _TEXTS_OF_A_FILE):
        texts: list[Json] = [_searched(case) for case in cases[start : start + _TEXTS_OF_A_FILE]]
        names.append(f"texts-{start // _TEXTS_OF_A_FILE + 1}.js")
        script = f'window.lokalText({start}, "{_packed(texts)}");\n'
        (folder / names[-1]).write_text(script, encoding="utf-8")
    return names


def _packed(value: Json) -> str:
    """Return gzip of JSON in base64; the same value gives the same text."""
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, mtime=0)).decode("ascii")


def _searched(case: Case) -> str:
    replies = [said.text for said in case.said.values()]
    return "\n".join([case.item.id, case.prompt, case.wanted, *replies]).lower()


def _script(value: Json) -> str:
    """Return JSON that may stand in a script: it closes no tag and has no invisible line end."""
    return (
        str(htmlsafe_json_dumps(value, ensure_ascii=False, separators=(",", ":")))
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _facts(said: Said) -> str:
    value = "" if said.value is None else f"{100 * said.value:.0f}"
    read = f"read as {said.answer}" if said.answer and said.answer != said.text else ""
    read = read if len(read) < 40 else ""
    state = "" if said.state == "ok" else said.state
    return ", ".join(part for part in (value, read, state, *said.marks) if part)


def _pieces(case: Case, system: str) -> Iterator[Piece]:
    """Yield a reply in pieces, marked where its neighbour has not the same words."""
    other = case.said.get("parent" if system == "child" else "child")
    text = case.said[system].text
    if not text.strip():
        return
    yield from compare_words(text, other.text) if other else [Piece(text, is_new=False)]
