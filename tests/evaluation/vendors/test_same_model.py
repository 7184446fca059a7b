"""A dated snapshot is the model that was asked; anything else is another one."""

import pytest
from lokal.evaluation.vendors.same_model import same_model


@pytest.mark.parametrize(
    ("asked", "came"),
    [
        ("gpt-x", "gpt-x"),
        ("gpt-x", "gpt-x-2026-01-01"),
        ("gpt-4", "gpt-4-0613"),
        ("claude-y-4-5", "claude-y-4-5-20250929"),
        ("claude-y@20250929", "claude-y@20250929"),
        ("claude-y", "claude-y@20250929"),
        ("claude-y-latest", "claude-y-20250929"),
        ("gemini-z-flash", "models/gemini-z-flash"),
        ("models/gemini-z-flash", "gemini-z-flash-001"),
        ("gemini-z-preview", "gemini-z-preview-05-20"),
        ("gemini-z-preview", "gemini-z-preview-05-2026"),
        ("meta/llama-70b-instruct-maas", "meta/llama-70b-instruct-maas"),
    ],
)
def test_the_same_model(asked: str, came: str) -> None:
    assert same_model(asked, came)


@pytest.mark.parametrize(
    ("asked", "came"),
    [
        ("gpt-x", "gpt-x-mini"),
        ("gpt-x", "gpt-x-mini-2026-01-01"),
        ("gpt-x-2026-01-01", "gpt-x-2026-02-02"),
        ("gpt-x-2026-01-01", "gpt-x"),
        ("gpt-4", "gpt-4o"),
        ("gpt-4-0613", "gpt-4-0613-001"),
        ("llama-3.1", "llama-3.1-405"),
        ("gpt-4", "gpt-4.1-2026-01-01"),
        ("gpt-4.1", "gpt-4x1"),
        ("llama-3.1-70b-instruct", "llama-3.3-70b-instruct"),
        ("gemini-z", "gemini-z-preview"),
        ("meta/llama-70b", "other/llama-70b"),
        ("gpt-x", ""),
    ],
)
def test_another_model(asked: str, came: str) -> None:
    assert not same_model(asked, came)
