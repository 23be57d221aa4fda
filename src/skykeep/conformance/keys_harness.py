"""The harness of the suite of keys: what it must know of a driver to test it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from skykeep.interfaces.key_driver import (
    Context,
    KeyDriver,
    KeyPurpose,
    Signature,
    SignatureAlgorithm,
)


class KeysHarness(ABC):
    """Opens one driver on one empty store. Each case gets a harness of its own.

    Attributes:
        persistent: :meth:`reopen` is there: the store outlives the driver.
        longest_name: names up to this many bytes must be taken; longer ones may be
            ``Invalid``. Lower it where the store has less room.
        most_segments: names of up to this many segments must be taken; deeper ones may be
            ``Invalid``.
        many: how many keys a case may make; lower it where each costs money or time.
        rotations: how often a case may rotate one key.
        native_name: a ``native:`` name under which the store can make a key, or None.
        directory: an empty directory of this case alone.
    """

    persistent: ClassVar[bool] = False
    longest_name: ClassVar[int] = 255
    most_segments: ClassVar[int] = 128
    many: ClassVar[int] = 20
    rotations: ClassVar[int] = 3
    native_name: ClassVar[str | None] = None

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @abstractmethod
    async def open(self) -> KeyDriver:
        """The driver under test, on an empty store. Called once.

        Where a store is shared between cases, open it under a fresh prefix.
        """

    async def reopen(self) -> KeyDriver:
        """Another driver over the same store, the first one still open."""
        raise NotImplementedError(f"{type(self).__name__} is persistent and has no reopen()")

    async def close(self) -> None:  # noqa: B027  (many stores need no cleaning: not abstract)
        """Close every driver that was opened and remove what they left."""

    def without(self, capability: str) -> KeysHarness | None:
        """A harness whose driver lacks the capability (a flag's name), or None.

        Give one where the driver can be configured so; the cases of the missing capability
        are skipped elsewhere. ``signatures`` is lacking where it is empty.
        """
        return None

    async def make(
        self, name: str, purpose: KeyPurpose, algorithm: SignatureAlgorithm | None
    ) -> None:
        """Make a key by other means than a driver that cannot."""
        raise NotImplementedError(f"{type(self).__name__} makes no keys and has no make()")

    async def disable(self, name: str) -> bool:
        """Disable the key, by other means than the driver; False where nothing can."""
        return False

    async def delete(self, name: str) -> bool:
        """Have the key deleted after a while, by other means than the driver, so that the
        store says so until then; False where none does."""
        return False

    def version_of(self, ciphertext: bytes) -> str | None:
        """Which version of its key made the ciphertext, as ``KeyInfo.version`` has it; None
        where that cannot be seen."""
        return None

    def told(self) -> Sequence[Context] | None:
        """All contexts that the store was told so far; None where it cannot be asked."""
        return None

    async def checks(self, name: str, digest: bytes, signature: Signature) -> bool | None:
        """Whether the signature is good, by other means than the driver: the public key and
        a library that is not the driver's; None where the public key cannot be had."""
        return None


class MakesKeysHarness(Protocol):
    """A subclass of ``KeysHarness``, or a function."""

    def __call__(self, directory: Path, /) -> KeysHarness:
        """A harness that is not yet opened, with an empty directory of its own."""
        ...
