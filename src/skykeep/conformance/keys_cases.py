"""What the cases about keys are made of: keys, values, an application's front, listings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast

import pytest

from skykeep.conformance.keys_harness import KeysHarness
from skykeep.interfaces.call import Answer, Call, Front, Role, Target
from skykeep.interfaces.key_driver import (
    KeyDriver,
    KeyInfo,
    KeyPurpose,
    SignatureAlgorithm,
)
from skykeep.interfaces.keys import Keys
from skykeep.interfaces.tasks import Tasks

T = TypeVar("T")

AT_ONCE: Final = 8
NONE: Final[Mapping[str, str]] = {}
PAIRS: Final = {"tenant": "acme", "purpose": "backup", "größe": "5 μm"}


async def make(
    driver: KeyDriver,
    store: KeysHarness,
    *names: str,
    purpose: KeyPurpose = "encrypt",
    algorithm: SignatureAlgorithm | None = None,
) -> None:
    """Make keys, through the driver if it can, else by the harness."""
    for name in names:
        if driver.capabilities.create:
            await driver.create(name, purpose, algorithm)
        else:
            await store.make(name, purpose, algorithm)


async def listed(driver: KeyDriver, prefix: str = "", *, limit: int = 100) -> list[KeyInfo]:
    """All that a listing gives, page by page."""
    items: list[KeyInfo] = []
    cursor: str | None = None
    for _ in range(1000):
        page = await driver.list(prefix, cursor=cursor, limit=limit)
        assert len(page.items) <= limit, f"a page of {len(page.items)}, limit {limit}"
        items.extend(page.items)
        if page.cursor is None:
            return items
        assert page.cursor != cursor, "the listing does not move on"
        cursor = page.cursor
    pytest.fail("the listing does not end")


def damaged(ciphertext: bytes) -> list[bytes]:
    """The ciphertext with one fault each: cut, lengthened, a bit flipped somewhere."""
    size = len(ciphertext)
    places = sorted({0, 1, 2, size // 3, size // 2, size - 2, size - 1, *range(4, size, 11)})
    flipped = []
    for place in places:
        other = bytearray(ciphertext)
        other[place] ^= 1
        flipped.append(bytes(other))
    cut = [ciphertext[:end] for end in (1, size // 2, size - 1)]
    return [*cut, ciphertext[1:], ciphertext + b"\0", ciphertext + b"\n", *flipped]


class Counted:
    """A driver whose calls are counted, as the target of an application's front."""

    name = "primary (suite)"
    provider = "suite"
    region = None
    role = Role.PRIMARY
    embedded = True

    def __init__(self, driver: KeyDriver) -> None:
        self.calls: Counter[str] = Counter()
        self.capabilities = driver.capabilities
        self._driver = driver

    async def driver(self, capability: str) -> Any:
        assert capability == "keys"
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._driver, name)

        def counted(*given: object, **named: object) -> Any:
            self.calls[name] += 1
            return method(*given, **named)

        return counted


class _Direct:
    """Sends each call straight to the target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def __call__(self, call: Call[T], /) -> Answer[T]:
        return Answer(await call.send(self._target), self._target.name)

    def invalidate(self, resource: str | None) -> None:
        """Nothing is cached."""


def keys_over(driver: KeyDriver, scope: str = "") -> tuple[Keys, Counted]:
    """What an application would have, without layers; and the count of the driver's calls."""
    counted = Counted(driver)
    target = cast("Target", counted)
    return Keys(cast("Front", _Direct(target)), target, Tasks(), scope), counted
