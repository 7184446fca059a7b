"""The same replies as server-sent events, for clients that want them piece by piece."""

import json
from collections.abc import Iterator

_PIECE = 5
"""Characters of an event."""


def stream_of(vendor: str, path: str, reply: dict) -> bytes | None:
    """Return a whole reply as a stream; None for a format that has none here."""
    if vendor == "anthropic":
        return _named(_message(reply))
    if vendor == "google":
        return _plain(_content(reply))
    if vendor == "bedrock":
        return None
    if path.endswith("/responses"):
        return _named(_response(reply))
    return _plain(_completion(reply)) + b"data: [DONE]\n\n"


def _plain(events: Iterator[dict]) -> bytes:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()


def _named(events: Iterator[dict]) -> bytes:
    return "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events
    ).encode()


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def _completion(reply: dict) -> Iterator[dict]:
    (choice,) = reply["choices"]
    common = {key: reply[key] for key in ("id", "created", "model")}
    common["object"] = "chat.completion.chunk"
    for piece in _pieces(choice["message"]["content"] or ""):
        delta = {"role": "assistant", "content": piece}
        yield {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    last = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    yield {**common, "choices": [last], "usage": reply["usage"]}


def _response(reply: dict) -> Iterator[dict]:
    number = 0
    begun = {**reply, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "sequence_number": number, "response": begun}
    for place, item in enumerate(reply["output"]):
        for text in (part.get("text", "") for part in item.get("content", [])):
            for piece in _pieces(text):
                number += 1
                yield {
                    "type": "response.output_text.delta",
                    "sequence_number": number,
                    "item_id": item["id"],
                    "output_index": place,
                    "content_index": 0,
                    "logprobs": [],
                    "delta": piece,
                }
    kind = f"response.{reply['status']}"
    yield {"type": kind, "sequence_number": number + 1, "response": reply}


def _message(reply: dict) -> Iterator[dict]:
    begun = {**reply, "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(reply["content"]):
        kind = "thinking" if block["type"] == "thinking" else "text"
        empty = {**block, kind: ""}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for piece in _pieces(block[kind]):
            delta = {"type": f"{kind}_delta", kind: piece}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ended = {"stop_reason": reply["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": reply["usage"]}
    yield {"type": "message_stop"}


def _content(reply: dict) -> Iterator[dict]:
    candidates = reply.get("candidates", [])
    parts = candidates[0].get("content", {}).get("parts", []) if candidates else []
    common = {"modelVersion": reply["modelVersion"], "responseId": reply["responseId"]}
    for part in parts:
        for piece in _pieces(part["text"]):
            content = {"role": "model", "parts": [{**part, "text": piece}]}
            yield {**common, "candidates": [{"index": 0, "content": content}]}
    last = [{key: value for key, value in c.items() if key != "content"} for c in candidates]
    yield {**reply, "candidates": last}
