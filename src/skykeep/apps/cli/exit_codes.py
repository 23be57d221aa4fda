"""The published table of exit codes. Scripts rely on it: a code never changes its meaning."""

from __future__ import annotations

from dataclasses import dataclass

DONE = 0
DIFFERS = 1
USAGE = 2
BUG = 70
OUTPUT = 74
NOT_EXECUTABLE = 126
NOT_A_COMMAND = 127
INTERRUPTED = 130
BROKEN_PIPE = 141


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command can end.

    Attributes:
        code: the exit code.
        words: what the error line begins with.
        meaning: for the documentation.
    """

    code: int
    words: str
    meaning: str


ERRORS = {
    "NotFound": Ending(
        10, "not found", "there is no such secret, version, key, object or file"
    ),
    "Denied": Ending(11, "denied", "these credentials, or the file's mode, do not allow it"),
    "Unauthenticated": Ending(12, "not signed in", "there are no credentials, or expired ones"),
    "Invalid": Ending(13, "invalid", "it can never succeed as it is; nothing was sent"),
    "Conflict": Ending(14, "conflict", "it exists already, or another version is current"),
    "PendingDelete": Ending(15, "pending delete", "a deleted secret still holds the name"),
    "VersionUnavailable": Ending(16, "version unavailable", "that version cannot be read"),
    "Throttled": Ending(17, "throttled", "the store asks for patience"),
    "Unavailable": Ending(18, "unavailable", "the store does not answer"),
    "Quota": Ending(19, "quota", "a limit of the store or the disk is used up"),
    "KeyFailure": Ending(20, "key failure", "the key does not unlock it, or there is none"),
    "Corrupt": Ending(21, "corrupt", "what is stored is damaged or was tampered with"),
    "Unsupported": Ending(22, "unsupported", "this store cannot do it; nothing happened"),
    "MissingExtra": Ending(23, "not installed", "the provider is not installed"),
    "ConfigError": Ending(24, "configuration", "the configuration is wrong"),
    "SkykeepError": Ending(69, "error", "an error that has none of the codes above"),
}
"""Error class -> its ending. A subclass that is not here ends as its nearest parent."""

OTHERS = {
    "Done": Ending(DONE, "", "done"),
    "Differs": Ending(
        DIFFERS,
        "",
        "the answer is no: `doctor` or `scan` found something, `search` found nothing, "
        "`keys verify` holds no good signature, `obj lifecycle show` or `diff` found a "
        "difference, `sync` skipped something, `migrate` says that A cannot be retired, "
        "`health` is not ok, `reconcile` leaves something owed, "
        "`watch --once` saw no change in its time, a question was answered no",
    ),
    "Usage": Ending(USAGE, "usage", "the command line makes no sense"),
    "Bug": Ending(BUG, "a bug in skykeep", "unexpected: please report it"),
    "Output": Ending(OUTPUT, "output", "the output could not be written"),
    "NotExecutable": Ending(
        NOT_EXECUTABLE, "cannot be started", "`run`, `watch`: the command cannot be executed"
    ),
    "NotACommand": Ending(
        NOT_A_COMMAND, "no such command", "`run`, `watch`: there is no such command"
    ),
    "Interrupted": Ending(INTERRUPTED, "interrupted", "Ctrl-C; `edit`, `watch`: SIGTERM, too"),
    "BrokenPipe": Ending(BROKEN_PIPE, "", "the reader of the output went away"),
}
"""Endings that belong to no error class."""


def ending_of(kind: type[BaseException]) -> tuple[str, Ending] | None:
    """The name of the nearest class in the table, and its ending; None for foreign errors."""
    for ancestor in kind.__mro__:
        ending = ERRORS.get(ancestor.__name__)
        if ending is not None:
            return ancestor.__name__, ending
    return None
