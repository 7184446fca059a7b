"""The HTTP client under every SDK: sends only what is meant, to one host, and hides the key.

The SDK above it never holds the key, only a placeholder, which it puts where its vendor wants the
key: there the key stands below, and is taken out of what comes back.
"""

import httpx2

from .key import Key

_SENT_HEADERS = frozenset({"host", "accept", "content-type", "content-length", "connection"})
"""All others that an SDK adds describe this machine, or come from its environment."""
_OF_THE_ENCODING = frozenset({"content-encoding", "content-length", "transfer-encoding"})


PLACEHOLDER = "lokal-puts-the-key-here"
"""What an SDK is given as its key."""


def clean_client(
    *,
    key: Key,
    url: str,
    is_local: bool,
    sent_headers: frozenset[str] = frozenset(),
) -> httpx2.AsyncClient:
    """Return a client that follows no redirect, and takes no proxy for this machine.

    Args:
        key: takes the placeholder's place; may not be seen in a reply.
        url: the only place that is asked: scheme, host and port.
        is_local: whether the service runs on this machine; a proxy would carry questions away.
        sent_headers: which the service needs beside the usual ones, in small letters.
    """
    inner = httpx2.AsyncClient(
        trust_env=not is_local,
        follow_redirects=False,  # to a host that nobody has agreed to
        limits=httpx2.Limits(max_connections=None),  # ``parallel`` alone limits
    )
    return httpx2.AsyncClient(
        trust_env=False,  # the inner client sees to proxies
        follow_redirects=False,
        transport=_CleanTransport(
            inner, key, _SENT_HEADERS | sent_headers, _origin(httpx2.URL(url))
        ),
    )


class _CleanTransport(httpx2.AsyncBaseTransport):
    """Passes requests on with a few headers and the key; reads the whole reply."""

    def __init__(
        self,
        inner: httpx2.AsyncClient,
        key: Key,
        sent_headers: frozenset[str],
        origin: tuple[str, str, int | None],
    ) -> None:
        self._inner, self._key = inner, key
        self._sent_headers, self._origin = sent_headers, origin

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if _origin(request.url) != self._origin:
            raise httpx2.ConnectError(f"{request.url.host} is another host than was agreed to")
        outgoing = httpx2.Request(
            request.method,
            request.url,
            headers={**self._headers(request), "user-agent": "lokal"},
            content=await request.aread(),
            extensions=request.extensions,
        )
        found = await self._inner.send(outgoing)
        headers = [
            (name, self._key.clean(value))
            for name, value in found.headers.multi_items()
            if name.lower() not in _OF_THE_ENCODING
        ]
        return httpx2.Response(
            found.status_code,
            headers=headers,
            content=self._key.clean_bytes(found.content),
            request=request,
            extensions={"reason_phrase": found.reason_phrase.encode("ascii", "replace")},
        )

    def _headers(self, request: httpx2.Request) -> dict[str, str]:
        """Return the headers that are meant, and those with the key, if there is one."""
        sent = {}
        for name, value in request.headers.items():
            if PLACEHOLDER in value and self._key.value:
                sent[name] = value.replace(PLACEHOLDER, self._key.value)
            elif name.lower() in self._sent_headers:
                sent[name] = value
        return sent

    async def aclose(self) -> None:
        await self._inner.aclose()


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
