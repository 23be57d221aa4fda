"""Whose credentials a call is signed with: found once, renewed ahead of their end.

Keys in environment variables are taken without botocore, whose import takes longer than the
call; everything else is botocore's own chain (``chain.py``). That chain blocks, so it runs in
a thread, one at a time however many calls wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from skykeep.interfaces.renewed import Renewed
from skykeep.providers.aws.settings import AwsSettings

AHEAD = 15 * 60.0
"""Seconds before their end from which on keys are renewed beside the calls that use them; what
botocore calls the advisory refresh (``credentials.py``, 15 minutes)."""

LAST = 60.0
"""Seconds before their end from which on no call begins with them."""

PATIENCE = 30.0
"""Seconds after a renewal beside calls has failed until it is tried again."""


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """What a call is signed with.

    Attributes:
        access: the access key id.
        secret: the secret access key.
        token: the session token, or None.
        expires_at: their end, UTC, or None.
        method: which link of the chain found them, as botocore names it: ``env``, ``sso``.
    """

    access: str = field(repr=False)
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    method: str = "env"

    def same(self, other: Keys) -> bool:
        """Whether these are the very same credentials."""
        return (self.access, self.secret, self.token) == (
            other.access,
            other.secret,
            other.token,
        )


class Finder(Protocol):
    """Finds keys; blocks. Raises our errors."""

    def __call__(self, *, anew: bool) -> Keys:
        """The keys; ``anew`` asks their source again even if they have not ended."""
        ...


class Credentials:
    """The keys of one target, for all its clients; from any event loop."""

    def __init__(self, finder: Finder, clock: Callable[[], float] = time.time) -> None:
        self._renewed = Renewed[Keys](
            lambda anew: finder(anew=anew),
            lambda keys: None if keys.expires_at is None else keys.expires_at.timestamp(),
            ahead=AHEAD,
            last=LAST,
            patience=PATIENCE,
            name="skykeep aws credentials",
            clock=clock,
        )

    async def keys(self) -> Keys:
        """Keys to sign with. Raises ``Unauthenticated``, ``Denied``, ``Unavailable``,
        ``ConfigError``, ``MissingExtra``."""
        return await self._renewed.current()

    async def renewed(self, refused: Keys) -> Keys | None:
        """Other keys than those that the service refused as ended; None if there are none."""
        keys = await self._renewed.another(refused)
        return None if keys.same(refused) else keys

    def after_fork(self) -> None:
        """In a forked child: the parent's thread is not here, and its lock may be held."""
        self._renewed.after_fork()


def finder_of(
    settings: AwsSettings, environ: Mapping[str, str], target: str, region: str
) -> Finder:
    """Where the keys of a target come from: variables if they hold them, else AWS's chain."""
    if settings.profile is None and settings.role_arn is None and from_variables(environ):
        return _Variables(environ)
    return _Chain(settings, target, region)


def from_variables(environ: Mapping[str, str]) -> Keys | None:
    """The keys that the environment's variables hold, if they hold them whole.

    As botocore's ``EnvProvider``. Keys with an end (``AWS_CREDENTIAL_EXPIRATION``) are left to
    it: somebody renews them there.
    """
    access = environ.get("AWS_ACCESS_KEY_ID")
    secret = environ.get("AWS_SECRET_ACCESS_KEY")
    if not access or not secret or environ.get("AWS_CREDENTIAL_EXPIRATION"):
        return None
    token = environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN")
    return Keys(access, secret, token or None)


class _Variables:
    """Keys in environment variables, read again when they are refused."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, *, anew: bool) -> Keys:
        from skykeep.providers.aws.credential_errors import no_credentials

        keys = from_variables(self._environ)
        if keys is None:
            raise no_credentials()
        return keys


class _Chain:
    """botocore's chain; imported in the thread that asks it."""

    def __init__(self, settings: AwsSettings, target: str, region: str) -> None:
        self._settings = settings
        self._target = target
        self._region = region
        self._finder: Finder | None = None

    def __call__(self, *, anew: bool) -> Keys:
        if self._finder is None:
            from skykeep.providers.aws.chain import Chain

            self._finder = Chain(self._settings, self._target, self._region)
        return self._finder(anew=anew)
