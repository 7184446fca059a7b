"""Exit codes and the errors that lead to them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command tells the shell or the scheduler; the only table of exit codes."""

    DONE = 0
    RUN_FAILED = 1
    USER_MISTAKE = 2
    GATE_FAILED = 3
    INCONCLUSIVE = 4
    PARTIAL = 5
    SAVED_RUN_AGAIN = 75


class UserError(ValueError):
    """The user's mistake, in one line: what, where, the cure. Leads to exit code 2."""


class RunError(RuntimeError):
    """A run that cannot go on, in one line: what, where, the cure.

    Args:
        message: the line to print.
        code: the exit code; RUN_FAILED unless the run ended in another named way.
    """

    def __init__(self, message: str, *, code: ExitCode = ExitCode.RUN_FAILED) -> None:
        super().__init__(message)
        self.code = code
