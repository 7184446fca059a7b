"""From the settings of a model to the adapter that asks it; only its own SDK is imported."""

from ...data.errors import UserError
from ...data.manifest import Json
from .key import Key
from .settings import VendorConfig, VendorKind
from .vendor import Vendor

_ADAPTER_VERSIONS = {
    VendorKind.openai: 1,
    VendorKind.anthropic: 1,
    VendorKind.google: 1,
    VendorKind.bedrock: 1,
    VendorKind.vertex: 1,
    VendorKind.azure: 1,
    VendorKind.openai_compatible: 1,
}
"""Raised when an adapter sends or reads anything differently: answers before and after differ."""


def build_vendor(config: VendorConfig) -> Vendor:
    """Return the adapter of a model.

    Raises:
        UserError: the named variable holds no key, or the SDK is not installed.
    """
    key = Key.read(config.api_key_env, field="baseline.api_key_env")
    try:
        return _adapter(config, key)
    except ImportError as error:
        raise UserError(
            f"vendor={config.vendor} needs the package {error.name}: pip install 'lokal[vendors]'"
        ) from error


def system_facts(config: VendorConfig) -> dict[str, Json]:
    """Return what tells one system from another, for ``question_key``."""
    facts: dict[str, Json] = {
        "vendor": str(config.vendor),
        "model": config.model,
        "effort": config.effort,
        "temperature": config.temperature,
        "seed": config.seed,
        "min_output_tokens": config.min_output_tokens,
        "adapter_version": _ADAPTER_VERSIONS[config.vendor],
    }
    if config.vendor in (VendorKind.openai_compatible, VendorKind.azure):
        # Whoever runs the server decides what stands behind a name.
        facts["url"] = config.base_url.rstrip("/")
        facts["deployment"] = config.deployment
    return facts


def _adapter(config: VendorConfig, key: Key) -> Vendor:
    match config.vendor:
        case VendorKind.openai:
            from .openai import OpenAIVendor

            return OpenAIVendor(config, key)
        case VendorKind.anthropic:
            from .anthropic import AnthropicVendor

            return AnthropicVendor(config, key)
        case VendorKind.google:
            from .google import GoogleVendor

            return GoogleVendor(config, key)
        case VendorKind.bedrock:
            from .bedrock import BedrockVendor

            return BedrockVendor(config, key)
        case VendorKind.vertex | VendorKind.azure | VendorKind.openai_compatible:
            from .chat import ChatVendor

            return ChatVendor(config, key)
