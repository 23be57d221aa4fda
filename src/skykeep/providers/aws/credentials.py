"""Whose credentials a call is signed with: found once, renewed ahead of their end.

Keys in environment variables are taken without botocore, whose import takes longer than the
call; everything else is botocore's own chain (``chain.py``). That chain blocks, so it runs in
a thread, one at a time however many calls wait for it.
"""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from skykeep.errors import SkykeepError
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
    """The keys of one target, for all its clients.

    May be used from any event loop. A renewal goes on in its thread when the call that began
    it is cancelled; the next call finds its outcome.
    """

    def __init__(self, finder: Finder, clock: Callable[[], float] = time.time) -> None:
        self._finder = finder
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._under_way: Future[Keys] | None = None
        self._not_before = 0.0

    async def keys(self) -> Keys:
        """Keys to sign with. Raises ``Unauthenticated``, ``Denied``, ``Unavailable``,
        ``ConfigError``, ``MissingExtra``."""
        keys = self._keys
        if keys is not None:
            left = self._left(keys)
            if left > AHEAD:
                return keys
            if left > LAST:
                if self._clock() >= self._not_before:
                    self._begin(anew=False)
                return keys
        return await _outcome(self._begin(anew=False))

    async def renewed(self, refused: Keys) -> Keys | None:
        """Other keys than those that the service refused as ended; None if there are none."""
        keys = self._keys
        if keys is None or keys is refused:
            keys = await _outcome(self._begin(anew=True))
        return None if keys.same(refused) else keys

    def after_fork(self) -> None:
        """In a forked child: the parent's thread is not here, and its lock may be held."""
        self._lock = threading.Lock()
        self._under_way = None

    def _left(self, keys: Keys) -> float:
        """Seconds until the keys end."""
        if keys.expires_at is None:
            return float("inf")
        return keys.expires_at.timestamp() - self._clock()

    def _begin(self, *, anew: bool) -> Future[Keys]:
        with self._lock:
            if self._under_way is not None:
                return self._under_way
            outcome: Future[Keys] = Future()
            outcome.set_running_or_notify_cancel()  # a caller's cancellation does not end it
            self._under_way = outcome
        thread = threading.Thread(
            target=self._find, args=(outcome, anew), name="skykeep aws credentials", daemon=True
        )
        thread.start()
        return outcome

    def _find(self, outcome: Future[Keys], anew: bool) -> None:
        failure: Exception | None = None
        keys: Keys | None = None
        try:
            keys = self._finder(anew=anew)
        except Exception as error:  # noqa: BLE001  (handed to the calls that wait for it)
            failure = error
        with self._lock:
            if keys is not None:
                self._keys = keys
            self._not_before = self._clock() + PATIENCE
            if self._under_way is outcome:
                self._under_way = None
        if keys is not None:
            outcome.set_result(keys)
        elif failure is not None:
            outcome.set_exception(_fresh(failure))


async def _outcome(under_way: Future[Keys]) -> Keys:
    """What the search finds; each caller gets an error of its own, to be located by it."""
    failure: SkykeepError
    try:
        return await asyncio.wrap_future(under_way)
    except SkykeepError as error:
        failure = copy.copy(error)
    raise failure


def _fresh(error: Exception) -> Exception:
    """The error without the frames that found it, which may hold keys."""
    if isinstance(error, SkykeepError):
        error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


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
