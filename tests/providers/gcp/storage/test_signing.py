"""URLs for others are signed as Google's client signs them, by whoever can."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from google.auth.credentials import Signing
from google.cloud.storage._signing import generate_signed_url_v4
from google.oauth2 import service_account
from hypothesis import given
from hypothesis import strategies as st

from skykeep.conformance.cases import refused
from skykeep.conformance.objects_harness import ObjectsHarness
from skykeep.errors import Denied, Invalid, Unsupported
from skykeep.interfaces.object_keys import check_key
from skykeep.providers.gcp.storage.driver import CloudStorage as Driver
from skykeep.providers.gcp.storage.opening import open_objects
from skykeep.providers.gcp.storage.signing import Unsigned
from tests.peers.fakes.cloud_storage import CloudStorage
from tests.peers.fakes.cloud_storage_state import Bucket
from tests.providers.gcp.google_home import ACCOUNT, MIDDLE, TARGET, USER, Home, key, machine
from tests.providers.gcp.storage.opening import opened, signature

NOW = datetime(2026, 11, 22, 10, 30, 5, tzinfo=UTC)
SSE = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k"


def theirs(path: str, method: str, seconds: int, host: str) -> str:
    """The URL that Google's client makes at `NOW`."""

    class Key(Signing):
        signer = None
        signer_email = ACCOUNT

        def sign_bytes(self, message: bytes) -> bytes:
            return signature(message)

    return str(
        generate_signed_url_v4(
            Key(),
            resource=path,
            expiration=seconds,
            api_access_endpoint=host,
            method=method,
            _request_timestamp=NOW.strftime("%Y%m%dT%H%M%SZ"),
        )
    )


def is_key(text: str) -> bool:
    try:
        return bool(check_key(text))
    except Invalid:
        return False


@given(
    st.text(min_size=1, max_size=40).filter(is_key),
    st.sampled_from(["GET", "PUT"]),
    st.integers(1, 7 * 24 * 3600),
)
def test_what_is_signed_is_what_googles_client_signs(
    name: str, method: str, seconds: int
) -> None:
    from urllib.parse import quote

    path = f"/books/{quote(name, safe='/-_.~')}"
    ours = Unsigned(
        method, "storage.googleapis.com", path, email=ACCOUNT, now=NOW, seconds=seconds
    )
    url = f"https://storage.googleapis.com{path}?{ours.query(signature(ours.text))}"
    expected = theirs(path, method, seconds, "https://storage.googleapis.com")
    assert _parts(url) == _parts(expected)


def _parts(url: str) -> tuple[str, dict[str, str]]:
    from urllib.parse import parse_qsl

    place, _, query = url.partition("?")
    return place, dict(parse_qsl(query))


# -- who signs


class Fetching(ObjectsHarness):
    """Only for `fetch`."""

    async def open(self) -> Any:
        raise NotImplementedError


@pytest_asyncio.fixture
async def opening(here: Home, storage: CloudStorage, bucket: Bucket) -> AsyncIterator[Any]:
    """Opens drivers with the home's credentials; every token that was given is accepted."""
    made: list[Driver] = []
    here.tokens.registry.told = lambda token, principal, ends: storage.tokens.add(token)

    async def open_one(**auth: Any) -> Driver:
        target = {"bucket": bucket.name, "objects_endpoint": storage.address}
        given_settings = here.settings(target=target, **auth)
        made.append(await open_objects(given_settings, here.context()))
        return made[-1]

    yield open_one
    for each in made:
        await each.close()


async def works(driver: Driver, here: Home) -> str:
    """The URL reads, and for one method and one key; the e-mail that signed it."""
    await driver.write("a b/c", b"body")
    url = await driver.presign("a b/c", "GET", 60)
    fetch = Fetching(here.path).fetch
    assert await fetch(url) == (200, b"body")
    assert (await fetch(url.replace("/a%20b/c", "/a%20b/d")))[0] == 403
    assert (await fetch(url, "PUT", b"new"))[0] == 403
    assert (await fetch(await driver.presign("new", "PUT", 60), "PUT", b"new"))[0] == 200
    assert (await driver.read("new")).data == b"new"
    return _parts(url)[1]["X-Goog-Credential"].partition("/")[0]


@pytest.mark.asyncio
async def test_a_key_signs_here(opening: Any, here: Home) -> None:
    here.name(here.service_account())
    assert await works(await opening(), here) == ACCOUNT
    assert not here.tokens.asked


@pytest.mark.asyncio
async def test_acting_as_another_google_signs(
    opening: Any, here: Home, storage: CloudStorage
) -> None:
    here.name(here.service_account())
    here.tokens.creators = {
        MIDDLE: {f"serviceAccount:{ACCOUNT}"},
        TARGET: {f"serviceAccount:{MIDDLE}"},
    }
    here.tokens.signers[TARGET] = signature
    storage.keys[TARGET] = key().public_key()
    driver = await opening(impersonate=TARGET, delegates=[MIDDLE])
    assert await works(driver, here) == TARGET
    asked = [json.loads(each.body) for each in here.tokens.asked if "signBlob" in each.path]
    assert [each["delegates"] for each in asked] == [
        [f"projects/-/serviceAccounts/{MIDDLE}"]
    ] * 2


@pytest.mark.asyncio
async def test_on_a_machine_google_signs_if_it_may(
    opening: Any, here: Home, storage: CloudStorage
) -> None:
    with machine(here) as server:
        account = str(server.account)
        driver = await opening()
        here.tokens.signers[account] = signature
        storage.keys[account] = key().public_key()
        await refused(Denied, driver.presign("a", "GET", 60))
        here.tokens.creators[account] = {f"serviceAccount:{account}"}
        assert await works(driver, here) == account


@pytest.mark.asyncio
async def test_a_users_login_cannot_sign(opening: Any, here: Home) -> None:
    here.log_in()
    driver = await opening()
    error = await refused(Unsupported, driver.presign("a", "GET", 60))
    assert "auth.impersonate" in error.hint
    here.tokens.creators[TARGET] = {f"user:{USER}"}
    here.tokens.signers[TARGET] = signature
    assert "X-Goog-Signature" in await (await opening(impersonate=TARGET)).presign(
        "a", "GET", 9
    )


@pytest.mark.asyncio
async def test_what_no_url_can_say(storage: CloudStorage, bucket: Bucket) -> None:
    driver = opened(storage.address, bucket.name, sse_key=SSE)
    await refused(Unsupported, driver.presign("a", "PUT", 60))
    assert "X-Goog-Signature" in await driver.presign("a", "GET", 60)
    driver._client.credentials = None
    await refused(Unsupported, driver.presign("a", "GET", 60))
    await driver.close()


@pytest.mark.asyncio
async def test_the_time_is_the_services(storage: CloudStorage, bucket: Bucket) -> None:
    driver = opened(storage.address, bucket.name)
    ahead = datetime.now(UTC) + timedelta(days=3)
    driver._client.clock.now = lambda: ahead  # type: ignore[method-assign]  # as after an answer
    url = await driver.presign("a", "GET", 60)
    assert f"X-Goog-Date={ahead:%Y%m%dT}" in url
    await driver.close()


def test_googles_own_key_class_signs_the_same(here: Home) -> None:
    info = here.service_account()
    made: Any = service_account.Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call]  # it has no types
    assert made.sign_bytes(b"text") == signature(b"text")
