"""The harness: what the suite must know of a driver to test it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Protocol

from skykeep.interfaces.secret_driver import SecretDriver
from skykeep.interfaces.secret_value import MAX_VALUE_BYTES, SecretValue


class SecretsHarness(ABC):
    """Opens one driver on one empty store. Each case gets a harness of its own.

    Attributes:
        persistent: :meth:`reopen` is there: the store outlives the driver.
        value_limit: the largest value that cases may write, bytes; lower it where a
            large one costs money or minutes. At the driver's own limit or above, the
            limit is tested to the byte.
        longest_name: names up to this many bytes must be kept; longer ones may be
            ``Invalid``. Lower it where the store has less room.
        most_segments: names of up to this many segments must be kept; deeper ones may be
            ``Invalid``. Lower it where the store has fewer levels.
        versions_limit: how many versions of one secret cases may write, to see old ones
            pruned.
        nests: a name can lie under another one, ``a/b`` beside ``a``; False where names are
            paths of files. A store that can be written must do it.
        native_name: a ``native:`` name that the store can carry, or None.
        directory: an empty directory of this case alone.
    """

    persistent: ClassVar[bool] = False
    value_limit: ClassVar[int] = MAX_VALUE_BYTES
    longest_name: ClassVar[int] = 255
    most_segments: ClassVar[int] = 128
    versions_limit: ClassVar[int] = 120
    nests: ClassVar[bool] = True
    native_name: ClassVar[str | None] = None

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @abstractmethod
    async def open(self) -> SecretDriver:
        """The driver under test, on an empty store. Called once.

        Where a store is shared between cases, open it under a fresh ``secret_prefix``.
        """

    async def reopen(self) -> SecretDriver:
        """Another driver over the same store, the first one still open."""
        raise NotImplementedError(f"{type(self).__name__} is persistent and has no reopen()")

    async def close(self) -> None:  # noqa: B027  (many stores need no cleaning: not abstract)
        """Close every driver that was opened and remove what they left."""

    def without(self, capability: str) -> SecretsHarness | None:
        """A harness whose driver lacks the capability (a flag's name), or None.

        Give one where the driver can be configured so; the cases of the missing
        capability are skipped elsewhere.
        """
        return None

    def can_hold(self, data: bytes) -> bool:
        """Whether a store that cannot be written can hold these bytes, put there by others:
        no environment variable holds a NUL. One that can be written must hold them all."""
        return True

    async def fill(self, name: str, value: SecretValue) -> None:
        """Put a secret into the store by other means than a driver that cannot write."""
        raise NotImplementedError(f"{type(self).__name__} cannot write and has no fill()")


class MakesHarness(Protocol):
    """A subclass of ``SecretsHarness``, or a function."""

    def __call__(self, directory: Path, /) -> SecretsHarness:
        """A harness that is not yet opened, with an empty directory of its own."""
        ...
