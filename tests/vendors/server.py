"""A loopback server in the formats of all vendors; bills, counts, and fails by schedule."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from ..servers.acts import ActingHandler, Late, QuietServer
from .anthropic_wire import AnthropicWire
from .bedrock_wire import BedrockWire
from .counts import Counts
from .desk import Desk
from .faults import Schedule, loss, refusal
from .gemini_wire import GeminiWire
from .jobs import Jobs
from .openai_wire import OpenAIWire
from .said import Prompt, Said, usual_answer
from .streams import stream_of
from .wire import Asked, Call, Refused, Wire

PATHS = {
    "openai": "/openai/v1",
    "anthropic": "/anthropic",
    "google": "/google",
    "bedrock": "/bedrock",
    "vertex": "/vertex/v1",
    "azure": "/azure/v1",
    "openai_compatible": "/openai_compatible/v1",
}
_WIRES: dict[str, Wire] = {
    "openai": OpenAIWire(),
    "anthropic": AnthropicWire(),
    "google": GeminiWire(),
    "bedrock": BedrockWire(),
    "vertex": OpenAIWire(),
    "azure": OpenAIWire(),
    "openai_compatible": OpenAIWire(),
}

_REQUEST_ID: dict[str, str] = dict.fromkeys(
    ("x-request-id", "request-id", "x-amzn-requestid"), "req_1"
)


class VendorServer:
    """Use it with ``with``; what was asked stands in ``asked``.

    Args:
        rules: of the schedule of faults.
        answer: what is said to a prompt.
        models: which are served; None: any.
        key: which alone lets anybody in; None: any key does, and a server of one's own wants none.
        polls: how often a batch is looked at before it has ended.
        batch_ends: ended, expired (half of it) or failed.
        counts_file: keeps the counts from one start to the next.
        port: 0 for any free one.
    """

    def __init__(
        self,
        rules: list[dict] | None = None,
        *,
        answer: Callable[[Prompt], Said] = usual_answer,
        models: list[str] | None = None,
        key: str | None = None,
        polls: int = 1,
        batch_ends: str = "ended",
        counts_file: Path | None = None,
        port: int = 0,
    ) -> None:
        self.counts = Counts(counts_file)
        self.jobs = Jobs(polls=polls, ends=batch_ends)
        self.desk = Desk(
            answer=answer,
            schedule=Schedule(rules),
            counts=self.counts,
            jobs=self.jobs,
            models=models,
        )
        self.key = key
        self.say_host = ""
        """Where the results of a batch are said to lie; empty: here."""
        self.asked: list[Asked] = []
        self.closed = threading.Event()
        handler = type("Handler", (_Handler,), {"server_of_all": self, "closed": self.closed})
        self._http = QuietServer(("127.0.0.1", port), handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def url(self, vendor: str) -> str:
        """Return the ``base_url`` of a vendor."""
        return f"{self.address}{PATHS[vendor]}"

    def fail(self, rules: list[dict]) -> None:
        """Take another schedule."""
        self.desk.schedule = Schedule(rules)

    def __enter__(self) -> "VendorServer":
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._http.shutdown()
        self._http.server_close()

    def serve(self) -> None:
        """Serve until interrupted."""
        self._http.serve_forever()


class _Handler(ActingHandler):
    server_of_all: VendorServer

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        content = self.body()
        if parts.path == "/counts":
            self.send_json(200, self.server_of_all.counts.told())
        elif parts.path == "/faults":
            self.server_of_all.fail(json.loads(content))
            self.send_json(200, {})
        else:
            self._handle_vendor(parts.path, dict(parse_qsl(parts.query)), content)

    def _handle_vendor(self, path: str, query: dict[str, str], content: bytes) -> None:
        _, vendor, *rest = path.split("/")
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers["host"] = self.server_of_all.say_host or headers["host"]
        asked = Asked(vendor, self.command, f"/{'/'.join(rest)}", query, headers, content)
        if vendor not in _WIRES:
            self.send_json(404, {"error": {"message": f"no vendor {vendor}"}})
            return
        wire, desk = _WIRES[vendor], self.server_of_all.desk
        self.server_of_all.asked.append(asked)
        try:
            call = wire.call(asked, desk)
            if call is None:
                raise Refused(404, f"nothing at {path}")
            number = desk.counts.arrive(vendor, call.on)
            self._refuse_strangers(wire, asked)
            rule = desk.schedule.rule(call.on, number=number, vendor=vendor, prompt=call.prompt)
            self._do(wire, asked, call, rule)
        except Refused as error:
            self._error(wire, error, {})
        except (KeyError, TypeError, ValueError) as error:
            self._error(wire, Refused(400, f"cannot read the request: {error!r}"), {})

    def _refuse_strangers(self, wire: Wire, asked: Asked) -> None:
        key, wanted = wire.key(asked.headers), self.server_of_all.key
        needs_one = asked.vendor != "openai_compatible"
        if (wanted is not None and key != wanted) or (needs_one and not key):
            raise Refused(401, "no such key")

    def _do(self, wire: Wire, asked: Asked, call: Call, rule: dict | None) -> None:
        if refused := refusal(rule):
            status = refused.status
            error = Refused(status.code, status.message, refused.reason)
            self._error(wire, error, status.headers)
            return
        lost = loss(rule)
        body = self._made(wire, asked, call, rule, is_lost=lost is not None)
        if lost is not None:
            self.fail(lost)
            if not isinstance(lost, Late):
                return
        self.server_of_all.counts.status(200)
        stream = None
        if call.streams and isinstance(body, dict):
            stream = stream_of(asked.vendor, asked.path, body)
        if stream is not None:
            self.send_bytes(200, stream, kind="text/event-stream")
        elif isinstance(body, bytes):
            self.send_bytes(200, body, kind="application/octet-stream")
        else:
            self.send_json(200, body, _REQUEST_ID)

    def _made(
        self, wire: Wire, asked: Asked, call: Call, rule: dict | None, *, is_lost: bool
    ) -> dict | bytes:
        """Return the reply's body; an answer is billed, whether it arrives or not."""
        if call.prompt is None:
            assert call.work is not None
            return call.work()
        desk = self.server_of_all.desk
        if not desk.serves(call.prompt.model):
            raise Refused(404, f"no model {call.prompt.model}")
        said, tokens = desk.answer(call.prompt, rule)
        kind = "lost" if is_lost else "billed"
        desk.counts.bill(asked.vendor, call.prompt.model, tokens, kind=kind)
        return wire.answer(asked, call.prompt, said, tokens)

    def _error(self, wire: Wire, error: Refused, headers: dict[str, str]) -> None:
        self.server_of_all.counts.status(error.code)
        body, own = wire.error(error.code, error.message, error.reason)
        self.send_json(error.code, body, {**own, **headers})
