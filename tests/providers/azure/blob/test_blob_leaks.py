"""No error shows a credential: not in its words, and not in the frames that it came through."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Iterator

import pytest

from skykeep.conformance.objects_cases import body
from skykeep.errors import SkykeepError
from skykeep.providers.azure.blob import copying
from skykeep.providers.azure.blob.opening import open_objects
from skykeep.providers.azure.blob.writing import BlobObjects
from tests.peers.blob import ACCOUNT, KEY, Azurite
from tests.peers.fakes.resource_manager import GROUP, SUBSCRIPTION
from tests.peers.faults import Dropped, FaultProxy
from tests.providers.azure.blob.going_wrong_blob import asks, says
from tests.providers.azure.blob.opening_blob import Tokens, opened
from tests.providers.azure.opening import context, settings

pytestmark = pytest.mark.asyncio

CALLS: dict[str, Callable[[BlobObjects], Awaitable[object]]] = {
    "write": lambda driver: driver.write("made", body()),
    "read": lambda driver: driver.read("made"),
    "head": lambda driver: driver.head("made"),
    "list": lambda driver: driver.list("", cursor=None, limit=1),
    "delete": lambda driver: driver.delete("made"),
    "begin": lambda driver: driver.begin_upload("made"),
    "copy": lambda driver: driver.copy("source", "made"),
    "region": lambda driver: driver.region(),
    "rules": lambda driver: driver.set_lifecycle([]),
}


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[FaultProxy]:
    with FaultProxy(azurite.server.address) as made:
        yield made


async def told(work: Awaitable[object]) -> str:
    """All that a report of the error could show, the variables of every frame too."""
    try:
        await work
    except SkykeepError as error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        # The last frames are ours; the first are the test's, which holds the credentials.
        shown.stack = traceback.StackSummary.from_list(
            [frame for frame in shown.stack if "/src/skykeep/" in frame.filename]
        )
        assert shown.stack
        return "".join(shown.format()) + f"{error} {vars(error)}"
    pytest.fail("it must fail")


async def fails(driver: BlobObjects, proxy: FaultProxy, call: str) -> str:
    """What an error shows of a call whose last request goes wrong in both ways."""
    shown = ""
    for fault in (Dropped(), says("AuthorizationFailure", 403)):
        if call == "copy":
            await driver.write("source", b"x" * 10)
            proxy.fail(fault, when=asks("PUT", "/made"))
        else:
            proxy.fail(fault)
        shown += await told(CALLS[call](driver))
        proxy.heal()
    return shown


@pytest.fixture(params=["whole", "in-ranges"])
def copies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one call, and in several."""
    if request.param == "in-ranges":
        monkeypatch.setattr(copying, "MAX_COPY", 5)
        monkeypatch.setattr(copying, "RANGE", 5)


@pytest.mark.usefixtures("copies")
@pytest.mark.parametrize("by", ["key", "signature", "token"])
async def test_no_copy_shows_a_credential(
    azurite: Azurite, proxy: FaultProxy, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await nothing_is_shown(azurite, proxy, "copy", by, monkeypatch=monkeypatch)


@pytest.mark.parametrize("call", [c for c in CALLS if c not in {"region", "rules", "copy"}])
@pytest.mark.parametrize("by", ["key", "signature"])
async def test_no_call_shows_a_credential(
    azurite: Azurite, proxy: FaultProxy, call: str, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await nothing_is_shown(azurite, proxy, call, by, monkeypatch=monkeypatch)


async def nothing_is_shown(
    azurite: Azurite,
    proxy: FaultProxy,
    call: str,
    by: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The errors of the call must show no credential."""
    container = azurite.shared_container()
    signature = azurite.signature(container)
    driver = await opened(
        azurite,
        container,
        address=f"{proxy.address}/{ACCOUNT}",
        objects_prefix="leaks/",
        environ={"STORAGE_KEY": KEY, "SIGNATURE": signature},
        **({"sas_token_env": "SIGNATURE"} if by == "signature" else {}),
    )
    secrets = [KEY, signature.partition("sig=")[2]]
    if by == "token":
        # Azurite takes none without TLS: one of a caller that has the key, too.
        secrets.append("canary-token")

        async def of_source() -> tuple[dict[str, str], dict[str, str]]:
            return {}, {"x-ms-copy-source-authorization": "Bearer canary-token"}

        monkeypatch.setattr(driver._container.access, "of_source", of_source)
    try:
        shown = await fails(driver, proxy, call)
    finally:
        await driver.close()
    for secret in [*secrets, "sig=", "SharedKey "]:
        assert secret not in shown


@pytest.mark.parametrize("call", ["region", "rules"])
async def test_management_shows_no_token(azurite: Azurite, call: str) -> None:
    with FaultProxy("http://127.0.0.1:9") as manager:
        driver = await opened(
            azurite,
            "c-1",
            subscription=SUBSCRIPTION,
            resource_group=GROUP,
            management_endpoint=manager.address,
        )
        assert driver._management is not None
        tokens = Tokens(azurite)
        tokens.given = ["canary-token"] * 9
        driver._management._tokens = tokens
        try:
            for fault in (Dropped(), says("AuthorizationFailed", 403)):
                manager.fail(fault)
                assert "canary-token" not in await told(CALLS[call](driver))
        finally:
            await driver.close()


@pytest.mark.parametrize("string", ["AccountKey=canary-key", "AccountName=a;AccountKeys=x"])
async def test_a_connection_string_that_is_refused_is_not_shown(string: str) -> None:
    given = settings(container="c-1", connection_string_env="S")
    shown = await told(open_objects(given, context({"S": string})))
    assert "canary-key" not in shown
