"""Who the credentials of a target are, what they may do, and what they should be allowed.

For ``skykeep doctor`` and for start-up checks. What belongs here: the portable answer and
what a provider writes to give it. What does not: finding credentials (each provider's
``session.py``) and showing the answer (``apps/``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from skykeep.interfaces.call import Call, Effect, Front, Target

__all__ = ["CallerIdentity", "Identity", "IdentityDriver", "Permission", "Policy"]


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answered to the credentials that were found.

    Attributes:
        principal: as the provider names it: an ARN, a token's display name, an object id.
        source: which link of the credential chain answered, in words that say where to look:
            ``environment variables``, ``profile 'ops'``, ``web identity token``.
        account: the account, project, tenant or namespace; None where there is none.
        region: the region that calls go to; None where there is none.
        expires_at: when the credentials end, UTC; None if they do not or nobody says.
        renewable: they are renewed without anybody's doing.
    """

    principal: str
    source: str
    account: str | None = None
    region: str | None = None
    expires_at: datetime | None = None
    renewable: bool = True


@dataclass(frozen=True, slots=True)
class Permission:
    """One action on the resources under a prefix.

    Attributes:
        action: the provider's own name: ``secretsmanager:GetSecretValue``, ``read`` on a path.
        resource: what it was asked about, in the provider's own form.
        operations: those of ours that need it, ``secrets.get`` and so on; empty for an action
            that no operation needs.
        allowed: None if it could not be found out without doing it.
        how: how it was found out, in words: ``simulated``, ``asked``, ``tried``, ``not tried``.
    """

    action: str
    resource: str
    operations: tuple[str, ...]
    allowed: bool | None
    how: str

    @property
    def missing(self) -> bool:
        """An operation of ours needs it and it is refused."""
        return bool(self.operations) and self.allowed is False

    @property
    def needless(self) -> bool:
        """It is allowed and no operation of ours needs it."""
        return not self.operations and self.allowed is True


@dataclass(frozen=True, slots=True)
class Policy:
    """The smallest policy with which everything of ours works on the configured prefix.

    Attributes:
        language: ``AWS IAM JSON``, ``Vault HCL``.
        text: ready to be pasted.
        hint: where it goes: the command or the page, in one line.
    """

    language: str
    text: str
    hint: str


class IdentityDriver(ABC):
    """Answers for the credentials of one target. Changes nothing in the store.

    Every method may raise ``Unauthenticated``, ``Denied``, ``Throttled``, ``Unavailable``.
    """

    @abstractmethod
    async def whoami(self) -> Identity:
        """Who the store takes us for. Asks the store, so that a wrong key is found out."""

    @abstractmethod
    async def permissions(self) -> Sequence[Permission]:
        """What these credentials may do on the configured prefix, as far as it can be found
        out without changing anything."""

    @abstractmethod
    def policy(self, *, read_only: bool = False) -> Policy:
        """The smallest policy, for all operations or for those that read."""

    async def close(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """Let go of connections. Called once; no call is under way."""

    def after_fork(self) -> None:  # noqa: B027  (most drivers hold nothing: not abstract)
        """In a forked child: drop what must not be shared with the parent."""


class CallerIdentity:
    """Who we are to the primary target: what applications use.

    Every method raises ``Unsupported`` where the provider has no identities (a local vault
    is unlocked, not logged in to), and what its driver raises.
    """

    def __init__(self, front: Front, primary: Target) -> None:
        self._front = front
        self._primary = primary

    async def whoami(self) -> Identity:
        """Who the store takes us for. Always asks: a kept answer would be no answer."""
        return await self._ask("identity.whoami", lambda driver: driver.whoami())

    async def permissions(self) -> Sequence[Permission]:
        """What we may do on the configured prefix, as far as it can be found out without
        changing anything."""
        return await self._ask("identity.permissions", lambda driver: driver.permissions())

    async def policy(self, *, read_only: bool = False) -> Policy:
        """The smallest policy with which everything works, or everything that reads."""
        driver: IdentityDriver = await self._primary.driver("identity")
        return driver.policy(read_only=read_only)

    async def _ask(
        self, operation: str, question: Callable[[IdentityDriver], Awaitable[T]]
    ) -> T:
        async def send(target: Target) -> T:
            return await question(await target.driver("identity"))

        call = Call(operation, "", Effect.READ, send, idempotent=True)
        return (await self._front(call)).value
