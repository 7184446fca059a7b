"""Bedrock's converse; tells nobody which model has answered."""

import json
from urllib.parse import unquote

from .desk import Desk
from .said import Prompt, Said, Tokens
from .wire import Asked, Call

_ENDS = {
    "ok": "end_turn",
    "truncated": "max_tokens",
    "refused": "content_filtered",
    "blocked": "guardrail_intervened",
}
_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


class BedrockWire:
    """``/model/NAME/converse``."""

    def key(self, headers: dict[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def call(self, asked: Asked, desk: Desk) -> Call | None:
        match asked.method, *asked.path.strip("/").split("/"):
            case "POST", "model", name, "converse":
                return Call("ask", _prompt(asked.vendor, unquote(name), asked.body))
        return None

    def answer(self, asked: Asked, prompt: Prompt, said: Said, tokens: Tokens) -> dict:
        content: list[dict] = [{"text": said.text}]
        if said.thinking:
            content.insert(0, {"reasoningContent": {"reasoningText": {"text": said.thinking}}})
        fresh = tokens.input_tokens - tokens.cached_tokens - tokens.cache_write_tokens
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": _ENDS.get(said.end, "tool_use"),
            "usage": {
                "inputTokens": fresh,
                "outputTokens": tokens.output_tokens,
                "totalTokens": tokens.input_tokens + tokens.output_tokens,
                "cacheReadInputTokens": tokens.cached_tokens,
                "cacheWriteInputTokens": tokens.cache_write_tokens,
            },
            "metrics": {"latencyMs": 1},
        }

    def error(self, code: int, message: str, reason: str) -> tuple[dict, dict[str, str]]:
        name = reason or _TYPES.get(code, "InternalServerException")
        return {"message": message}, {"x-amzn-errortype": name, "x-amzn-requestid": "req_failed"}


def _prompt(vendor: str, model: str, body: dict) -> Prompt:
    system = [("system", part) for part in body.get("system", [])]
    turns = [(turn["role"], part) for turn in body["messages"] for part in turn["content"]]
    shape = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {})
    schema = shape.get("jsonSchema", {}).get("schema")
    every = [*system, *turns]
    return Prompt(
        vendor=vendor,
        model=model,
        messages=tuple((role, part["text"]) for role, part in every if "text" in part),
        max_tokens=body.get("inferenceConfig", {}).get("maxTokens", 4096),
        schema=json.loads(schema) if schema else None,
        marks_cache=any("cachePoint" in part for _, part in every),
    )
