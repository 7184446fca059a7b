"""Anthropic's format: messages, models and message batches."""

import json
from datetime import timedelta

from .desk import Desk
from .jobs import Job, Line, LineResult
from .said import Prompt, Said, Tokens
from .wire import Asked, Call, Refused

_ENDS = {"ok": "end_turn", "truncated": "max_tokens", "refused": "refusal", "blocked": "refusal"}
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_PROBLEMS = {"cancelled": "canceled"}


class AnthropicWire:
    """Messages, models and batches below ``/v1``."""

    def key(self, headers: dict[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def call(self, asked: Asked, desk: Desk) -> Call | None:
        if "anthropic-version" not in asked.headers:
            raise Refused(400, "anthropic-version: header is required")
        match asked.method, *asked.path.removeprefix("/v1").strip("/").split("/"):
            case "POST", "messages":
                body = asked.body
                return Call("ask", _prompt(asked.vendor, body), bool(body.get("stream")))
            case "GET", "models", name:
                return Call("models", work=lambda: _known_model(desk, name))
            case "POST", "messages", "batches":
                return Call("batch_create", work=lambda: _create(asked, desk))
            case "GET", "messages", "batches":
                return Call("batch_list", work=lambda: _list(asked, desk))
            case "GET", "messages", "batches", batch_id:
                return Call("batch_get", work=lambda: _get(asked, desk, batch_id))
            case "GET", "messages", "batches", batch_id, "results":
                return Call("batch_results", work=lambda: _results(_job(desk, batch_id)))
            case "POST", "messages", "batches", batch_id, "cancel":
                return Call("batch_cancel", work=lambda: _cancel(asked, desk, batch_id))
        return None

    def answer(self, asked: Asked, prompt: Prompt, said: Said, tokens: Tokens) -> dict:
        return _message(prompt, said, tokens)

    def error(self, code: int, message: str, reason: str) -> tuple[dict, dict[str, str]]:
        told = {"type": reason or _TYPES.get(code, "api_error"), "message": message}
        body = {"type": "error", "error": told, "request_id": "req_failed"}
        return body, {"request-id": "req_failed"}


def _prompt(vendor: str, body: dict) -> Prompt:
    if unknown := {"temperature", "top_p", "top_k"} & set(body):
        raise Refused(400, f"{unknown.pop()}: extra inputs are not permitted")
    blocks = body.get("system") or []
    system = [("system", block["text"]) for block in blocks]
    marks = ["cache_control" in block for block in blocks]
    turns = []
    for turn in body["messages"]:
        parts = turn["content"]
        if isinstance(parts, str):
            parts = [{"text": parts}]
        turns.append((turn["role"], "".join(part["text"] for part in parts)))
        marks.append(any("cache_control" in part for part in parts))
    return Prompt(
        vendor=vendor,
        model=body["model"],
        messages=(*system, *turns),
        max_tokens=body["max_tokens"],
        schema=body.get("output_config", {}).get("format", {}).get("schema"),
        marks_cache=any(marks),
    )


def _message(prompt: Prompt, said: Said, tokens: Tokens) -> dict:
    end = _ENDS.get(said.end, said.end)
    thinking = [{"type": "thinking", "thinking": said.thinking, "signature": "x"}]
    content = [*(thinking if said.thinking else []), {"type": "text", "text": said.text}]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": said.model or prompt.model,
        "content": [] if end == "refusal" else content,
        "stop_reason": end,
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens.input_tokens - tokens.cached_tokens - tokens.cache_write_tokens,
            "cache_read_input_tokens": tokens.cached_tokens,
            "cache_creation_input_tokens": tokens.cache_write_tokens,
            "output_tokens": tokens.output_tokens,
            "output_tokens_details": {"thinking_tokens": tokens.reasoning_tokens},
            "service_tier": "standard",
        },
    }


def _known_model(desk: Desk, name: str) -> dict:
    if not desk.serves(name):
        raise Refused(404, f"model: {name}")
    made = "2026-01-01T00:00:00Z"
    return {"id": name, "type": "model", "display_name": name, "created_at": made}


def _create(asked: Asked, desk: Desk) -> dict:
    lines = [
        Line(request["custom_id"], _prompt(asked.vendor, request["params"]))
        for request in asked.body["requests"]
    ]
    return _batch(desk.make_batch(asked.vendor, "msgbatch_", lines, {}), asked)


def _list(asked: Asked, desk: Desk) -> dict:
    jobs, most = desk.jobs.of(asked.vendor), int(asked.query.get("limit", 20))
    names = [job.id for job in jobs]
    start = names.index(asked.query["after_id"]) + 1 if "after_id" in asked.query else 0
    page = [_batch(job, asked) for job in jobs[start : start + most]]
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
    return {"data": page, "has_more": start + most < len(jobs), **ends}


def _get(asked: Asked, desk: Desk, batch_id: str) -> dict:
    return _batch(desk.look(_job(desk, batch_id)), asked)


def _cancel(asked: Asked, desk: Desk, batch_id: str) -> dict:
    return _batch(desk.cancel(_job(desk, batch_id)), asked)


def _job(desk: Desk, batch_id: str) -> Job:
    job = desk.jobs.get(batch_id)
    if job is None:
        raise Refused(404, f"batch {batch_id}")
    return job


def _results(job: Job) -> bytes:
    rows = [{"custom_id": r.custom_id, "result": _result(r)} for r in job.results]
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def _result(result: LineResult) -> dict:
    if result.said is not None and result.tokens is not None:
        message = _message(result.prompt, result.said, result.tokens)
        return {"type": "succeeded", "message": message}
    if result.problem != "errored":
        return {"type": _PROBLEMS.get(result.problem, result.problem)}
    kind = result.reason or _TYPES.get(result.code, "api_error")
    told = {"type": "error", "error": {"type": kind, "message": result.message}}
    return {"type": "errored", "error": {**told, "request_id": "req_1"}}


def _batch(job: Job, asked: Asked) -> dict:
    kinds = [_result(result)["type"] for result in job.results]
    has_ended = job.state != "running"
    counts = {kind: kinds.count(kind) for kind in ("succeeded", "errored", "canceled", "expired")}
    place = f"http://{asked.headers['host']}/anthropic/v1/messages/batches/{job.id}/results"
    return {
        "id": job.id,
        "type": "message_batch",
        "processing_status": "ended" if has_ended else "in_progress",
        "request_counts": {**counts, "processing": 0 if has_ended else len(job.lines)},
        "created_at": job.made_at.isoformat(),
        "expires_at": (job.made_at + timedelta(days=1)).isoformat(),
        "ended_at": job.made_at.isoformat() if has_ended else None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": place if has_ended else None,
    }
