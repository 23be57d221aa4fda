"""What the cases of a suite are made of: requirements, canary values, refusals, snapshots."""

from __future__ import annotations

import base64
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import pytest

from skykeep.conformance.harness import SecretsHarness
from skykeep.errors import SkykeepError, Unsupported
from skykeep.interfaces.secret_driver import (
    Attributes,
    SecretDriver,
    SecretInfo,
    Version,
)
from skykeep.interfaces.secret_value import SecretValue

CANARY: Final = b"canary-4c1d9f07"
"""Part of every value that the suite writes; no error and no ``repr`` may show it."""

NOTHING: Final = Attributes()
UNKNOWN_VERSION: Final = "no-such-version"

AnyCase = TypeVar("AnyCase", bound=Callable[..., Any])
AnyHarness = TypeVar("AnyHarness", bound="Opens")


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a case needs of the driver: flags that are on, and one that is off."""

    needs: tuple[str, ...] = ()
    off: str = ""


def case(*needs: str, off: str = "") -> Callable[[AnyCase], AnyCase]:
    """An async case that runs where the capabilities named are there and ``off`` is not.

    Where the driver has ``off``, the harness is asked for one without it. The word
    ``flag`` stands for the case's parameter of that name.
    """

    def mark(function: AnyCase) -> AnyCase:
        function.__dict__["requirements"] = Requirements(needs, off)
        marked: AnyCase = pytest.mark.asyncio(function)
        return marked

    return mark


def requirements(function: object) -> Requirements:
    """What :func:`case` noted on a function."""
    found = getattr(function, "requirements", None)
    return found if isinstance(found, Requirements) else Requirements()


class Opens(Protocol):
    """What every suite's harness does."""

    async def open(self) -> Any:
        """The driver under test."""

    async def close(self) -> None:
        """Close every driver that was opened."""

    def without(self, capability: str) -> Any:
        """A harness whose driver lacks the capability, or None."""


@asynccontextmanager
async def as_asked(
    request: pytest.FixtureRequest, harness: AnyHarness
) -> AsyncIterator[tuple[AnyHarness, Any]]:
    """The harness and its open driver, with and without what the requesting case asks for.

    Skips the case where that cannot be had.
    """
    wanted = requirements(request.function)
    callspec = getattr(request.node, "callspec", None)
    given = {"flag": callspec.params.get("flag")} if callspec is not None else {}
    needs = [given.get(flag, flag) for flag in wanted.needs]
    off = given.get(wanted.off, wanted.off)
    driver = await harness.open()
    try:
        if off and getattr(driver.capabilities, off):
            lesser: AnyHarness | None = harness.without(off)
            if lesser is None:
                pytest.skip(f"the driver has '{off}' and the harness cannot leave it out")
            await harness.close()
            harness = lesser
            driver = await harness.open()
            assert not getattr(driver.capabilities, off), (
                f"without('{off}') gave a driver that has it"
            )
        for flag in needs:
            if not getattr(driver.capabilities, flag):
                pytest.skip(f"the driver has no '{flag}'")
        yield harness, driver
    finally:
        await harness.close()


def secret(text: str | bytes = b"") -> SecretValue:
    """A value with the canary in it."""
    return SecretValue(CANARY + b" " + (text.encode() if isinstance(text, str) else text))


async def put(
    driver: SecretDriver, store: SecretsHarness, name: str, value: SecretValue
) -> None:
    """Keep a secret, through the driver if it can write, else by the harness."""
    if driver.capabilities.write:
        await driver.create(name, value, NOTHING)
    else:
        await store.fill(name, value)


ErrorType = TypeVar("ErrorType", bound=SkykeepError)


async def refused(
    kind: type[ErrorType] | tuple[type[ErrorType], ...], work: Awaitable[object]
) -> ErrorType:
    """The error that the work must raise; nothing of it may show the canary.

    Looks at ``str``, ``repr`` and the traceback with the local variables of every frame
    in the driver, which is what error trackers send away.
    """
    try:
        answer = await work
    except SkykeepError as error:
        caught = error
    else:
        pytest.fail(f"it must be refused with {_names(kind)}; it answered {answer!r}")
    assert isinstance(caught, kind), (
        f"it must be refused with {_names(kind)}; it was {type(caught).__name__}: {caught}"
    )
    report = "".join(
        traceback.TracebackException.from_exception(caught, capture_locals=True).format()
    )
    for where, text in (
        ("str()", str(caught)),
        ("repr()", repr(caught)),
        ("the attributes", repr(vars(caught))),
        ("the traceback with local variables", report),
    ):
        assert not shows_canary(text), f"{where} of {type(caught).__name__} shows the value"
    return caught


def shows_canary(text: str) -> bool:
    """Whether the text has the canary, plain, in hex or in Base64 at any alignment."""
    forms = [CANARY.decode(), CANARY.hex()]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + CANARY).decode().rstrip("=")
        forms.append(coded[4:-4])  # the ends depend on the neighbours
    return any(form in text for form in forms)


@dataclass(frozen=True)
class Snapshot:
    """All that a driver shows of one name; two are equal if nothing changed."""

    info: SecretInfo | str
    value: SecretValue | str
    current: tuple[str, frozenset[str]] | None
    versions: tuple[tuple[Version, SecretValue | str], ...]


async def observe(driver: SecretDriver, name: str) -> Snapshot:
    """What the driver shows of the name now; errors are kept by the name of their class."""
    info: SecretInfo | str
    value: SecretValue | str
    current = None
    try:
        info = await driver.describe(name)
    except SkykeepError as error:
        info = type(error).__name__
    try:
        found = await driver.get(name)
        value = found.value
        current = (found.version, frozenset(found.stages))
    except SkykeepError as error:
        value = type(error).__name__
    versions: list[tuple[Version, SecretValue | str]] = []
    try:
        known = await driver.versions(name)
    except SkykeepError:
        known = ()
    for version in known:
        try:
            versions.append((version, (await driver.get(name, version=version.id)).value))
        except SkykeepError as error:
            versions.append((version, type(error).__name__))
    return Snapshot(info, value, current, tuple(versions))


class unchanged:  # noqa: N801, RUF100  (reads as a statement: "async with unchanged(…)")
    """Assert that what is shown of the names is the same after the block as before."""

    def __init__(self, driver: SecretDriver, *names: str) -> None:
        self._driver = driver
        self._names = names
        self._before: list[Snapshot] = []

    async def __aenter__(self) -> None:
        self._before = [await observe(self._driver, name) for name in self._names]

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            after = [await observe(self._driver, name) for name in self._names]
            assert after == self._before, "what was refused must change nothing"


async def unsupported(driver: SecretDriver, name: str, work: Awaitable[object]) -> None:
    """The work must be refused with ``Unsupported`` and the secret stay as it was."""
    async with unchanged(driver, name):
        await refused(Unsupported, work)


async def listed(
    driver: SecretDriver, prefix: str = "", *, limit: int = 100, deleted: bool = False
) -> list[SecretInfo]:
    """All that a listing gives, page by page."""
    items: list[SecretInfo] = []
    cursor: str | None = None
    for _ in range(1000):
        page = await driver.list(prefix, cursor=cursor, limit=limit, deleted=deleted)
        assert len(page.items) <= limit, f"a page of {len(page.items)}, limit {limit}"
        items.extend(page.items)
        if page.cursor is None:
            return items
        assert page.cursor != cursor, "the listing does not move on"
        cursor = page.cursor
    pytest.fail("the listing does not end")


def room(driver: SecretDriver, wanted: int) -> int:
    """How many of the versions wanted the driver keeps."""
    most = driver.capabilities.max_versions
    return wanted if most is None else min(wanted, most)


def names_of(items: Iterable[SecretInfo]) -> list[str]:
    """The names, sorted: a store lists in its own order."""
    return sorted(item.name for item in items)


def _names(kind: type[SkykeepError] | tuple[type[SkykeepError], ...]) -> str:
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(each.__name__ for each in kinds)
