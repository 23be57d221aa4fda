"""What a call carries shows nowhere: not in logs at DEBUG, errors, frames or ``repr``."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable
from pathlib import Path

import pytest

from skykeep.errors import Unavailable
from tests.providers.wire.conftest import Open
from tests.providers.wire.servers import (
    Authority,
    Handler,
    Server,
    answer,
    hang_up,
    reset,
    server_side,
)

pytestmark = pytest.mark.asyncio

CANARY = "canary-7c21e9"
HEADERS = {"X-Vault-Token": f"{CANARY}-token", "Authorization": f"{CANARY}-signature"}
BODY = f'{{"value": "{CANARY}-body"}}'.encode()
SAID = f"X-Secret: {CANARY}\r\nSet-Cookie: {CANARY}=1; Path=bad{CANARY}; Max-Age={CANARY}\r\n"
WHOLE = f"HTTP/1.1 200 {CANARY}\r\n{SAID}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
HALF = WHOLE[:-9]
WRONG = f"HTTP/1.1 {CANARY}\r\n{SAID}\r\n".encode()

ENDINGS: list[Handler] = [
    hang_up(),
    hang_up(HALF),
    hang_up(WRONG),
    hang_up(f"{CANARY}\r\n\r\n".encode()),
    reset,
    answer(WHOLE.replace(b"Content-Length", b"Content-Encoding: gzip\r\nContent-Length")),
    answer(WHOLE.replace(b"Content-Length: ", b"Content-Length: 99999999")),
]


@pytest.mark.parametrize("secure", [False, True])
async def test_a_secret_shows_nowhere(
    opened: Open,
    authority: Authority,
    localhost: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    *,
    secure: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("aiohttp.client", "aiohttp.internal", "asyncio", "skykeep"):
        caplog.set_level(logging.DEBUG, logger=name)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # every callback is reported, with its arguments
    shown = []
    with Server(answer(WHOLE), tls=server_side(localhost) if secure else None) as server:
        async with opened(
            server.url, ca=str(authority.pem), max_reply_bytes=1_000_000, connections=2
        ) as wire:
            reply = await wire.send("POST", "/x", headers=HEADERS, body=BODY)
            assert reply.body == BODY  # it was there
            shown += [repr(reply), str(reply), f"{reply}", repr(wire)]
            for handler in ENDINGS:
                server.handler = handler
                shown.append(
                    await look_at_failure(wire.send("POST", "/x", headers=HEADERS, body=BODY))
                )
    loop.set_debug(False)
    assert "Executing" in caplog.text  # asyncio did report
    shown += [caplog.text, *capfd.readouterr()]
    assert not [text for text in shown if CANARY in text]


async def look_at_failure(call: Awaitable[object]) -> str:
    """All that an error shows: text, ``repr``, its frames of ours and what is in them."""
    with pytest.raises(Unavailable) as caught:
        await call
    error = caught.value
    ours = [
        f"{frame.f_code.co_name} {frame.f_locals!r}"
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "/skykeep/" in frame.f_code.co_filename
    ]
    assert ours
    assert error.__context__ is None
    assert error.__cause__ is None
    text = "".join(traceback.format_exception(error))
    return "\n".join([str(error), repr(error), repr(vars(error)), text, *ours])


async def test_the_plant_is_seen() -> None:
    """The frames are looked at: one that keeps the request is found."""

    async def careless(token: str) -> None:
        raise Unavailable("no")

    careless.__code__ = careless.__code__.replace(co_filename="/x/skykeep/y.py")
    assert CANARY in await look_at_failure(careless(CANARY))
