"""The keys that wrap data keys: one that seals, some more that still open.

A key that a sealed thing names is used only if the configuration names it, too: else whoever
can write the store would choose the key.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from skykeep.envelope.wrapped_key import WrappedKey
from skykeep.errors import (
    Conflict,
    Denied,
    Invalid,
    KeyFailure,
    NotFound,
    PendingDelete,
    SkykeepError,
    Unavailable,
    Unsupported,
    VersionUnavailable,
)
from skykeep.interfaces.data_keys import DataKeys
from skykeep.interfaces.key_driver import DataKey
from skykeep.interfaces.keys import Keys
from skykeep.interfaces.secret_value import SecretValue
from skykeep.interfaces.tasks import Tasks
from skykeep.settings.guarding import EncryptionSettings

KeysOf = Callable[[str], Keys]
"""The keys in which a key of this name is."""

# What would be an answer about the secret or the object, if it came from their store.
_ANSWERS = (
    Conflict,
    Invalid,
    KeyFailure,
    NotFound,
    PendingDelete,
    Unsupported,
    VersionUnavailable,
)


@dataclass(frozen=True, slots=True)
class _Versioned(DataKey):
    """A data key, and its key's version as it was known before it was made."""

    version: str = ""


class Keks:
    """Data keys for one purpose, under the key of the settings and those that it retired.

    ``purpose`` is authenticated with every data key (the context ``skykeep``). It says no more
    than that, so that one data key serves many names; the names are bound where it is used.
    """

    def __init__(
        self, settings: EncryptionSettings, purpose: str, keys_of: KeysOf, tasks: Tasks
    ) -> None:
        """Raises ``ValueError`` where the settings name no key."""
        if settings.kek is None:
            raise ValueError("there is no key to seal with")
        self.kek = settings.kek
        self._accepted = (settings.kek, *settings.retired_keks)
        self._reuse = settings.reuse
        self._context = {"skykeep": purpose}
        self._keys_of = keys_of
        self._tasks = tasks
        self._data_keys: dict[str, DataKeys] = {}

    async def to_seal(self, size: int) -> tuple[SecretValue, WrappedKey]:
        """A data key for one message of so many bytes. Raises ``KeyFailure``, and what says
        that the key store cannot be asked."""
        try:
            made = await self._of(self.kek).to_seal(size)
        except SkykeepError as error:
            failure = error
        else:
            version = made.version if isinstance(made, _Versioned) else ""
            return made.plain, WrappedKey(self.kek, version, made.wrapped)
        raise _failure(failure, self.kek, "there is no data key to seal with")

    def count(self, key: WrappedKey, size: int) -> None:
        """Bytes of a message whose size was not known when its data key was asked for."""
        self._of(self.kek).count(key.wrapped, size)

    async def to_open(self, key: WrappedKey) -> SecretValue:
        """The data key. Raises as ``to_seal``; ``KeyFailure`` for a key that the settings do
        not name."""
        kek = key.kek
        if kek not in self._accepted:
            raise KeyFailure(
                f"this was sealed under the key {kek!a}, which the configuration does not name",
                hint="if it was yours, list it in 'retired_keks' of 'encryption'",
            )
        try:
            return await self._of(kek).to_open(key.wrapped)
        except SkykeepError as error:
            failure = error
        raise _failure(failure, kek, "the data key of this does not open")

    async def newest(self) -> str:
        """The version of the key that seals, as its store tells it; empty where it does not.
        Raises as ``to_seal``."""
        try:
            return (await self._keys_of(self.kek).describe(self.kek)).version or ""
        except (Denied, Unsupported):
            return ""  # nobody may ask: then nobody knows
        except SkykeepError as error:
            failure = error
        raise _failure(failure, self.kek, "it cannot be asked for its version")

    def is_newest(self, key: WrappedKey, newest: str) -> bool:
        """Whether a data key is wrapped by the key that seals, at its version ``newest``, as
        far as anybody knows: an unknown one counts as the same."""
        return key.kek == self.kek and (not newest or key.version == newest)

    async def rewrapped(self, key: WrappedKey, version: str) -> WrappedKey:
        """The same data key under the newest version of the key that seals, which was
        ``version`` before. Raises as ``to_open``."""
        keys = self._keys_of(self.kek)
        plain = None if key.kek == self.kek else await self.to_open(key)
        try:
            if plain is None:
                wrapped = await keys.rewrap(self.kek, key.wrapped, context=self._context)
            else:
                wrapped = await keys.wrap(self.kek, plain, context=self._context)
            return WrappedKey(self.kek, version, wrapped)
        except SkykeepError as error:
            failure = error
        finally:
            del plain
        raise _failure(failure, self.kek, "the data key of this cannot be wrapped anew")

    def forget(self) -> None:
        """Drop all data keys, and what is under way: after a fork, and at the end."""
        for each in self._data_keys.values():
            each.forget()

    def _of(self, kek: str) -> DataKeys:
        found = self._data_keys.get(kek)
        if found is None:
            keys, context, bounds = self._keys_of(kek), self._context, self._reuse

            async def generate() -> DataKey:
                # Before: a key that is rotated in between is taken for the older one, and
                # what it seals is moved once too often, never once too few.
                version = await self.newest()
                made = await keys.generate(kek, context=context)
                return _Versioned(made.plain, made.wrapped, version)

            async def unwrap(wrapped: bytes) -> SecretValue:
                return await keys.unwrap(kek, wrapped, context=context)

            found = self._data_keys[kek] = DataKeys(
                generate,
                unwrap,
                self._tasks,
                max_messages=bounds.max_messages,
                max_bytes=bounds.max_bytes,
                max_seconds=bounds.max_seconds,
            )
        return found


def _failure(error: SkykeepError, kek: str, what: str) -> SkykeepError:
    """``KeyFailure`` where the store of keys gives an answer: there, ``NotFound`` is about a
    key, and the secret or the object is as it was."""
    if isinstance(error, _ANSWERS):
        return KeyFailure(
            f"{what}: the key {kek!a}: {error.message}",
            hint=error.hint,
            operation=error.operation,
            resource=error.resource,
            target=error.target,
            request_id=error.request_id,
        )
    own = copy(error)  # each waiter's: the layers above write on it
    if isinstance(own, Unavailable):
        own.sent = False  # the store of secrets or objects was not asked to change anything
    return own
