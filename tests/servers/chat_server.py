"""A loopback server that speaks OpenAI's chat completions, and fails in every way it is told to."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

MODEL = "tiny-id"


class Said(NamedTuple):
    """A whole completion."""

    text: str = "sports"
    end: str | None = "stop"
    refusal: str | None = None
    model: str = MODEL
    usage: bool = True


class Status(NamedTuple):
    """An HTTP error."""

    code: int
    message: str = "because"
    headers: dict[str, str] = {}  # noqa: RUF012  never changed


class HalfBody(NamedTuple):
    """A body that ends before its length."""


class NoJson(NamedTuple):
    """A whole body of something else."""


class Drip(NamedTuple):
    """A body that comes a byte at a time."""

    seconds: float = 30.0


class Hangup(NamedTuple):
    """A connection that is closed without a word."""


Act = Said | Status | HalfBody | NoJson | Drip | Hangup
Reply = Callable[[dict, int], Act]
"""What to do for a request's body and its number, from 0."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was killed or cancelled."""


class ChatServer:
    """Use it with ``with``; what was asked stands in ``asked`` and ``headers``."""

    def __init__(self, reply: Reply, *, models: list[str] | Status | None = None) -> None:
        self.reply = reply
        self.models = [MODEL] if models is None else models
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._http = _QuietServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def prompts(self) -> list[str]:
        """Return the last turn of everything that was asked."""
        return [body["messages"][-1]["content"] for body in self.asked]

    def note(self, body: dict, headers: dict[str, str]) -> int:
        """Return the request's number."""
        with self._lock:
            self.asked.append(body)
            self.headers.append(headers)
            return len(self.asked) - 1

    def __enter__(self) -> "ChatServer":
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if isinstance(server.models, Status):
                    self._error(server.models)
                else:
                    self._json(200, {"data": [{"id": name} for name in server.models]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                match server.reply(body, server.note(body, headers)):
                    case Said() as said:
                        self._json(200, _completion(said))
                    case Status() as status:
                        self._error(status)
                    case HalfBody():
                        self._begin(200, 1000)
                        self.wfile.write(b'{"choices": [')
                        self.close_connection = True
                    case NoJson():
                        self._begin(200, 4)
                        self.wfile.write(b"<ok>")
                    case Drip(seconds):
                        self._drip(seconds)
                    case Hangup():
                        self.close_connection = True

            def _drip(self, seconds: float) -> None:
                self._begin(200, 10_000)
                deadline = time.monotonic() + seconds
                while time.monotonic() < deadline and not server._closed.is_set():
                    try:
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    except OSError:
                        break
                    time.sleep(0.02)
                self.close_connection = True

            def _error(self, status: Status) -> None:
                self._json(status.code, {"error": {"message": status.message}}, status.headers)

            def _json(self, code: int, value: dict, headers: dict[str, str] | None = None) -> None:
                text = json.dumps(value).encode()
                self._begin(code, len(text), headers)
                self.wfile.write(text)

            def _begin(self, code: int, length: int, headers: dict[str, str] | None = None) -> None:
                self.send_response(code)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(length))
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


def _completion(said: Said) -> dict:
    message = {"role": "assistant", "content": said.text, "refusal": said.refusal}
    content = {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": said.model,
        "system_fingerprint": "b1",
        "choices": [{"index": 0, "message": message, "finish_reason": said.end}],
    }
    if said.usage:
        content["usage"] = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}
    return content
