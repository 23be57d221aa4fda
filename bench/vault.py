"""``python -m bench.vault``: uncached reads of KV 2 beside hvac (see ``bench.reads``).

The server answers every request with one version of a secret. hvac must be installed
(``requirements/dev.txt`` has it). Prints a table of figures and their ratios to hvac's; takes
about a minute.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import hvac
import msgspec
import requests
from requests.adapters import HTTPAdapter

from bench.reads import AT_ONCE, Sdk, cold, opened_cloud, served, warm
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.vault.secrets import open_secrets
from skykeep.providers.vault.settings import VaultSettings

VALUE = "x" * 64
TOKEN = {"VAULT_TOKEN": "s.made-up-for-the-benchmark"}
ABOUT = {
    "created_time": "2026-11-22T04:34:00.221924036Z",
    "custom_metadata": None,
    "deletion_time": "",
    "destroyed": False,
    "version": 1,
}
MOUNT = {"type": "kv", "options": {"version": "2"}}
ONE_LINER = (
    "import hvac; c = hvac.Client(); print(c.secrets.kv.v2.read_secret_version("
    "'a', raise_on_deleted_version=True)['data']['data']['value'])"
)


# -- the server


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads get the secret, the question of the engine's version its answer."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            data = (
                MOUNT if b"/mounts/" in head else {"data": {"value": VALUE}, "metadata": ABOUT}
            )
            body = json.dumps({"request_id": "1", "data": data}).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b"Date: Sun, 22 Nov 2026 04:34:00 GMT\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve(port: int) -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", port, backlog=256)
    await server.serve_forever()


# -- the rivals


def judge(url: str) -> Any:
    """A client of hvac, with room for a connection a thread."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
    return hvac.Client(url=url, token=TOKEN["VAULT_TOKEN"], session=session)


def main() -> None:
    with served("bench.vault") as port:
        url = f"http://127.0.0.1:{port}"
        settings = msgspec.convert({"backend": "vault", "address": url, "kv": 2}, VaultSettings)
        client = judge(url)

        def read(name: str) -> object:
            return client.secrets.kv.v2.read_secret_version(name, raise_on_deleted_version=True)

        with asyncio.Runner() as runner:
            driver = runner.run(open_secrets(settings, OpenContext("bench", TOKEN, Path)))
            cloud = opened_cloud(settings, TOKEN)
            warm(runner, [Sdk("hvac", read)], driver, cloud)
            runner.run(cloud.close())
            runner.run(driver.close())
        client.adapter.close()
        environ = {**TOKEN, "VAULT_ADDR": url, "HOME": "/nonexistent"}
        cold("hvac", ONE_LINER, ["--backend", "vault", "get", "a"], environ)


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(int(sys.argv[1])))
    else:
        main()
