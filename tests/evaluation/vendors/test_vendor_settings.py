"""What a vendor's settings refuse, what they mean, and what tells systems apart."""

import subprocess
import sys
from datetime import date
from typing import Any

import pytest
from lokal.data.config_files import config_names, read_config
from lokal.evaluation.vendors.build import system_facts
from lokal.evaluation.vendors.question import question_key
from lokal.evaluation.vendors.retirement import retirement
from lokal.evaluation.vendors.settings import VendorConfig

GIVEN = {"model": "m-x", "base_url": "https://models.example/v1", "project": "p1"}


def read(name: str, **changed: Any) -> VendorConfig:
    values: dict[str, Any] = read_config("baseline", name)
    filled = {key: GIVEN[key] if value == "???" else value for key, value in values.items()}
    return VendorConfig(**{**filled, **changed})


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("anthropic", {"temperature": 0.0}, "the SDK of vendor=anthropic has no temperature"),
        ("openai", {"temperature": -1.0}, "must be 0 or more, got -1.0"),
        ("openai", {"seed": 1}, "the interface of vendor=openai has no seed"),
        ("bedrock", {"seed": 1}, "the interface of vendor=bedrock has no seed"),
        ("openai", {"effort": "huge"}, "must be one of none, minimal, low, .* got 'huge'"),
        ("google", {"effort": "max"}, "must be one of minimal, low, medium, high, xhigh"),
        ("openai", {"api_key_env": "sk-secret-1"}, "takes the NAME of an environment variable"),
        ("openai", {"model": ""}, "baseline.model is empty"),
        ("openai", {"base_url": "http://models.example/v1"}, "must begin with https"),
        ("openai", {"base_url": "https://u:secret@models.example"}, "no user, password or query"),
        ("openai", {"base_url": "models.example"}, "must be as http://127.0.0.1:8000/v1"),
        ("openai_compatible", {"base_url": ""}, "base_url is empty, and vendor=openai_compatible"),
        ("azure", {"base_url": ""}, "base_url is empty, and vendor=azure needs it"),
        ("vertex", {"project": ""}, "project is empty, and vendor=vertex needs it"),
        ("vertex", {"location": ""}, "location is empty, and vendor=vertex needs it"),
        ("bedrock", {"location": ""}, "location is empty, and vendor=bedrock needs it"),
        ("google", {"location": "x"}, "project is empty, and vendor=google needs it"),
        ("vertex", {"project": "../x"}, "baseline.project is no name"),
        ("openai", {"deployment": "x"}, "baseline.deployment is azure's"),
        ("openai", {"timeout_seconds": 0}, "timeout_seconds must be above 0"),
        ("openai", {"parallel": 0}, "parallel must be above 0"),
        ("openai", {"requests_per_minute": 0}, "requests_per_minute must be above 0"),
        ("openai", {"tokens_per_minute": 0}, "tokens_per_minute must be above 0"),
        ("openai", {"min_output_tokens": -1}, "min_output_tokens must be 0 or more"),
        ("azure", {"batch": True}, "vendor=azure has no batches here"),
        ("google", {"batch": True, "project": "p"}, "vendor=google has no batches here"),
        ("openai", {"retires": "next year"}, "must be a day as 2027-01-14, got 'next year'"),
        ("openai", {"vendor": "nobody"}, "is not a valid VendorKind"),
    ],
)
def test_senseless_settings_are_refused_in_one_line(
    name: str, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read(name, **changed)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "changed", "url"),
    [
        ("openai", {}, "https://api.openai.com/v1"),
        ("anthropic", {}, "https://api.anthropic.com"),
        ("google", {}, "https://generativelanguage.googleapis.com"),
        ("google", {"project": "p"}, "https://aiplatform.googleapis.com"),
        (
            "google",
            {"project": "p", "location": "europe-west4"},
            "https://europe-west4-aiplatform.googleapis.com",
        ),
        ("bedrock", {}, "https://bedrock-runtime.us-east-1.amazonaws.com"),
        (
            "vertex",
            {},
            "https://us-central1-aiplatform.googleapis.com/v1/projects/p1/locations/us-central1/"
            "endpoints/openapi",
        ),
        ("azure", {}, "https://models.example/v1"),
        ("openai_compatible", {"base_url": "http://localhost:8000/v1"}, "http://localhost:8000/v1"),
    ],
)
def test_every_vendor_has_its_address(name: str, changed: dict[str, Any], url: str) -> None:
    settings = read(name, **changed)
    assert settings.url == url
    assert settings.is_local == ("localhost" in url)


def test_the_name_of_a_folder_tells_vendor_model_and_effort() -> None:
    assert read("openai", model="gpt-x", effort="low").name == "openai-gpt-x-low"
    assert read("vertex", model="meta/llama:70b").name == "vertex-meta-llama-70b"


def test_whatever_changes_the_answers_changes_the_key_of_a_question() -> None:
    changes: list[tuple[str, dict[str, Any]]] = [
        ("openai", {}),
        ("openai", {"model": "m-y"}),
        ("openai", {"effort": "low"}),
        ("openai", {"temperature": 0.5}),
        ("openai", {"min_output_tokens": 7}),
        ("anthropic", {}),
        ("google", {}),
        ("google", {"seed": 1}),
        ("openai_compatible", {}),
        ("openai_compatible", {"base_url": "https://others.example/v1"}),
        ("azure", {}),
        ("azure", {"deployment": "d"}),
    ]
    facts = [system_facts(read(name, **changed)) for name, changed in changes]
    keys = {question_key(each, [{"role": "user", "content": "x"}], {}) for each in facts}
    assert len(keys) == len(changes)
    same = system_facts(read("openai", parallel=3, label="GPT", timeout_seconds=1.0))
    assert same == facts[0]


def test_a_models_end_is_its_settings_or_its_sdks() -> None:
    assert retirement(read("anthropic", model="claude-opus-4-5")) == date(2027, 1, 22)
    assert retirement(read("anthropic", model="m-x")) is None
    assert retirement(read("openai", model="claude-opus-4-5")) is None
    given = read("anthropic", model="claude-opus-4-5", retires="2026-12-31")
    assert retirement(given) == date(2026, 12, 31)


def test_importing_the_settings_imports_no_sdk() -> None:
    code = (
        "import sys; import lokal.evaluation.vendors.build; "
        "print(sorted({'openai', 'anthropic', 'google.genai', 'boto3', 'httpx2'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("openai", "openai"),
        ("anthropic", "anthropic"),
        ("google", "google.genai"),
        ("bedrock", "boto3"),
        ("openai_compatible", "openai"),
    ],
)
def test_without_its_package_a_vendor_says_how_to_get_it(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lokal.data.errors import UserError
    from lokal.evaluation.vendors.build import build_vendor

    monkeypatch.setitem(sys.modules, package, None)
    for module in [each for each in sys.modules if each.startswith("lokal.evaluation.vendors.")]:
        if not module.endswith(("settings", "build", "key", "question", "vendor")):
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(UserError, match=r"needs the package .*: pip install 'lokal\[vendors\]'"):
        build_vendor(read(name, api_key_env=""))


def test_every_vendor_has_its_choice() -> None:
    live = [name for name in config_names("baseline") if "vendor" in read_config("baseline", name)]
    assert {read(name).vendor for name in live} == {*VendorConfig.__annotations__["vendor"]}
