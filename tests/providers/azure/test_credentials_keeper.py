"""Tokens are kept, renewed beside their use, got once for all that wait, and never shown."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

import pytest

from skykeep.errors import SkykeepError, Unauthenticated, Unavailable
from skykeep.providers.azure.credentials import keeper
from skykeep.providers.azure.credentials.chain import Chain
from skykeep.providers.azure.credentials.keeper import Credentials
from skykeep.providers.azure.credentials.tokens import (
    Ask,
    Missed,
    Token,
    claims_of,
    made,
)
from tests.peers.certificates import Authority
from tests.peers.fakes.entra import Entra
from tests.peers.fakes.key_vault_settings import OWNER, TENANT
from tests.peers.fakes.serving import Reply, Request
from tests.peers.tokens import Issuer
from tests.providers.azure.logins import SCOPE, SECRET, SERVICE, Logins, credentials
from tests.repo.tree import ROOT, unmeasured


class Clock:
    """Stands for ``time.monotonic``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Source:
    """A link: each token has a number; it waits at the gate while that is closed."""

    name = source = "test"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asks: list[Ask] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: SkykeepError | Missed | None = None
        self.same = False

    async def token(self, ask: Ask) -> Token:
        self.asks.append(ask)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        number = 1 if self.same else len(self.asks)
        now = self._clock.now
        return Token(f"token-{number}", "test", now + 3600, now + 3300, ask.tenant)

    async def close(self) -> None:
        """Nothing."""

    def after_fork(self) -> None:
        """Nothing."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(keeper, "time", made)
    return made


@pytest.fixture
def source(clock: Clock) -> Source:
    return Source(clock)


@pytest.fixture
def kept(source: Source) -> Credentials:
    return Credentials(source, "primary (azure)")


async def until(done: Callable[[], bool]) -> None:
    """Lets the other tasks of the loop go on."""
    for _ in range(1000):
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not happen")


@pytest.mark.asyncio
async def test_a_token_is_kept(kept: Credentials, source: Source, clock: Clock) -> None:
    assert {await kept.token(SCOPE, None) for _ in range(3)} == {"token-1"}
    clock.now += 3200
    assert await kept.token(SCOPE, TENANT) == "token-1", "it fits any tenant"
    assert len(source.asks) == 1


@pytest.mark.asyncio
async def test_it_is_renewed_beside_the_calls_that_use_it(
    kept: Credentials, source: Source, clock: Clock
) -> None:
    await kept.token(SCOPE, None)
    clock.now += 3301
    source.gate.clear()
    for _ in range(10):
        assert await kept.token(SCOPE, None) == "token-1"
    await until(lambda: len(source.asks) == 2)
    source.gate.set()
    await until(lambda: not kept._flights)
    assert await kept.token(SCOPE, None) == "token-2"
    assert len(source.asks) == 2


@pytest.mark.asyncio
async def test_a_renewal_that_fails_is_tried_again_later(
    kept: Credentials, source: Source, clock: Clock
) -> None:
    await kept.token(SCOPE, None)
    clock.now += 3301
    source.failure = Unavailable("down")
    for _ in range(3):
        assert await kept.token(SCOPE, None) == "token-1"
        await until(lambda: not kept._flights)
    assert len(source.asks) == 2
    clock.now += keeper.PATIENCE
    assert await kept.token(SCOPE, None) == "token-1"
    await until(lambda: not kept._flights)
    assert len(source.asks) == 3
    clock.now += 3600
    with pytest.raises(Unavailable):
        await kept.token(SCOPE, None)


@pytest.mark.asyncio
async def test_no_call_begins_with_a_token_that_is_about_to_end(
    kept: Credentials, source: Source, clock: Clock
) -> None:
    await kept.token(SCOPE, None)
    clock.now += 3600 - keeper.LAST
    assert await kept.token(SCOPE, None) == "token-2"


@pytest.mark.asyncio
async def test_a_hundred_calls_get_one_token(kept: Credentials, source: Source) -> None:
    source.gate.clear()
    calls = [asyncio.create_task(kept.token(SCOPE, None)) for _ in range(100)]
    await until(lambda: bool(source.asks))
    calls[0].cancel()
    source.gate.set()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError), "the one that began it"
    assert set(found[1:]) == {"token-1"}
    assert len(source.asks) == 1


@pytest.mark.asyncio
async def test_a_hundred_calls_are_refused_once(kept: Credentials, source: Source) -> None:
    source.gate.clear()
    source.failure = Unauthenticated("wrong", hint="mend it")
    calls = [asyncio.create_task(kept.token(SCOPE, None)) for _ in range(100)]
    await until(lambda: bool(source.asks))
    source.gate.set()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert len({id(error) for error in found}) == 100, "each has its own"
    assert {str(error) for error in found} == {"wrong [primary (azure)]; mend it"}
    assert len(source.asks) == 1


@pytest.mark.asyncio
async def test_a_token_that_nobody_waits_for_any_more_is_kept(
    kept: Credentials, source: Source
) -> None:
    source.gate.clear()
    call = asyncio.create_task(kept.token(SCOPE, None))
    await until(lambda: bool(source.asks))
    call.cancel()
    source.gate.set()
    await until(lambda: not kept._flights)
    assert await kept.token(SCOPE, None) == "token-1"


@pytest.mark.asyncio
async def test_a_refused_token_is_got_anew_once(kept: Credentials, source: Source) -> None:
    first = await kept.token(SCOPE, None)
    calls = [kept.another(SCOPE, first, None) for _ in range(10)]
    assert set(await asyncio.gather(*calls)) == {"token-2"}
    assert await kept.another(SCOPE, first, None) == "token-2", "somebody was quicker"
    assert [ask.anew for ask in source.asks] == [False, True]


@pytest.mark.asyncio
async def test_there_is_no_other_token(kept: Credentials, source: Source) -> None:
    source.same = True
    first = await kept.token(SCOPE, None)
    with pytest.raises(Unauthenticated, match="there is no other"):
        await kept.another(SCOPE, first, None)


@pytest.mark.asyncio
async def test_tokens_of_tenants_and_scopes_are_apart(
    kept: Credentials, source: Source
) -> None:
    assert await kept.token(SCOPE, "a.example") == "token-1"
    assert await kept.token(SCOPE, "b.example") == "token-2"
    assert await kept.token("https://other.example/.default", "a.example") == "token-3"
    assert await kept.token(SCOPE, "A.example") == "token-1"
    assert await kept.another(SCOPE, "token-1", "a.example") == "token-4"
    assert await kept.token(SCOPE, "b.example") == "token-2"


@pytest.mark.asyncio
async def test_a_search_has_an_end(
    kept: Credentials, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LONGEST", 0.0)
    source.gate.clear()
    with pytest.raises(Unavailable, match="in 0 seconds"):
        await kept.token(SCOPE, None)


@pytest.mark.asyncio
async def test_closing_ends_what_is_under_way(kept: Credentials, source: Source) -> None:
    source.gate.clear()
    call = asyncio.create_task(kept.token(SCOPE, None))
    await until(lambda: bool(source.asks))
    await kept.close()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert not kept._flights


@pytest.mark.asyncio
async def test_after_a_fork_nobody_waits_for_the_parent(
    kept: Credentials, source: Source
) -> None:
    source.gate.clear()
    call = asyncio.create_task(kept.token(SCOPE, None))
    await until(lambda: bool(source.asks))
    kept.after_fork()  # as the child does it
    source.gate.set()
    assert await kept.token(SCOPE, None) == "token-2"
    assert await call == "token-1"


def test_from_one_loop_to_another(entra: Entra, authority: Authority) -> None:
    environ = {
        **SERVICE,
        "AZURE_AUTHORITY_HOST": entra.address,
        "SSL_CERT_FILE": str(authority.ca),
    }
    found: Credentials = asyncio.run(credentials(environ))

    async def once() -> str:
        return await found.token(SCOPE, None)

    first = asyncio.run(once())
    assert asyncio.run(once()) == first

    async def end() -> str:
        second = await found.another(SCOPE, first, None)
        await found.close()
        return second

    assert asyncio.run(end()) != first
    gc.collect()


class Stuck(Entra):
    """Answers when the test says so."""

    def __init__(self, authority: Authority, issuer: Issuer) -> None:
        super().__init__(authority.issue().server(), issuer)
        self.came = threading.Event()
        self.go = threading.Event()

    def answer(self, request: Request) -> Reply:
        self.came.set()
        self.go.wait(60)
        return super().answer(request)


@pytest.fixture
def stuck(authority: Authority, azure_issuer: Issuer) -> Iterator[Stuck]:
    with Stuck(authority, azure_issuer) as fake:
        fake.register(secrets=[SECRET])
        yield fake
        fake.go.set()


@pytest.mark.asyncio
async def test_the_deadline_of_a_call_ends_its_waiting(
    stuck: Stuck, authority: Authority
) -> None:
    logins = Logins(stuck, authority)
    found = await logins(SERVICE)
    call = asyncio.create_task(found.token(SCOPE, None))
    await asyncio.to_thread(stuck.came.wait, 60)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    stuck.go.set()
    assert await found.token(SCOPE, None)
    assert len(stuck.asked) == 1
    await logins.close()


# -- what is shown


@pytest.mark.asyncio
async def test_nothing_of_a_login_is_logged_or_shown(
    logins: Logins, entra: Entra, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = await logins(SERVICE)
    token = await found.current(SCOPE, None)
    shown = f"{token!r} {found!r} {caplog.text} {Chain([])!r}"
    for word in (SECRET, token.value):
        assert word not in shown
    entra.applications.clear()
    with pytest.raises(Unauthenticated) as caught:
        await found.another(SCOPE, token.value, None)
    error: BaseException = caught.value
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    # The frame of this test holds the token; those below it do not.
    text = "".join(line for line in lines if "test_credentials_keeper" not in line)
    for word in (SECRET, token.value):
        assert word not in text


def test_a_login_by_secret_imports_no_sdk(entra: Entra, authority: Authority) -> None:
    script = """
import asyncio, os, sys
from tests.providers.azure.logins import SCOPE, SERVICE, credentials
before = set(sys.modules)
async def main():
    found = await credentials({**SERVICE, **os.environ})
    await found.token(SCOPE, None)
    await found.close()
asyncio.run(main())
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new & {"azure", "msal", "requests", "urllib3", "jwt"}))
"""
    environ = {
        **unmeasured(),
        "AZURE_AUTHORITY_HOST": entra.address,
        "SSL_CERT_FILE": str(authority.ca),
        "PYTHONPATH": str(ROOT),
    }
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "[]\n"
    assert entra.issued


# -- what a token says of itself


def test_the_claims_of_what_is_no_token() -> None:
    for text in ("", "opaque", "a.b.c", "a.b", "..", "é.é.é", "a.W10.c"):
        assert claims_of(text) == {}


def test_when_a_token_is_renewed(azure_issuer: Issuer) -> None:
    def ahead(seconds: float, renew_in: float | None = None) -> float:
        token = made("opaque", "test", seconds, renew_in)
        return token.ends - token.renew

    assert ahead(3600) == pytest.approx(300)
    assert ahead(86_400) == pytest.approx(43_200)
    assert ahead(100) == pytest.approx(50)
    assert ahead(3600, 1200) == pytest.approx(2400)
    assert ahead(3600, 7200) == pytest.approx(300), "later than its end says nothing"
    token = made(azure_issuer.token(OWNER, "a", tid=TENANT), "test", 60)
    assert token.tenant == TENANT
    assert json.dumps(dict(token.claims))
