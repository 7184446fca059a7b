"""Opens the desk on a run's replies and serves its pages until it is stopped."""

import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from ...data.errors import UserError
from ...data.loopback import is_loopback
from ...data.progress import say
from ..comparison.language import check_replies
from ..comparison.load import load_tasks
from ..report.items.case import Case, cases_of_tasks
from .app import make_app
from .desk import Desk
from .settings import ReviewConfig
from .votes import read_events, standing_votes

_LOOPBACK = ("127.0.0.1", "localhost")


def serve(config: ReviewConfig) -> None:
    """Serve the pages; ends with Ctrl-C or SIGTERM, votes are on disk before.

    Raises:
        UserError: nothing to compare, the log is in use, or the address cannot be had.
    """
    cases = read_cases(config)
    desk = Desk(
        config.folder,
        cases,
        reviewers=config.reviewers,
        systems=config.side_by_side,
        config=config.schedule,
    )
    with desk.log, _listen(config) as listener:
        if config.import_votes is not None:
            _import(desk, Path(config.import_votes))
        port = listener.getsockname()[1]
        _say_links(desk, config, port)
        app = make_app(
            desk,
            cases,
            hosts=_hosts(config, port),
            now=lambda: datetime.now(UTC),
            report=config.report if config.report.is_dir() else None,
        )
        settings = uvicorn.Config(
            app, log_level="error", access_log=False, server_header=False, timeout_keep_alive=60
        )
        uvicorn.Server(settings).run(sockets=[listener])


def read_cases(config: ReviewConfig) -> list[Case]:
    """Return the items of all regions that have reviewers, with the run's replies.

    Raises:
        UserError: items or replies are missing.
    """
    cases: list[Case] = []
    for region in config.reviewers:
        tasks = load_tasks(config, region, child=config.child_of(region)).tasks
        cases += cases_of_tasks(region, tasks, checked=check_replies(tasks))
    if not cases:
        raise UserError(
            f"{config.generations('')} has no replies of parent and child to suite="
            f"{config.suite.name}: name the suite that compare was told, or run evaluate first"
        )
    return cases


def _import(desk: Desk, path: Path) -> None:
    if not path.is_file():
        raise UserError(f"import_votes={path} does not exist: name the votes.jsonl of a review")
    votes = list(standing_votes(read_events(path)).values())
    num_new = sum(desk.log.add(replace(vote, undone=False)) for vote in votes)
    say("review", f"took over {num_new} of {len(votes)} votes from {path}")


def _listen(config: ReviewConfig) -> socket.socket:
    try:
        return socket.create_server((config.host, config.port), backlog=128)
    except OSError as error:
        raise UserError(
            f"{config.host}:{config.port} cannot be had ({error.strerror}): choose port=0 for a "
            "free one, or another host"
        ) from error


def _hosts(config: ReviewConfig, port: int) -> Sequence[str]:
    if config.public_host:
        return [config.public_host, *(f"{name}:{port}" for name in _LOOPBACK)]
    names = _LOOPBACK if is_loopback(config.host) else (config.host, *_LOOPBACK)
    return [f"{name}:{port}" for name in names]


def _say_links(desk: Desk, config: ReviewConfig, port: int) -> None:
    place = f"http://{config.public_host or f'{config.host}:{port}'}"
    if not is_loopback(config.host):
        say("review", "listens beyond this machine, without encryption: use a trusted network")
    say("review", f"votes go to {desk.log.path}; Ctrl-C ends it, nothing is lost")
    say("review", f"all votes, agreement, export: {place}/o/{desk.token('')}/")
    for name in desk.rows:
        say("review", f"{name}: {place}/r/{desk.token(name)}/")
