"""What a user sees when a recipe fails: one line, and an exit code."""

import errno
import re

from ..data.errors import ExitCode, RunError, UserError


def one_line(error: Exception) -> str:
    """Return what went wrong, and the cure where it is known."""
    if isinstance(error, OSError) and (error.errno == errno.ENOSPC or _is_numpys(error)):
        return (
            f"no space left on the disk ({error.filename or 'while writing'}): free some, run again"
        )
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES):
        return (
            f"{error.filename}: {str(error.strerror).lower()}: choose a path that you may use, "
            "such as another root=..., or correct its rights"
        )
    text = " ".join(str(error).split()) or "no message"
    if isinstance(error, UserError | RunError):
        return text
    return f"{type(error).__name__}: {text} (run with --debug for the traceback)"


def exit_code(error: Exception) -> int:
    """Return the code of the table in ``data/errors.py``."""
    if isinstance(error, UserError):
        return ExitCode.USER_MISTAKE
    if isinstance(error, RunError):
        return error.code
    return ExitCode.RUN_FAILED


def _is_numpys(error: OSError) -> bool:
    """Return whether numpy wrote less than it should have; it does not say why."""
    return (
        error.errno is None and re.search(r"\d requested and \d+ written", str(error)) is not None
    )
