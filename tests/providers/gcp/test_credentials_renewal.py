"""One token for all who wait; renewed ahead of its end; got anew when it is refused."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from skykeep.errors import SkykeepError, Unauthenticated
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.credentials import LAST
from skykeep.providers.gcp.secrets import open_secrets
from tests.peers.faults import Answer, FaultProxy
from tests.peers.google import SecretManager
from tests.providers.gcp.google_home import ACCOUNT, KEY_ID, REFRESH, Home, home, machine
from tests.repo.tree import unmeasured

PROGRAM = """
import asyncio, sys
from pathlib import Path
import msgspec
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.gcp.credentials import open_credentials
from skykeep.providers.gcp.settings import GcpSettings
from skykeep.providers.gcp.secrets import open_secrets

async def main():
    given = msgspec.convert({"backend": "gcp"}, GcpSettings)
    context = OpenContext("t", {"GCE_METADATA_HOST": sys.argv[1], "HOME": "/"}, Path)
    driver = await open_secrets(given, context)
    print(await (await open_credentials(given, context)).token())
    await driver.close()

asyncio.run(main())
heavy = {"google.auth", "google.oauth2", "google.cloud", "requests", "grpc", "cryptography"}
print(sorted(heavy & set(sys.modules)))
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Home]:
    with home(tmp_path) as made:
        yield made


@pytest.mark.asyncio
async def test_a_storm_of_calls_asks_once(here: Home) -> None:
    here.log_in()
    credentials = here.credentials()
    assert len(set(await asyncio.gather(*(credentials.token() for _ in range(64))))) == 1
    assert len(here.tokens.asked) == 1


@pytest.mark.asyncio
async def test_a_token_that_is_refused_is_got_anew(here: Home) -> None:
    here.log_in()
    credentials = here.credentials()
    first = await credentials.token()
    others = await asyncio.gather(*(credentials.another(first) for _ in range(8)))
    assert set(others) == {await credentials.token()} != {first}
    assert len(here.tokens.asked) == 2


@pytest.mark.asyncio
async def test_a_token_that_is_given_again(here: Home) -> None:
    """A metadata server has the same one until five minutes before its end."""
    with machine(here):
        credentials = here.credentials()
        first = await credentials.token()
        with pytest.raises(Unauthenticated, match="does not accept the token from the meta"):
            await credentials.another(first)


@pytest.mark.asyncio
async def test_at_its_end_a_machines_token_is_another(here: Home) -> None:
    with machine(here, lifetime=LAST - 1):
        credentials = here.credentials()
        assert await credentials.token() != await credentials.token()


@pytest.mark.asyncio
async def test_a_file_that_was_mended_is_read_again(here: Home) -> None:
    here.log_in()
    here.tokens.logins[REFRESH] = ""
    credentials = here.credentials()
    with pytest.raises(Unauthenticated):
        await credentials.token()
    here.tokens.logins["1//new"] = "ada@example.test"
    here.log_in(here.login(refresh_token="1//new"))
    assert await credentials.token()


@pytest.mark.asyncio
async def test_a_refused_login_is_read_again(here: Home) -> None:
    """Somebody has logged in anew while a process was running."""
    here.log_in()
    credentials = here.credentials()
    first = await credentials.token()
    here.tokens.logins[REFRESH] = ""
    here.tokens.logins["1//new"] = "ada@example.test"
    here.log_in(here.login(refresh_token="1//new"))
    assert await credentials.another(first) != first


@pytest.mark.asyncio
async def test_a_token_that_ends_in_mid_flight(
    here: Home, secret_manager: SecretManager
) -> None:
    """With the driver, on the service that takes it."""

    def told(token: str, principal: str, expires: float) -> None:
        secret_manager.accept("*", token=token, principal=principal, expires=expires)

    here.tokens.registry.told = told
    here.log_in()
    given = here.settings(target={"endpoint": secret_manager.address})
    driver = await open_secrets(given, here.context())
    name = f"renewal-{os.getpid()}"
    await driver.create(name, SecretValue("v"), Attributes())
    secret_manager.revoke(next(iter(here.tokens.registry.given)))
    values = await asyncio.gather(*(driver.get(name) for _ in range(8)))
    assert {each.value.text() for each in values} == {"v"}
    assert len(here.tokens.registry.given) == 2, "one for all who were refused"
    await driver.delete(name)
    await driver.close()


@pytest.mark.asyncio
async def test_a_login_that_ended_is_what_the_driver_tells(
    here: Home, secret_manager: SecretManager
) -> None:
    here.log_in()
    here.tokens.logins[REFRESH] = ""
    given = here.settings(target={"endpoint": secret_manager.address})
    driver = await open_secrets(given, here.context())
    with pytest.raises(SkykeepError, match="gcloud auth application-default login"):
        await driver.get("a")
    await driver.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_clock_that_is_wrong(
    here: Home, secret_manager: SecretManager, minutes: int
) -> None:
    """What a service account signs is dated by Google's clock, once Google has refused it."""
    here.name(here.service_account())
    secret_manager.trust(ACCOUNT, KEY_ID, here.public_key)
    there = time.time() + minutes * 60
    date = ("Date", formatdate(there, usegmt=True))
    with FaultProxy(secret_manager.address) as proxy:
        proxy.fail(Answer(401, b"{}", (date,)))
        given = here.settings(target={"endpoint": proxy.address})
        driver = await open_secrets(given, here.context())
        with contextlib.suppress(SkykeepError):  # the fake's own clock is not wrong
            await driver.get("a")
        sent = [each.request.header("authorization") or "" for each in proxy.seen]
        await driver.close()
    issued = [_claims(each)["iat"] for each in sent[:2]]
    assert abs(issued[0] - time.time()) < 60
    assert abs(issued[1] - there) < 60


@pytest.mark.asyncio
async def test_a_clock_that_is_put_right_counts_again(here: Home) -> None:
    here.name(here.service_account())
    credentials = here.credentials()
    first = await credentials.token()
    wrong = await credentials.another(first, datetime.now(UTC) + timedelta(minutes=10))
    assert _claims(wrong)["iat"] - time.time() > 500
    token = await credentials.known()
    assert token.ends is not None
    assert token.ends - time.time() <= 3600, "by this host's clock"
    right = await credentials.another(wrong, datetime.now(UTC))
    assert abs(_claims(right)["iat"] - time.time()) < 60


def _claims(token: str) -> dict[str, Any]:
    part = token.rpartition(" ")[2].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_on_a_machine_of_googles_nothing_heavy_is_imported(here: Home) -> None:
    """Neither is it to open a driver."""
    with machine(here) as server:
        address = server.address.removeprefix("http://")
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, address],
            env=unmeasured(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    token, heavy = ended.stdout.splitlines()
    assert token in here.tokens.registry.given
    assert heavy == "[]"
