"""OpenAI's format: responses, files, batches; and chat completions, which many servers speak."""

import email
import json
import time

from .desk import Desk
from .jobs import Job, Line, LineResult
from .said import Prompt, Said, Tokens
from .wire import Asked, Call, Refused

_ENDS = {"ok": "stop", "truncated": "length", "blocked": "content_filter", "refused": "stop"}
_INCOMPLETE = {"truncated": "max_output_tokens", "blocked": "content_filter"}
_STATES = {"running": "in_progress", "ended": "completed"}
_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


class OpenAIWire:
    """Responses, chat completions, models, files and batches below ``/v1``."""

    def key(self, headers: dict[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def call(self, asked: Asked, desk: Desk) -> Call | None:
        match asked.method, *asked.path.removeprefix("/v1").strip("/").split("/"):
            case "POST", "responses" | "chat", *_:
                body = asked.body
                return Call("ask", _prompt(asked.vendor, body), bool(body.get("stream")))
            case "GET", "models":
                return Call("models", work=lambda: _models(desk))
            case "GET", "models", name:
                return Call("models", work=lambda: _known_model(desk, name))
            case "POST", "files":
                return Call("file", work=lambda: _keep_file(asked, desk))
            case "GET", "files", file_id, "content":
                return Call("file_content", work=lambda: desk.jobs.files[file_id])
            case "POST", "batches":
                return Call("batch_create", work=lambda: _create(asked, desk))
            case "GET", "batches":
                return Call("batch_list", work=lambda: _list(asked, desk))
            case "GET", "batches", batch_id:
                return Call("batch_get", work=lambda: _get(desk, batch_id))
            case "POST", "batches", batch_id, "cancel":
                return Call("batch_cancel", work=lambda: _cancel(desk, batch_id))
        return None

    def answer(self, asked: Asked, prompt: Prompt, said: Said, tokens: Tokens) -> dict:
        made = _response if asked.path.endswith("/responses") else _completion
        return made(prompt, said, tokens)

    def error(self, code: int, message: str, reason: str) -> tuple[dict, dict[str, str]]:
        told = {"message": message, "type": "error", "code": reason or _CODES.get(code, str(code))}
        return {"error": told}, {"x-request-id": "req_failed"}


def _prompt(vendor: str, body: dict) -> Prompt:
    turns = body["input"] if "input" in body else body["messages"]
    if isinstance(turns, str):
        turns = [{"role": "user", "content": turns}]
    schema = body.get("text", {}).get("format", {}).get("schema")
    schema = schema or body.get("response_format", {}).get("json_schema", {}).get("schema")
    return Prompt(
        vendor=vendor,
        model=body["model"],
        messages=tuple((turn["role"], turn["content"]) for turn in turns),
        max_tokens=body.get("max_output_tokens") or body.get("max_tokens") or 4096,
        schema=schema,
    )


def _response(prompt: Prompt, said: Said, tokens: Tokens) -> dict:
    part = {"type": "output_text", "text": said.text, "annotations": []}
    if said.end == "refused":
        part = {"type": "refusal", "refusal": said.text}
    spoken = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    reasoning = {"id": "rs_1", "type": "reasoning", "summary": []}
    reason = _INCOMPLETE.get(said.end, "odd" if said.end == "strange" else None)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": int(time.time()),
        "model": said.model or prompt.model,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "error": None,
        "output": [*([reasoning] if said.thinking else []), {**spoken, "content": [part]}],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": tokens.input_tokens,
            "input_tokens_details": {
                "cached_tokens": tokens.cached_tokens,
                "cache_write_tokens": tokens.cache_write_tokens,
            },
            "output_tokens": tokens.output_tokens,
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
            "total_tokens": tokens.input_tokens + tokens.output_tokens,
        },
    }


def _completion(prompt: Prompt, said: Said, tokens: Tokens) -> dict:
    is_refusal = said.end == "refused"
    message = {"role": "assistant", "content": None if is_refusal else said.text}
    message["refusal"] = said.text if is_refusal else None
    if said.thinking:
        message["reasoning_content"] = said.thinking
    end = _ENDS.get(said.end, said.end)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": said.model or prompt.model,
        "choices": [{"index": 0, "message": message, "finish_reason": end}],
        "usage": {
            "prompt_tokens": tokens.input_tokens,
            "completion_tokens": tokens.output_tokens,
            "total_tokens": tokens.input_tokens + tokens.output_tokens,
            "prompt_tokens_details": {
                "cached_tokens": tokens.cached_tokens,
                "cache_write_tokens": tokens.cache_write_tokens,
            },
            "completion_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
        },
    }


def _model(name: str) -> dict:
    return {"id": name, "object": "model", "created": 0, "owned_by": "tests"}


def _models(desk: Desk) -> dict:
    if desk.models is None:
        raise Refused(404, "serves any model, and lists none")
    return {"object": "list", "data": [_model(name) for name in desk.models]}


def _known_model(desk: Desk, name: str) -> dict:
    if not desk.serves(name):
        raise Refused(404, f"The model {name} does not exist")
    return _model(name)


def _keep_file(asked: Asked, desk: Desk) -> dict:
    head = f"content-type: {asked.headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + asked.content)
    parts = {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in form.walk()
        if not part.is_multipart()
    }
    file_id = desk.jobs.new_id("file-")
    content = parts["file"]
    assert isinstance(content, bytes)
    desk.jobs.files[file_id] = content
    about = {"id": file_id, "object": "file", "bytes": len(content), "created_at": 0}
    return {**about, "filename": "x.jsonl", "purpose": "batch", "status": "processed"}


def _create(asked: Asked, desk: Desk) -> dict:
    lines = []
    for text in desk.jobs.files[asked.body["input_file_id"]].decode().split("\n"):
        if text.strip():
            row = json.loads(text)
            lines.append(Line(row["custom_id"], _prompt(asked.vendor, row["body"])))
    job = desk.make_batch(asked.vendor, "batch_", lines, asked.body.get("metadata") or {})
    return _batch(job)


def _list(asked: Asked, desk: Desk) -> dict:
    jobs, most = desk.jobs.of(asked.vendor), int(asked.query.get("limit", 20))
    names = [job.id for job in jobs]
    start = names.index(asked.query["after"]) + 1 if "after" in asked.query else 0
    page = [_batch(job) for job in jobs[start : start + most]]
    return {"object": "list", "data": page, "has_more": start + most < len(jobs)}


def _get(desk: Desk, batch_id: str) -> dict:
    return _batch(_write_files(desk, desk.look(_job(desk, batch_id))))


def _cancel(desk: Desk, batch_id: str) -> dict:
    return _batch(_write_files(desk, desk.cancel(_job(desk, batch_id))))


def _job(desk: Desk, batch_id: str) -> Job:
    job = desk.jobs.get(batch_id)
    if job is None:
        raise Refused(404, f"No batch found with id {batch_id}", "not_found")
    return job


def _write_files(desk: Desk, job: Job) -> Job:
    """Write the two files of results: what went well, and what did not."""
    rows = [(result, json.dumps(_row(result), ensure_ascii=False)) for result in job.results]
    well = [row for result, row in rows if result.said is not None]
    ill = [row for result, row in rows if result.said is None]
    for kind, lines in (("output", well), ("error", ill)):
        if lines:
            desk.jobs.files[f"{job.id}-{kind}"] = "".join(f"{row}\n" for row in lines).encode()
    return job


def _row(result: LineResult) -> dict:
    row = {"id": "batch_req_1", "custom_id": result.custom_id, "response": None, "error": None}
    if result.said is not None and result.tokens is not None:
        body = _response(result.prompt, result.said, result.tokens)
        row["response"] = {"status_code": 200, "request_id": "req_1", "body": body}
    elif result.problem == "errored":
        told = {"message": result.message, "code": result.reason or str(result.code)}
        row["response"] = {
            "status_code": result.code,
            "request_id": "req_1",
            "body": {"error": told},
        }
    else:
        row["error"] = {"code": f"batch_{result.problem}", "message": "not done in time"}
    return row


def _batch(job: Job) -> dict:
    well = sum(result.said is not None for result in job.results)
    failed = {"object": "list", "data": [{"code": "invalid", "message": "no such model"}]}
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": "/v1/responses",
        "completion_window": "24h",
        "created_at": int(job.made_at.timestamp()),
        "input_file_id": "file-000000",
        "status": _STATES.get(job.state, job.state),
        "metadata": job.note,
        "errors": failed if job.state == "failed" else None,
        "output_file_id": f"{job.id}-output" if well else None,
        "error_file_id": f"{job.id}-error" if len(job.results) > well else None,
        "request_counts": {
            "total": len(job.lines),
            "completed": well,
            "failed": len(job.results) - well,
        },
    }
