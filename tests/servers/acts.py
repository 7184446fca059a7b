"""What a loopback server does instead of answering well, and the handler that does it."""

import json
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, NamedTuple

_NO_LINGER = struct.pack("ii", 1, 0)


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


class Late(NamedTuple):
    """A whole reply after so many seconds, or none if the server ends before."""

    seconds: float = 30.0


class Hangup(NamedTuple):
    """A connection that is closed without a word."""


class Reset(NamedTuple):
    """A connection that is torn down."""


Fault = Status | HalfBody | NoJson | Drip | Late | Hangup | Reset


class QuietServer(ThreadingHTTPServer):
    """Ends with its process, and does not speak of clients that were killed."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was killed or cancelled."""


class ActingHandler(BaseHTTPRequestHandler):
    """Sends JSON, or fails as it is told."""

    protocol_version = "HTTP/1.1"
    closed: ClassVar[threading.Event]

    def body(self) -> bytes:
        """Return what was sent."""
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def send_json(self, code: int, value: object, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(code, json.dumps(value).encode(), headers)

    def send_bytes(
        self,
        code: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        kind: str = "application/json",
    ) -> None:
        self._begin(code, len(body), headers, kind=kind)
        self.wfile.write(body)

    def fail(self, fault: Fault) -> None:
        """Do anything but answer; ``Late`` only waits, and a status has its vendor's own body."""
        match fault:
            case HalfBody():
                self._begin(200, 1000)
                self.wfile.write(b'{"choices": [')
                self.close_connection = True
            case NoJson():
                self.send_bytes(200, b"<ok>")
            case Drip(seconds):
                self._drip(seconds)
            case Late(seconds):
                self.closed.wait(seconds)
            case Hangup():
                self.close_connection = True
            case Reset():
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                self.connection.close()
                self.close_connection = True
            case Status():
                self.send_json(fault.code, {"error": {"message": fault.message}}, fault.headers)

    def _drip(self, seconds: float) -> None:
        self._begin(200, 10_000)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.closed.is_set():
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                break
            time.sleep(0.02)
        self.close_connection = True

    def _begin(
        self,
        code: int,
        length: int,
        headers: dict[str, str] | None = None,
        *,
        kind: str = "application/json",
    ) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass
