"""A loopback server that speaks OpenAI's chat completions, and fails in every way it is told to."""

import json
import threading
from collections.abc import Callable
from typing import NamedTuple

from .acts import ActingHandler, Drip, HalfBody, Hangup, NoJson, QuietServer, Status

__all__ = ["MODEL", "ChatServer", "Drip", "HalfBody", "Hangup", "NoJson", "Said", "Status"]

MODEL = "tiny-id"


class Said(NamedTuple):
    """A whole completion."""

    text: str = "sports"
    end: str | None = "stop"
    refusal: str | None = None
    model: str = MODEL
    usage: bool = True
    prompt_tokens: int = 20
    reply_tokens: int = 3


Act = Said | Status | HalfBody | NoJson | Drip | Hangup
Reply = Callable[[dict, int], Act]
"""What to do for a request's body and its number, from 0."""


class ChatServer:
    """Use it with ``with``; what was asked stands in ``asked`` and ``headers``."""

    def __init__(
        self, reply: Reply, *, models: list[str] | Status | None = None, port: int = 0
    ) -> None:
        self.reply = reply
        self.models = [MODEL] if models is None else models
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._http = QuietServer(("127.0.0.1", port), self._handler())

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

    def _handler(self) -> type[ActingHandler]:
        server = self

        class Handler(ActingHandler):
            closed = server._closed

            def do_GET(self) -> None:
                if isinstance(server.models, Status):
                    self.fail(server.models)
                else:
                    self.send_json(200, {"data": [{"id": name} for name in server.models]})

            def do_POST(self) -> None:
                body = json.loads(self.body())
                headers = {name.lower(): value for name, value in self.headers.items()}
                act = server.reply(body, server.note(body, headers))
                if isinstance(act, Said):
                    self.send_json(200, _completion(act))
                else:
                    self.fail(act)

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
        content["usage"] = {
            "prompt_tokens": said.prompt_tokens,
            "completion_tokens": said.reply_tokens,
            "total_tokens": said.prompt_tokens + said.reply_tokens,
        }
    return content
