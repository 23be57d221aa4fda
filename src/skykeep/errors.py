"""Every error that skykeep raises, arranged by what the caller can do about it.

::

    SkykeepError
    ├── NotFound             no such secret or version: an answer, not an outage
    ├── Denied               these credentials, or the rules of residency, do not allow it
    ├── Unauthenticated      no credentials, or expired ones
    ├── Invalid              the request can never succeed as it is; nothing was sent
    ├── Conflict             compare-and-set lost, or the name already exists
    ├── PendingDelete        a tombstone holds the name: restore or purge it first
    ├── VersionUnavailable   that version is disabled, destroyed or deleted
    ├── Throttled            the store asks for patience (``retry_after``, seconds)
    ├── Unavailable          no answer: outage, network, time-out, sealed store
    ├── Quota                a limit of the store is used up (space, count)
    ├── KeyFailure           cannot unlock or decrypt: wrong passphrase, disabled key
    ├── Corrupt              stored data is damaged or was tampered with
    ├── Unsupported          this store cannot do that; nothing happened
    ├── MissingExtra         the provider is not installed (says the pip command)
    └── ConfigError          the configuration is wrong (file, line, key, expected)

Each error carries ``operation``, ``resource``, ``target`` and the provider's
``request_id`` where they are known, and a ``hint``: what to do now. None carries
a secret value, and none is chained to an SDK's exception, which might.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "ConfigError",
    "Conflict",
    "Corrupt",
    "Denied",
    "Invalid",
    "KeyFailure",
    "MissingExtra",
    "NotFound",
    "PendingDelete",
    "Problem",
    "Quota",
    "SkykeepError",
    "Throttled",
    "Unauthenticated",
    "Unavailable",
    "Unsupported",
    "VersionUnavailable",
]


class SkykeepError(Exception):
    """The root of the tree. ``str()`` of it is one line for people: what, where, the mend.

    Attributes:
        message: what went wrong, without the hint.
        hint: what to do about it, or ``""``.
        operation: the operation, as in ``secrets.get``; ``""`` if there was none.
        resource: the secret's name or the file's path; ``""`` if there was none.
        target: the configured target that answered; ``""`` if none was asked.
        request_id: the provider's own id of the request, for its support desk.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        operation: str = "",
        resource: str = "",
        target: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.operation = operation
        self.resource = resource
        self.target = target
        self.request_id = request_id

    def __str__(self) -> str:
        text = self.message
        if self.target and self.target not in text:
            text += f" [{self.target}]"
        if self.request_id:
            text += f" (request {self.request_id})"
        if self.hint:
            text += f"; {self.hint}"
        return text

    def located(
        self, *, operation: str = "", resource: str = "", target: str = ""
    ) -> SkykeepError:
        """Fill in what was not yet known where the error was raised; returns itself."""
        self.operation = self.operation or operation
        self.resource = self.resource or resource
        self.target = self.target or target
        return self


class NotFound(SkykeepError):
    """There is no such secret or version. An answer of the store, never an outage."""


class Denied(SkykeepError):
    """The credentials are known and may not do this, a file may not be touched, or residency
    does not allow the region: then nothing was sent."""


class Unauthenticated(SkykeepError):
    """No credentials were found, or those found have expired."""


class Invalid(SkykeepError):
    """The request can never succeed as it is: a bad name, a value over the limit.

    Raised before any call is made: nothing was sent, nothing was written.
    """


class Conflict(SkykeepError):
    """The name already exists, or compare-and-set found another version than expected."""


class PendingDelete(SkykeepError):
    """The secret was deleted and can still be restored; its tombstone holds the name."""


class VersionUnavailable(SkykeepError):
    """The secret is there, this version of it cannot be read: disabled or destroyed."""


class Throttled(SkykeepError):
    """The store asks for patience. It did not execute the request.

    Attributes:
        retry_after: seconds that the store asked for, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        hint: str = "",
        operation: str = "",
        resource: str = "",
        target: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(
            message,
            hint=hint,
            operation=operation,
            resource=resource,
            target=target,
            request_id=request_id,
        )
        self.retry_after = retry_after


class Unavailable(SkykeepError):
    """No answer: the store is down, sealed, unreachable, or took too long.

    After a write the outcome is in doubt: it may have been executed, unless ``sent`` is
    False.

    Attributes:
        sent: whether the request may have reached the store. False says that nothing of
            it left this host, so that any call may be sent again.
        timed_out: it took too long; nothing else is known to be wrong.
        left_alone: it was not tried: the target's breaker is open.
    """

    def __init__(
        self,
        message: str,
        *,
        sent: bool = True,
        timed_out: bool = False,
        left_alone: bool = False,
        hint: str = "",
        operation: str = "",
        resource: str = "",
        target: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(
            message,
            hint=hint,
            operation=operation,
            resource=resource,
            target=target,
            request_id=request_id,
        )
        self.sent = sent
        self.timed_out = timed_out
        self.left_alone = left_alone


class Quota(SkykeepError):
    """A limit of the store or the disk is used up. Nothing was written."""


class KeyFailure(SkykeepError):
    """The key does not unlock this: a wrong passphrase or key file, a disabled key."""


class Corrupt(SkykeepError):
    """What is stored fails its authentication: damaged, truncated or tampered with."""


class Unsupported(SkykeepError):
    """This store cannot do that. Nothing happened."""


class MissingExtra(SkykeepError):
    """The provider is not installed; the hint says the pip command."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration.

    Attributes:
        file: the file's path, or where else the setting came from (``--env``); may be ``""``.
        line: 1-based line in the file; 0 if there is none.
        key: the dotted key, ``production.primary.region``; ``""`` for the whole file.
        message: what is wrong and what was expected.
    """

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.key, self.message) if part)


class ConfigError(SkykeepError):
    """The configuration is wrong. All that is wrong with it is in ``problems``.

    Attributes:
        problems: one ``Problem`` each, in the order of the file; never empty.
    """

    def __init__(self, problems: Sequence[Problem] | Problem | str, *, hint: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem("", 0, "", problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems: tuple[Problem, ...] = tuple(problems)
