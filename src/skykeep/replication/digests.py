"""Keyed digests of values: equal values of a name have equal ones on every store.

The key is a secret of the environment, made once and kept in every target like any other. A
host that cannot read it writes without digests; such a version is compared by its value.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from skykeep.errors import Conflict, NotFound, SkykeepError
from skykeep.interfaces.secret_command import SecretCommand
from skykeep.interfaces.secret_driver import STAMP_DIGEST_BYTES
from skykeep.interfaces.secrets import Secrets

NAME: Final = "skykeep/digest-key"
"""The key's name, in the scope of the environment."""

KEY_BYTES: Final = 32

PATIENCE: Final = 30.0
"""Seconds until a key that could not be had is asked for again."""


class ValueDigests:
    """Makes the digests of one environment.

    Args:
        secrets: where the key is; gives it when it is first needed.
        resource: the key's name with its scope.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        secrets: Callable[[], Secrets],
        resource: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = secrets
        self._resource = resource
        self._clock = clock
        self._key: bytes | None = None
        self._not_before = float("-inf")
        self._asking: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def __call__(self, command: SecretCommand) -> bytes | None:
        """16 bytes; None for a command without a value, or while the key cannot be had."""
        if command.value is None or command.resource == self._resource:
            return None
        if self._key is None:
            async with self._turn():
                # Those who waited have their answer: the key, or that it is not there.
                if self._key is None and self._clock() >= self._not_before:
                    self._key = await self._find()
                    self._not_before = self._clock() + PATIENCE
        if self._key is None:
            return None
        # Imported here: it stands on cryptography, which reading needs nowhere else.
        from skykeep.envelope.digests import hmac_sha256

        name = command.resource.encode()
        data = len(name).to_bytes(4, "big") + name + command.value.reveal()
        return hmac_sha256(self._key, data)[:STAMP_DIGEST_BYTES]

    def _turn(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._asking is None or self._asking[0] is not loop:
            # After a fork: who had it is not in the child.
            self._asking = loop, asyncio.Lock()
        return self._asking[1]

    async def _find(self) -> bytes | None:
        secrets = self._secrets()
        try:
            try:
                found = await secrets.get(NAME)
            except NotFound:
                try:
                    await secrets.create(NAME, os.urandom(KEY_BYTES))
                except Conflict:
                    pass  # another host was quicker
                found = await secrets.get(NAME, fresh=True)
        except SkykeepError:
            return None
        key = found.value.reveal()
        return key if len(key) == KEY_BYTES else None
