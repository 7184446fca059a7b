"""Gemini's format: generateContent, models and batches with the requests inside."""

from .desk import Desk
from .jobs import Job, Line, LineResult
from .said import Prompt, Said, Tokens
from .wire import Asked, Call, Refused

_ENDS = {"ok": "STOP", "truncated": "MAX_TOKENS", "refused": "SAFETY", "blocked": "SAFETY"}
_ENDS["continued"] = "CONTINUATION"  # which the SDK would follow by itself, and pay for
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}
_STATES = {
    "running": "BATCH_STATE_RUNNING",
    "ended": "BATCH_STATE_SUCCEEDED",
    "failed": "BATCH_STATE_FAILED",
    "expired": "BATCH_STATE_EXPIRED",
    "cancelled": "BATCH_STATE_CANCELLED",
}


class GeminiWire:
    """Below ``/v1`` or ``/v1beta1/projects/P/locations/L/publishers/google``."""

    def key(self, headers: dict[str, str]) -> str:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        return headers.get("x-goog-api-key", "") or bearer

    def call(self, asked: Asked, desk: Desk) -> Call | None:
        *_, group, name = asked.path.strip("/").split("/")
        name, _, verb = name.partition(":")
        match asked.method, group, verb:
            case "POST", "models", "generateContent" | "streamGenerateContent":
                prompt = _prompt(asked.vendor, name, asked.body)
                return Call("ask", prompt, streams=verb.startswith("stream"))
            case "POST", "models", "batchGenerateContent":
                return Call("batch_create", work=lambda: _create(asked, desk, name))
            case "GET", "models", "":
                return Call("models", work=lambda: _known_model(desk, name))
            case "GET", "batches", "":
                return Call("batch_get", work=lambda: _batch(desk.look(_job(desk, name))))
            case "POST", "batches", "cancel":
                return Call("batch_cancel", work=lambda: _cancel(desk, name))
        if asked.method == "GET" and name == "batches":
            return Call("batch_list", work=lambda: _list(asked, desk))
        return None

    def answer(self, asked: Asked, prompt: Prompt, said: Said, tokens: Tokens) -> dict:
        return _content(prompt, said, tokens)

    def error(self, code: int, message: str, reason: str) -> tuple[dict, dict[str, str]]:
        told = {"code": code, "message": message, "status": _STATUSES.get(code, "INTERNAL")}
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        details = [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]
        return {"error": {**told, **({"details": details} if reason else {})}}, {}


def _prompt(vendor: str, model: str, body: dict) -> Prompt:
    system = body.get("systemInstruction")
    turns = [("system", system)] if system else []
    turns += [(turn["role"], turn) for turn in body["contents"]]
    config = body.get("generationConfig", {})
    return Prompt(
        vendor=vendor,
        model=model,
        messages=tuple(
            (role, "".join(part["text"] for part in turn["parts"])) for role, turn in turns
        ),
        max_tokens=config.get("maxOutputTokens", 4096),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
        bills_writes=False,
    )


def _content(prompt: Prompt, said: Said, tokens: Tokens) -> dict:
    thought = [{"text": said.thinking, "thought": True}] if said.thinking else []
    end = _ENDS.get(said.end, "OTHER")
    candidate = {"index": 0, "finishReason": end}
    if end == "CONTINUATION":
        candidate["continuationToken"] = "eA=="
    if end in ("STOP", "MAX_TOKENS", "CONTINUATION"):
        candidate["content"] = {"role": "model", "parts": [*thought, {"text": said.text}]}
    blocked_prompt = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    return {
        **(blocked_prompt if said.end == "blocked" else {"candidates": [candidate]}),
        "usageMetadata": {
            "promptTokenCount": tokens.input_tokens,
            "cachedContentTokenCount": tokens.cached_tokens,
            "candidatesTokenCount": tokens.output_tokens - tokens.reasoning_tokens,
            "thoughtsTokenCount": tokens.reasoning_tokens,
            "totalTokenCount": tokens.input_tokens + tokens.output_tokens,
        },
        "modelVersion": said.model or prompt.model,
        "responseId": "resp_1",
    }


def _known_model(desk: Desk, name: str) -> dict:
    if not desk.serves(name):
        raise Refused(404, f"models/{name} is not found")
    return {"name": f"models/{name}", "version": "001", "displayName": name}


def _create(asked: Asked, desk: Desk, model: str) -> dict:
    batch = asked.body["batch"]
    lines = [
        Line(
            request.get("metadata", {}).get("key", str(place)),
            _prompt(asked.vendor, model, request["request"]),
        )
        for place, request in enumerate(batch["inputConfig"]["requests"]["requests"])
    ]
    note = {"display_name": batch.get("displayName", ""), "model": model}
    return _batch(desk.make_batch(asked.vendor, "batch-", lines, note))


def _list(asked: Asked, desk: Desk) -> dict:
    jobs, most = desk.jobs.of(asked.vendor), int(asked.query.get("pageSize", 20))
    start = int(asked.query.get("pageToken") or 0)
    rest = {"nextPageToken": str(start + most)} if start + most < len(jobs) else {}
    return {"operations": [_batch(job) for job in jobs[start : start + most]], **rest}


def _job(desk: Desk, name: str) -> Job:
    job = desk.jobs.get(name)
    if job is None:
        raise Refused(404, f"batches/{name} is not found")
    return job


def _cancel(desk: Desk, name: str) -> dict:
    desk.cancel(_job(desk, name))
    return {}


def _batch(job: Job) -> dict:
    output = {"inlinedResponses": {"inlinedResponses": [_result(r) for r in job.results]}}
    about = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "model": f"models/{job.note.get('model', '')}",
        "displayName": job.note.get("display_name", ""),
        "createTime": job.made_at.isoformat(),
        "state": _STATES[job.state],
        "batchStats": {"requestCount": str(len(job.lines))},
        **({"output": output} if job.results else {}),
    }
    return {"name": f"batches/{job.id}", "metadata": about, "done": job.state != "running"}


def _result(result: LineResult) -> dict:
    key = {"metadata": {"key": result.custom_id}}
    if result.said is not None and result.tokens is not None:
        return {"response": _content(result.prompt, result.said, result.tokens), **key}
    code = {"expired": 4, "cancelled": 1}.get(result.problem, 3 if result.code == 400 else 13)
    return {"error": {"code": code, "message": result.message or result.problem}, **key}
