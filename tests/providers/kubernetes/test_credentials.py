"""Credentials are looked for once, again ahead of their end, and anew when they are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from skykeep.errors import SkykeepError, Unauthenticated
from skykeep.providers.kubernetes.credentials import (
    FILE_SECONDS,
    PATIENCE,
    Credential,
    Credentials,
    Given,
    TokenFile,
)

pytestmark = pytest.mark.asyncio


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Issuer:
    """Gives credentials that last ``lasts`` seconds, one after the other."""

    words = "a test"

    def __init__(self, clock: Clock, *, blocks: bool, lasts: float = 600.0) -> None:
        self.blocks = blocks
        self.clock = clock
        self.lasts = lasts
        self.given = 0
        self.failure: SkykeepError | None = None

    def find(self) -> Credential:
        if self.failure is not None:
            raise self.failure
        self.given += 1
        end = self.clock() + self.lasts
        return Credential(f"Bearer {self.given}", ends_at=end, renew_at=end - 60)

    def close(self) -> None:
        pass


def settled(made: Credentials) -> None:
    """Wait until what renews beside the calls has ended, well or not."""
    assert made._renewed is not None
    renewal = made._renewed._under_way
    if renewal is not None:  # its thread may be done already
        renewal.exception(20)


async def test_it_is_kept_until_a_minute_before_its_end() -> None:
    clock = Clock()
    issuer = Issuer(clock, blocks=True)
    made = Credentials(issuer, clock)
    first = await made.credential()
    clock.now += 539
    assert await made.credential() is first
    clock.now += 10
    assert await made.credential() is first, "good still: it is renewed beside the call"
    settled(made)
    assert (await made.credential()).authorization == "Bearer 2"


async def test_one_that_has_ended_is_waited_for() -> None:
    clock = Clock()
    made = Credentials(Issuer(clock, blocks=True), clock)
    await made.credential()
    clock.now += 598
    assert (await made.credential()).authorization == "Bearer 2"


async def test_a_renewal_that_fails_is_tried_again_after_a_while() -> None:
    clock = Clock()
    issuer = Issuer(clock, blocks=True)
    made = Credentials(issuer, clock)
    first = await made.credential()
    issuer.failure = Unauthenticated("not now")
    clock.now += 545
    assert await made.credential() is first
    settled(made)
    issuer.failure = None
    assert await made.credential() is first
    assert issuer.given == 1, "patience"
    clock.now += PATIENCE + 1
    await made.credential()
    settled(made)
    assert (await made.credential()).authorization == "Bearer 2"


async def test_one_that_is_refused_is_got_anew_once_for_all() -> None:
    clock = Clock()
    issuer = Issuer(clock, blocks=False)
    made = Credentials(issuer, clock)
    first = await made.credential()
    second = await made.renewed(first)
    assert second is not None
    assert second.authorization == "Bearer 2"
    assert await made.renewed(first) is second, "somebody else has got it already"
    assert issuer.given == 2


async def test_one_that_is_what_it_is_has_no_other() -> None:
    made = Credentials(Given("a token", token="x" * 3))
    first = await made.credential()
    assert await made.renewed(first) is None


async def test_a_file_is_read_again_after_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "token"
    file.write_text("one\n")
    made = Credentials(TokenFile(file, "file", clock), clock)
    assert (await made.credential()).authorization == "Bearer one"
    file.write_text("two\n")
    assert (await made.credential()).authorization == "Bearer one"
    clock.now += FILE_SECONDS
    assert (await made.credential()).authorization == "Bearer two"


async def test_a_file_that_goes_away_leaves_the_token_that_was_there(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "token"
    file.write_text("one")
    made = Credentials(TokenFile(file, "file", clock), clock)
    first = await made.credential()
    file.unlink()
    clock.now += FILE_SECONDS
    assert await made.credential() is first
    with pytest.raises(Unauthenticated):
        await made.renewed(first)


async def test_after_a_fork_nobody_is_waited_for() -> None:
    made = Credentials(Issuer(Clock(), blocks=True))
    assert made._renewed is not None
    made._renewed._lock.acquire()  # the parent's thread had it
    made.after_fork()
    assert (await made.credential()).authorization == "Bearer 1"
