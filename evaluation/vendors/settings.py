"""One model of one vendor: where it is, how it is asked, how hard, and on what terms."""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import urlsplit

from ...data.loopback import is_loopback
from .key import check_key_name


class VendorKind(StrEnum):
    """Whose API is spoken."""

    openai = "openai"
    anthropic = "anthropic"
    google = "google"
    bedrock = "bedrock"
    vertex = "vertex"
    azure = "azure"
    openai_compatible = "openai_compatible"


_NO_TEMPERATURE = frozenset({VendorKind.anthropic})
_WITH_SEED = frozenset(
    {VendorKind.google, VendorKind.vertex, VendorKind.azure, VendorKind.openai_compatible}
)
_EFFORTS = {
    VendorKind.openai: ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    VendorKind.anthropic: ("low", "medium", "high", "xhigh", "max"),
    VendorKind.google: ("minimal", "low", "medium", "high", "xhigh"),
}
"""As the SDKs list them; what a single model takes, only its vendor knows."""
_WITH_BATCHES = frozenset({VendorKind.openai, VendorKind.anthropic, VendorKind.google})
_OWN_URLS = {
    VendorKind.openai: "https://api.openai.com/v1",
    VendorKind.anthropic: "https://api.anthropic.com",
}


@dataclass(kw_only=True, slots=True)
class VendorConfig:
    """A model that is asked over the network, for money or on this machine."""

    vendor: VendorKind
    model: str
    """As the vendor names it; a dated name where there is one."""
    label: str = ""
    """For tables; empty: the model."""
    base_url: str = ""
    """Empty: the vendor's own address."""
    api_key_env: str
    """NAME of the environment variable with the key, never the key. Empty: no key is sent."""
    project: str = ""
    """Of the cloud."""
    location: str = ""
    """Region of the cloud."""
    deployment: str = ""
    """azure: name of the deployment, where it is not the model's."""
    api_version: str = ""
    """azure: for the ``api-version`` of the query, where the resource wants one."""
    temperature: float | None = None
    """None: the vendor's default."""
    seed: int | None = None
    effort: str = ""
    """Of reasoning; empty: the vendor's default. Part of the system's name."""
    min_output_tokens: int = 0
    """Floor under the longest answer, for models whose reasoning counts as output."""
    licence: str
    """Terms of use of the answers."""
    source: str
    """Where model and terms are described."""
    retires: str = ""
    """Day of the model's end, as 2027-01-14; empty: not known."""
    timeout_seconds: float
    """Longest time for one whole answer."""
    parallel: int
    """Requests in flight."""
    requests_per_minute: int
    tokens_per_minute: int
    batch: bool = False
    """Asks by the vendor's batch interface, at half the price, within a day."""

    def __post_init__(self) -> None:
        self.vendor = VendorKind(self.vendor)
        check_key_name(self.api_key_env, field="baseline.api_key_env")
        if not self.model:
            raise ValueError("baseline.model is empty: name it as the vendor does")
        self._check_url()
        self._check_sampling()
        self._check_limits()

    def _check_url(self) -> None:
        if needed := self._missing_place():
            raise ValueError(f"baseline.{needed} is empty, and vendor={self.vendor} needs it")
        parts = urlsplit(self.url)
        if parts.username or parts.password or parts.query or parts.fragment or "@" in self.url:
            raise ValueError(
                "baseline.base_url must hold no user, password or query: name the variable with "
                "the key in baseline.api_key_env"
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(
                f"baseline.base_url must be as http://127.0.0.1:8000/v1, got {self.url!r}"
            )
        if parts.scheme == "http" and not self.is_local and self.api_key_env:
            raise ValueError(
                f"baseline.base_url must begin with https, got {self.url!r}: the key would be "
                "readable on the way"
            )
        if self.deployment and self.vendor is not VendorKind.azure:
            raise ValueError(f"baseline.deployment is azure's, and vendor={self.vendor}")

    def _missing_place(self) -> str:
        """Return the first setting that the address lacks."""
        match self.vendor:
            case VendorKind.azure | VendorKind.openai_compatible if not self.base_url:
                return "base_url"
            case VendorKind.vertex if not (self.base_url or self.project):
                return "project"
            case VendorKind.vertex | VendorKind.bedrock if not (self.base_url or self.location):
                return "location"
            case VendorKind.google if self.location and not self.project:
                return "project"
        for name in ("project", "location"):
            if not re.fullmatch(r"[A-Za-z0-9_.:-]*", getattr(self, name)):
                raise ValueError(f"baseline.{name} is no name, got {getattr(self, name)!r}")
        return ""

    def _check_sampling(self) -> None:
        if self.temperature is not None and self.vendor in _NO_TEMPERATURE:
            raise ValueError(
                f"baseline.temperature: the SDK of vendor={self.vendor} has no temperature; "
                "leave it null, which is the vendor's default"
            )
        if self.temperature is not None and self.temperature < 0:
            raise ValueError(f"baseline.temperature must be 0 or more, got {self.temperature}")
        if self.seed is not None and self.vendor not in _WITH_SEED:
            raise ValueError(
                f"baseline.seed: the interface of vendor={self.vendor} has no seed, leave it null"
            )
        known = _EFFORTS.get(self.vendor)
        if self.effort and known is not None and self.effort not in known:
            raise ValueError(
                f"baseline.effort of vendor={self.vendor} must be one of {', '.join(known)}, "
                f"got {self.effort!r}"
            )

    def _check_limits(self) -> None:
        for name in ("timeout_seconds", "parallel", "requests_per_minute", "tokens_per_minute"):
            if getattr(self, name) <= 0:
                raise ValueError(f"baseline.{name} must be above 0, got {getattr(self, name)}")
        if self.min_output_tokens < 0:
            raise ValueError(
                f"baseline.min_output_tokens must be 0 or more, got {self.min_output_tokens}"
            )
        if self.batch and not self.has_batches:
            raise ValueError(
                f"baseline.batch: vendor={self.vendor} has no batches here, set it to false"
            )
        if self.retires:
            try:
                date.fromisoformat(self.retires)
            except ValueError as error:
                raise ValueError(
                    f"baseline.retires must be a day as 2027-01-14, got {self.retires!r}"
                ) from error

    @property
    def name(self) -> str:
        """Return the stem of folders: vendor, model and effort."""
        effort = f"-{self.effort}" if self.effort else ""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{self.vendor}-{self.model}{effort}")

    @property
    def url(self) -> str:
        """Return the address that is asked."""
        if self.base_url:
            return self.base_url
        at = "" if self.location in ("", "global") else f"{self.location}-"
        match self.vendor:
            case VendorKind.google if self.project:
                return f"https://{at}aiplatform.googleapis.com"
            case VendorKind.google:
                return "https://generativelanguage.googleapis.com"
            case VendorKind.vertex:
                place = f"projects/{self.project}/locations/{self.location}"
                return f"https://{at}aiplatform.googleapis.com/v1/{place}/endpoints/openapi"
            case VendorKind.bedrock:
                return f"https://bedrock-runtime.{self.location}.amazonaws.com"
        return _OWN_URLS[self.vendor]

    @property
    def host(self) -> str:
        """Return the host's name or number."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_local(self) -> bool:
        """Return whether what is sent stays on this machine."""
        return is_loopback(self.host)

    @property
    def has_batches(self) -> bool:
        """Return whether the vendor's batch interface is spoken; Gemini's in a cloud is not."""
        return self.vendor in _WITH_BATCHES and not self.project

    def longest_output(self, max_tokens: int) -> int:
        """Return the output cap that is sent for a question, and is reserved for it."""
        return max(max_tokens, self.min_output_tokens)
