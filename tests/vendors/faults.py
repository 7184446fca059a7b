"""Faults by schedule: which request is failed, and how; read from JSON.

A rule holds for the requests that fulfil all of its conditions, and the first one that holds is
taken::

    {"on": "ask", "vendor": "openai", "at": [3, 4], "every": 5, "offset": 0, "from": 20,
     "until": 30, "containing": "a part of the last turn", "times": 2,
     "act": "status", "code": 429, "after": "2"}

``on`` is ask, models, file, file_content, batch_create, batch_list, batch_get, batch_results,
batch_cancel or line (one question of a batch); ``at`` and the others count requests of that kind
and vendor from 0. ``act`` is one of

- status (code, message, reason = the vendor's own code, after = Retry-After in seconds or as a
  word, after_date = Retry-After as a date so many seconds from now): sent before any work is done.
- half, no_json, drip, late, hangup, reset: the reply is lost, the work is done and billed.
- refused, blocked, truncated, empty, wrong_model, thinking, strange: the answer ends in this way.
- expired, cancelled, errored: of a line of a batch.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple

from ..servers.acts import Drip, Fault, HalfBody, Hangup, Late, NoJson, Reset, Status
from .said import Prompt, Said

_LOST = {
    "half": HalfBody,
    "no_json": NoJson,
    "drip": Drip,
    "late": Late,
    "hangup": Hangup,
    "reset": Reset,
}
_SPOILT = frozenset(
    {"refused", "blocked", "truncated", "empty", "wrong_model", "thinking", "strange"}
)
_OF_LINES = frozenset({"expired", "cancelled", "errored"})
_CONDITIONS = {"on", "vendor", "model", "at", "every", "offset", "from", "until", "containing"}
_WORDS = {"times", "act", "code", "message", "reason", "after", "after_date", "seconds"}


class Schedule:
    """The rules, and how often each was taken."""

    def __init__(self, rules: list[dict] | None = None) -> None:
        self.rules = rules or []
        self._taken = [0] * len(self.rules)
        self._lock = threading.Lock()
        for rule in self.rules:
            acts = {"status", *_LOST, *_SPOILT, *_OF_LINES}
            if set(rule) - _CONDITIONS - _WORDS or rule.get("act") not in acts:
                raise ValueError(f"no rule of a schedule: {rule}")

    @classmethod
    def read(cls, path: Path) -> "Schedule":
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def rule(self, on: str, *, number: int, vendor: str, prompt: Prompt | None) -> dict | None:
        """Return the rule for a request of a kind, by its number."""
        with self._lock:
            for place, rule in enumerate(self.rules):
                spent = self._taken[place] >= rule.get("times", self._taken[place] + 1)
                if not spent and _holds(rule, on=on, number=number, vendor=vendor, prompt=prompt):
                    self._taken[place] += 1
                    return rule
        return None


class Refusal(NamedTuple):
    """An HTTP error with the vendor's own code."""

    status: Status
    reason: str


def refusal(rule: dict | None) -> Refusal | None:
    """Return the HTTP error of a rule."""
    if rule is None or rule["act"] != "status":
        return None
    headers = {}
    if "after" in rule:
        headers["retry-after"] = str(rule["after"])
    if "after_date" in rule:
        then = datetime.now(UTC) + timedelta(seconds=rule["after_date"])
        headers["retry-after"] = format_datetime(then, usegmt=True)
    status = Status(rule["code"], rule.get("message", "because"), headers)
    return Refusal(status, rule.get("reason", ""))


def loss(rule: dict | None) -> Fault | None:
    """Return how the reply is lost."""
    if rule is None or rule["act"] not in _LOST:
        return None
    act = _LOST[rule["act"]]
    return act(rule["seconds"]) if "seconds" in rule else act()


def spoil(said: Said, rule: dict | None) -> Said:
    """Return the answer as a rule wants it."""
    match rule["act"] if rule else "":
        case "refused" | "blocked" | "truncated" | "strange" as end:
            return said._replace(end=end)
        case "empty":
            return said._replace(text="")
        case "wrong_model":
            return said._replace(model="another-model")
        case "thinking":
            return said._replace(thinking="first this, then that")
    return said


def _holds(rule: dict, *, on: str, number: int, vendor: str, prompt: Prompt | None) -> bool:
    every = rule.get("every", 1)
    return (
        rule.get("on", "ask") == on
        and rule.get("vendor", vendor) == vendor
        and number in rule.get("at", [number])
        and number % every == rule.get("offset", every - 1)
        and rule.get("from", 0) <= number < rule.get("until", number + 1)
        and ("model" not in rule or (prompt is not None and prompt.model == rule["model"]))
        and ("containing" not in rule or (prompt is not None and rule["containing"] in prompt.text))
    )
