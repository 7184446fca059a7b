"""The pages of the review: a reviewer's votes, and the owner's view of all."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse
from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.responses import Response

from ..report.items.case import Case
from ..report.items.chips import show
from ..report.numbers import percent, span
from .agreement import agreement
from .desk import TAGS, Desk, Said, is_blind
from .export import to_comparator, to_csv, to_json_lines, to_judge_votes, to_parquet
from .guard import Guard
from .schedule import Slot
from .tally import preferences
from .votes import LETTERS, Choice, Vote

_STATIC = {
    "style.css": "lokal.evaluation.report",
    "review.css": "lokal.evaluation.review.pages",
    "vote.js": "lokal.evaluation.review.pages",
}
_KINDS = {".css": "text/css", ".js": "text/javascript", ".woff2": "font/woff2"}
_LONGEST_FORM = 200_000
_SEEN_ELSEWHERE = "That one has its vote already, perhaps from another tab. This is the next."


def make_app(
    desk: Desk,
    cases: Sequence[Case],
    *,
    hosts: Sequence[str],
    now: Callable[[], datetime],
    report: Path | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        desk: that keeps the votes.
        cases: all items, for exports.
        hosts: exact values of the Host header that are answered.
        now: returns the time of a vote.
        report: folder of the static report, shown to the owner.
    """
    app = FastAPI(title="lokal review", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, hosts=hosts)
    pages = _environment()
    by_item = {(case.region, case.suite, case.item.id): case for case in cases}
    _add_static(app)
    _add_reviewer(app, desk, pages, now)
    _add_owner(app, desk, pages, by_item, report)
    return app


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: _text("lokal.evaluation.review.pages", name)),
    )
    environment.globals.update(
        show=show, percent=percent, span=span, number=_number, letters=LETTERS, tags=TAGS
    )
    return environment


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _add_static(app: FastAPI) -> None:
    content = {name: _text(package, name).encode() for name, package in _STATIC.items()}
    for font in files("lokal.evaluation.report").joinpath("fonts").iterdir():
        content[f"fonts/{font.name}"] = font.read_bytes()

    @app.get("/static/{name:path}")
    def static(name: str) -> Response:
        if name not in content:
            return _missing()
        kind = _KINDS.get(Path(name).suffix, "text/plain")
        return Response(content[name], media_type=kind)


def _add_reviewer(
    app: FastAPI, desk: Desk, pages: Environment, now: Callable[[], datetime]
) -> None:
    @app.get("/r/{token}/")
    def current(token: str, seen: str = "") -> Response:
        reviewer = desk.reviewer(token)
        if reviewer is None:
            return _missing()
        note = _SEEN_ELSEWHERE if seen else ""
        return HTMLResponse(_vote_page(desk, pages, reviewer, note=note))

    @app.post("/r/{token}/vote")
    async def vote(token: str, request: Request) -> Response:
        reviewer = desk.reviewer(token)
        if reviewer is None:
            return _missing()
        form = _form(await _body(request))
        slot = _one(form, "slot")
        if not desk.is_form(reviewer, slot, _one(form, "key")):
            return PlainTextResponse("this form was not made here: open your link again", 403)
        try:
            is_new = desk.vote(reviewer, slot, _said(form), now=now())
        except (ValueError, TypeError) as error:
            return PlainTextResponse(f"{error}: open your link again", 400)
        return RedirectResponse("./" if is_new else "./?seen=1", 303)

    @app.post("/r/{token}/undo")
    async def undo(token: str, request: Request) -> Response:
        reviewer = desk.reviewer(token)
        if reviewer is None:
            return _missing()
        last = desk.last(reviewer)
        # The key names the vote that was seen: a second click takes no second vote back.
        if last and desk.is_form(reviewer, last[0].id, _one(_form(await _body(request)), "key")):
            desk.undo(reviewer, now=now())
        return RedirectResponse("./", 303)


def _vote_page(desk: Desk, pages: Environment, reviewer: str, *, note: str) -> str:
    slot, last = desk.current(reviewer), desk.last(reviewer)
    shared = {
        "reviewer": reviewer,
        "progress": desk.progress(reviewer),
        "note": note,
        "last": _told(*last) if last else "",
        "undo_key": desk.form_key(reviewer, last[0].id) if last else "",
    }
    if slot is None:
        return pages.get_template("done.html").render(shared)
    return pages.get_template("vote.html").render(
        shared,
        slot=slot,
        key=desk.form_key(reviewer, slot.id),
        texts=slot.texts(),
        rubric=_rubric(slot.case),
    )


def _told(slot: Slot, vote: Vote) -> str:
    """Return what is said of the last vote: who stood where; nothing of a golden pair."""
    if is_blind(slot.kind):
        return f"you said {vote.choice}"
    names = ", ".join(f"{LETTERS[n].upper()} was {name}" for n, name in enumerate(vote.sides))
    return f"{names}; you said {vote.choice}"


def _rubric(case: Case) -> list[str]:
    points = case.item.row.get("rubric")
    return [str(point) for point in points] if isinstance(points, list) else []


def _said(form: Mapping[str, Sequence[str]]) -> Said:
    sides = {
        name.removeprefix("rubric-"): several
        for name, several in form.items()
        if name.startswith("rubric-")
    }
    spans = json.loads(_one(form, "spans") or "[]")
    return Said(
        choice=Choice(_one(form, "choice")),
        tags=form.get("tags", []),
        comment=_one(form, "comment").replace("\r\n", "\n"),
        spans=[[int(part) for part in span] for span in spans],
        rubric={side: several for side, several in sides.items() if side in LETTERS},
        seconds=float(_one(form, "seconds") or 0),
    )


def _add_owner(
    app: FastAPI,
    desk: Desk,
    pages: Environment,
    cases: Mapping[tuple[str, str, str], Case],
    report: Path | None,
) -> None:
    exports: dict[str, Callable[[Sequence[Vote]], str | bytes]] = {
        "votes.csv": to_csv,
        "votes.jsonl": to_json_lines,
        "votes.parquet": to_parquet,
        "judge-votes.jsonl": to_judge_votes,
        "llm-comparator.json": lambda votes: to_comparator(votes, cases),
    }

    @app.get("/o/{token}/")
    def overview(token: str) -> Response:
        if not desk.is_owner(token):
            return _missing()
        votes = list(desk.log.votes.values())
        return HTMLResponse(
            pages.get_template("owner.html").render(
                has_report=report is not None,
                num_votes=sum(vote.counts for vote in votes),
                systems=desk.systems,
                preferences=preferences(votes),
                agreement=agreement(votes),
                exports=list(exports),
                reviewers=[
                    (name, desk.progress(name), f"/r/{desk.token(name)}/") for name in desk.rows
                ],
            )
        )

    @app.get("/o/{token}/export/{name}")
    def export(token: str, name: str) -> Response:
        if not desk.is_owner(token) or name not in exports:
            return _missing()
        return Response(
            exports[name](list(desk.log.votes.values())),
            media_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @app.get("/o/{token}/report/{name:path}")
    def report_file(token: str, name: str) -> Response:
        if report is None or not desk.is_owner(token):
            return _missing()
        path = (report / name).resolve()
        if not path.is_relative_to(report.resolve()) or not path.is_file():
            return _missing()
        return FileResponse(path)


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _missing() -> Response:
    return PlainTextResponse("there is no such page: check the link", 404)


async def _body(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _LONGEST_FORM:
            raise ValueError("the form is too long")
    return content


def _form(body: bytes) -> dict[str, list[str]]:
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)


def _one(form: Mapping[str, Sequence[str]], name: str) -> str:
    return form.get(name, [""])[0]
