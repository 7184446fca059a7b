"""The paid journal: what was sent, what came back and what it cost, safe against a kill.

SQLite in WAL mode with synchronous=FULL. An ``intent`` row is committed before a request leaves,
so that a request whose reply was lost is known; a ``result`` row is committed together with its
``ledger`` row, so that no answer is kept unpaid and none is paid unkept.
"""

import fcntl
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from ...data.errors import UserError
from ...data.manifest import Json, sync_folder
from ..reply import State
from ..vendors.question import Answer, Question, Usage

JOURNAL_NAME = "journal.sqlite"
"""When it is sealed; until then ``.partial`` follows."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS intent (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, reserved_usd REAL NOT NULL, nonce TEXT NOT NULL,
  at TEXT NOT NULL, ended TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, answer TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rejected (key TEXT PRIMARY KEY, reason TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (
  id INTEGER PRIMARY KEY, key TEXT NOT NULL, language TEXT NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL, usd REAL NOT NULL, is_counted INTEGER NOT NULL,
  in_batch INTEGER NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
  nonce TEXT PRIMARY KEY, batch_id TEXT NOT NULL, state TEXT NOT NULL, at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS intent_by_end ON intent (ended);
"""
OPEN, ANSWERED, FAILED, LOST = "", "answered", "failed", "lost"
"""How an intent ended: failed costs nothing; lost may have been answered and billed."""


class Spent(NamedTuple):
    """What one language has cost so far."""

    questions: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    usd: float


class OpenBatch(NamedTuple):
    """A batch that is not read to its end."""

    nonce: str
    batch_id: str
    """Empty: a kill came between its nonce and its id."""
    keys: frozenset[str]


class PaidJournal:
    """A folder's journal, open for one writer; whoever comes second is refused."""

    def __init__(self, folder: Path, *, key: str) -> None:
        """Open or begin the journal of this work.

        Args:
            folder: of the artifact.
            key: hash of the system; another system's journal is refused.

        Raises:
            UserError: another process writes it, it is sealed, damaged or of another system.
        """
        self.path = folder / f"{JOURNAL_NAME}.partial"
        if (folder / JOURNAL_NAME).exists():
            raise UserError(f"{folder} is sealed: nothing more is collected into it; take another")
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "journal.lock.partial").open("a+b")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise UserError(
                f"{folder} is being written by another process: wait until it ends"
            ) from error
        self._database = sqlite3.connect(self.path, isolation_level=None)
        try:
            self._open(key)
        except BaseException:
            self.close()
            raise

    def _open(self, key: str) -> None:
        try:
            # Exclusive: WAL then needs no shared memory, which network file systems lack.
            self._database.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
            with self._transaction():
                self._execute("INSERT OR IGNORE INTO about VALUES ('key', ?)", key)
                # Requests of a killed process: nobody can tell here whether they are billed.
                self._execute("UPDATE intent SET ended=? WHERE ended=? AND nonce=''", LOST, OPEN)
            found = self._one("SELECT value FROM about WHERE name='key'")
        except sqlite3.DatabaseError as error:
            raise UserError(f"{self.path} is damaged ({error}): restore it from a copy") from error
        if found != key:
            raise UserError(
                f"{self.path} is of another model or of other settings: take another folder"
            )

    def __enter__(self) -> "PaidJournal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others in."""
        self._database.close()
        self._lock.close()

    def seal(self) -> None:
        """Make one plain file of it under its final name, and close it."""
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.execute("PRAGMA journal_mode=DELETE")
        self._database.close()
        self.path.rename(self.path.with_name(JOURNAL_NAME))
        sync_folder(self.path.parent)
        Path(self._lock.name).unlink(missing_ok=True)
        self._lock.close()

    # What is known

    def answers(self) -> dict[str, Answer]:
        """Return all answers by key."""
        rows = self._database.execute("SELECT key, answer FROM result")
        return {key: _read_answer(text) for key, text in rows}

    def rejected(self) -> dict[str, str]:
        """Return why questions will never be answered, by key."""
        return dict(self._database.execute("SELECT key, reason FROM rejected"))

    @property
    def spent_usd(self) -> float:
        """Return what is billed for certain."""
        return float(self._one("SELECT TOTAL(usd) FROM ledger"))

    @property
    def lost_usd(self) -> float:
        """Return what requests may have cost whose replies were lost."""
        return float(self._one("SELECT TOTAL(reserved_usd) FROM intent WHERE ended=?", LOST))

    @property
    def open_usd(self) -> float:
        """Return what is set aside for requests on their way, as in open batches."""
        return float(self._one("SELECT TOTAL(reserved_usd) FROM intent WHERE ended=?", OPEN))

    @property
    def num_open(self) -> int:
        """Return how many requests are on their way."""
        return int(self._one("SELECT COUNT(*) FROM intent WHERE ended=?", OPEN))

    @property
    def num_lost(self) -> int:
        """Return how many requests may have been answered and billed without our seeing it."""
        return int(self._one("SELECT COUNT(*) FROM intent WHERE ended=?", LOST))

    def spent_by_language(self) -> dict[str, Spent]:
        """Return what was billed, by region code."""
        rows = self._database.execute(
            "SELECT language, COUNT(*), SUM(input_tokens), SUM(cached_tokens), SUM(output_tokens),"
            " SUM(reasoning_tokens), SUM(usd) FROM ledger GROUP BY language ORDER BY language"
        )
        return {language: Spent(*figures) for language, *figures in rows}

    # What happens

    def intend(self, key: str, *, reserved_usd: float, nonce: str = "") -> int:
        """Write that a request leaves now; return the row's number."""
        cursor = self._execute(
            "INSERT INTO intent (key, reserved_usd, nonce, at) VALUES (?, ?, ?, ?)",
            *(key, reserved_usd, nonce, _now()),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def end(self, intent: int, how: str) -> None:
        """Write that no answer came: the request failed, or its reply was lost."""
        self._execute("UPDATE intent SET ended=? WHERE id=?", how, intent)

    def finish(
        self, intent: int, question: Question, answer: Answer, *, usd: float, in_batch: bool = False
    ) -> None:
        """Write an answer, its cost and the end of its request, all or nothing."""
        usage, now = answer.usage or Usage(0, 0), _now()
        with self._transaction():
            self._execute(
                "INSERT OR IGNORE INTO result VALUES (?, ?, ?)",
                *(question.key, _answer_text(answer), now),
            )
            self._execute(
                "INSERT INTO ledger VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(question.key, question.language, answer.model, usage.input_tokens),
                *(usage.cached_tokens, usage.cache_write_tokens, usage.output_tokens),
                *(usage.reasoning_tokens, usd, answer.usage is not None, in_batch, now),
            )
            self._execute("UPDATE intent SET ended=? WHERE id=?", ANSWERED, intent)

    def reject(self, key: str, reason: str) -> None:
        """Write that a question will never be answered, so that it is never paid again."""
        self._execute("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?)", key, reason, _now())

    def take_back(self, keys: list[str]) -> None:
        """Forget rejections that were a setting's fault."""
        with self._transaction():
            for key in keys:
                self._execute("DELETE FROM rejected WHERE key=?", key)

    # Batches

    def begin_batch(self, nonce: str, reserved_usd: Mapping[str, float]) -> None:
        """Write a batch's nonce and its questions, before it is created."""
        with self._transaction():
            self._execute("INSERT INTO batch VALUES (?, '', 'open', ?)", nonce, _now())
            for key, usd in reserved_usd.items():
                self.intend(key, reserved_usd=usd, nonce=nonce)

    def name_batch(self, nonce: str, batch_id: str) -> None:
        """Write the id that the vendor gave it."""
        self._execute("UPDATE batch SET batch_id=? WHERE nonce=?", batch_id, nonce)

    def close_batch(self, nonce: str, *, how: str) -> None:
        """Write that a batch is read to its end; what had no answer ended so."""
        with self._transaction():
            self._execute("UPDATE batch SET state='closed' WHERE nonce=?", nonce)
            self._execute("UPDATE intent SET ended=? WHERE nonce=? AND ended=?", how, nonce, OPEN)

    def open_batches(self) -> list[OpenBatch]:
        """Return the batches that are not read to their end, oldest first."""
        rows = self._database.execute(
            "SELECT nonce, batch_id FROM batch WHERE state='open' ORDER BY at"
        ).fetchall()
        return [OpenBatch(nonce, name, self._batch_keys(nonce)) for nonce, name in rows]

    def _batch_keys(self, nonce: str) -> frozenset[str]:
        rows = self._database.execute("SELECT key FROM intent WHERE nonce=?", (nonce,))
        return frozenset(key for (key,) in rows)

    def intents(self, nonce: str) -> dict[str, tuple[int, float]]:
        """Return number and reserved cost of a batch's open requests, by question's key."""
        rows = self._database.execute(
            "SELECT key, id, reserved_usd FROM intent WHERE nonce=? AND ended=?", (nonce, OPEN)
        )
        return {key: (number, usd) for key, number, usd in rows}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _execute(self, statement: str, *values: str | float | bool) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    def _one(self, statement: str, *values: str) -> str | float:
        return self._database.execute(statement, values).fetchone()[0]


def _answer_text(answer: Answer) -> str:
    usage = None if answer.usage is None else answer.usage._asdict()
    value: dict[str, Json] = {**answer._asdict(), "usage": usage, "raw": dict(answer.raw)}
    return json.dumps(value, ensure_ascii=False)


def _read_answer(text: str) -> Answer:
    value = json.loads(text)
    usage = None if value["usage"] is None else Usage(**value["usage"])
    return Answer(**{**value, "usage": usage, "state": State(value["state"])})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
