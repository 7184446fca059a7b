"""Where a server is, what it serves, and how hard it may be asked."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ...data.loopback import is_loopback
from ..vendors.key import check_key_name


@dataclass(kw_only=True, slots=True)
class ServerConfig:
    """A server that speaks OpenAI's chat completions."""

    url: str
    """Its address up to and with ``/v1``, without user, password or query."""
    model: str
    """The name that it serves the model under."""
    revision: str = ""
    """What is served, as a commit and a quantisation. Empty: the address stands for it."""
    licence: str = ""
    """Of the model, for cards and reports."""
    api_key_env: str = ""
    """NAME of the environment variable with the key, never the key. Empty: no key is sent."""
    timeout_seconds: float
    """Longest time for one whole reply."""
    parallel: int
    """Requests in flight."""
    retry_seconds: float = 900.0
    """Longest time in which one item is asked again and again."""
    may_leave: bool = False
    """Allows the items to be sent to another machine, if their suites do so too."""
    accept_pii: bool = False
    """Lets prompts with personal values be sent there."""

    def __post_init__(self) -> None:
        self._check_url()
        if not self.model:
            raise ValueError("server.model is empty: name it as the server does (GET /v1/models)")
        check_key_name(self.api_key_env, field="server.api_key_env")
        if self.parallel < 1:
            raise ValueError(f"server.parallel must be 1 or more, got {self.parallel}")
        for name in ("timeout_seconds", "retry_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"server.{name} must be above 0, got {getattr(self, name)}")

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
            is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
        except ValueError:
            is_whole, is_bare = False, True
        if not is_bare or "@" in self.url:
            raise ValueError(
                "server.url must hold no user, password or query: name the variable with the key "
                "in server.api_key_env"
            )
        if not is_whole:
            raise ValueError(f"server.url must be as http://127.0.0.1:8000/v1, got {self.url!r}")
        if not self.is_local and not self.may_leave:
            raise ValueError(
                f"server.url is on another machine ({self.host}), so the items would leave this "
                "one: server.may_leave=true if their licences and your rules allow it"
            )

    @property
    def host(self) -> str:
        """Return the host's name or number."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Return whether what is sent stays on this machine."""
        return is_loopback(self.host)
