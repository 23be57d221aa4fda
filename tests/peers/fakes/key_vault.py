"""Azure Key Vault's secrets and keys over its REST interface: a fake of ours, in a process of
its own.

    python -m tests.peers.fakes.key_vault --control PORT --certificate PEM --private-key PEM
        [--key PUBLIC_PEM]… [--vault NAME[:PORT]]…

Each vault listens with TLS on a port of 127.0.0.1, free ones unless they are given; a request
whose Host is ``NAME.vault.…`` goes to the vault of that name. A vault also listens without TLS,
for `tests.peers.faults.FaultProxy`, which brings its own. On the control port (plain HTTP,
JSON):

    GET    /_fake/vaults                 {NAME: {"port": …, "plain": …}}
    POST   /_fake/vaults                 {"name": …, SETTING: …}: a new one; its ports
    PATCH  /_fake/vaults/NAME            {SETTING: …}, see `key_vault_settings.Settings`
    DELETE /_fake/vaults/NAME
    GET    /_fake/vaults/NAME/requests   method, target, status, length of the body, …
    POST   /_fake/vaults/NAME/managed    {"name", "value"}: as a certificate leaves it
    POST   /_fake/keys                   a public key (PEM) whose tokens are to be accepted

What it checks is in ``key_vault_access.py`` (tokens, rights), ``key_vault_limits.py`` (names,
sizes, attributes, pages) and ``key_vault_state.py`` (versions, deletion), each rule with its
source; paths and answers are in ``key_vault_calls.py``, refusals in ``key_vault_answers.py``;
the same for keys in ``key_vault_keys*.py``.
Order: token, network, throttling, API version, path, right, contents, state. The order is ours,
but that a request without a token is refused before all else is what every client relies on.
Not here: ``outContentType``; certificates, of which there are none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import ssl
import sys
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from aiohttp import web

from tests.peers.fakes import key_vault_access as access
from tests.peers.fakes import key_vault_answers as answers
from tests.peers.fakes import key_vault_limits as limits
from tests.peers.fakes.key_vault_answers import Caller, Refused
from tests.peers.fakes.key_vault_calls import Call
from tests.peers.fakes.key_vault_keys import KeyCall
from tests.peers.fakes.key_vault_settings import Settings
from tests.peers.fakes.key_vault_state import Vault


@dataclass(frozen=True)
class Listeners:
    """Where a vault listens, and what answers there."""

    server: web.Server
    secured: asyncio.Server
    plain: asyncio.Server

    async def close(self) -> None:
        """Listen no more, and end the connections that there are."""
        self.secured.close()
        self.plain.close()
        await self.server.shutdown(0.01)  # none would be for ever


class Service:
    """The vaults of a process, their listeners, and the control port."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.gate = access.Gate()
        self._tls = tls
        self._vaults: dict[str, Vault] = {}
        self._listeners: dict[str, Listeners] = {}

    async def add(self, name: str, port: int = 0, **settings: Any) -> dict[str, int]:
        """A new vault, which listens. ValueError for a name in use, or a wrong setting."""
        if name in self._vaults:
            raise ValueError(f"there is a vault {name}")
        made = Settings()
        made.change(settings)
        vault = Vault(name, made)
        loop = asyncio.get_running_loop()
        server = web.Server(partial(self._serve, vault), access_log=None)
        self._listeners[name] = Listeners(
            server,
            await loop.create_server(server, "127.0.0.1", port, ssl=self._tls, backlog=512),
            await loop.create_server(server, "127.0.0.1", 0, backlog=512),
        )
        self._vaults[name] = vault
        return self._ports(name)

    async def control(self, port: int) -> None:
        server = web.Server(self._controlled, access_log=None)
        await asyncio.get_running_loop().create_server(server, "127.0.0.1", port)

    def _ports(self, name: str) -> dict[str, int]:
        listeners = self._listeners[name]
        return {
            "port": listeners.secured.sockets[0].getsockname()[1],
            "plain": listeners.plain.sockets[0].getsockname()[1],
        }

    async def _serve(self, vault: Vault, request: web.BaseRequest) -> web.Response:
        label, dot, _ = request.host.partition(".")
        vault = self._vaults.get(label, vault) if dot else vault
        body = await request.read()
        if vault.settings.latency:
            await asyncio.sleep(vault.settings.latency)
        caller: Caller | None = None
        try:
            caller = self._admitted(vault, request)
            query = dict(request.rel_url.query.items())
            limits.api_version(query)
            path = [unquote(part) for part in request.rel_url.raw_path.split("/")[1:]]
            kind = KeyCall if path[0] in {"keys", "deletedkeys"} else Call
            call = kind(vault, caller, request.host, query, body)
            content = call.answer(request.method, path)
            status, headers = (204 if content is None else 200), {}
        except Refused as refused:
            status, content, headers = refused.status, refused.body(), dict(refused.headers)
        vault.journal.add(
            method=request.method,
            target=str(request.rel_url),
            status=status,
            body=len(body),
            token="Authorization" in request.headers,
            oid=None if caller is None else caller.oid,
        )
        return reply(request, vault, status, content, headers)

    def _admitted(self, vault: Vault, request: web.BaseRequest) -> Caller:
        """Who asks, if the network and the limits let the request through."""
        settings = vault.settings
        caller = self.gate.identify(request.headers.get("Authorization"), settings)
        if not settings.public_access:
            raise answers.by_connection(caller, vault.place)
        if settings.firewall:
            raise answers.by_firewall(caller, str(request.remote), vault.place)
        if settings.throttle > 0:
            settings.throttle -= 1
            raise answers.throttled(settings.retry_after)
        return caller

    async def _controlled(self, request: web.BaseRequest) -> web.Response:
        """The control port. A mistake is a 400 that says what it was."""
        content = await request.read()
        try:
            given = json.loads(content) if content else None
            return web.json_response(await self._control(request, given))
        except (KeyError, OSError, TypeError, ValueError) as mistake:
            return web.json_response({"mistake": repr(mistake)}, status=400)

    async def _control(self, request: web.BaseRequest, given: Any) -> Any:
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["_fake", "vaults"]:
                return {name: self._ports(name) for name in self._vaults}
            case "POST", ["_fake", "vaults"]:
                return await self.add(**given)
            case "PATCH", ["_fake", "vaults", name]:
                return self._vaults[name].settings.change(given)
            case "DELETE", ["_fake", "vaults", name]:
                del self._vaults[name]
                return await self._listeners.pop(name).close()
            case "GET", ["_fake", "vaults", name, "requests"]:
                return self._vaults[name].journal.entries
            case "POST", ["_fake", "vaults", name, "managed"]:
                self._vaults[name].set(
                    given["name"],
                    given["value"],
                    "application/x-pkcs12",
                    None,
                    {},
                    managed=True,
                )
                return None
            case "POST", ["_fake", "keys"]:
                return self.gate.trust(given.encode())
        raise ValueError(f"{request.method} {request.path}")


def reply(
    request: web.BaseRequest, vault: Vault, status: int, content: Any, headers: dict[str, str]
) -> web.Response:
    """With the headers that recordings have."""
    region = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-keyvault-region": vault.settings.location,
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-keyvault-service-version": "1.9.1652.1",
        "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000;includeSubDomains",
        **headers,
    }
    asked = request.headers.get("x-ms-client-request-id")
    if asked is not None:
        region["x-ms-client-request-id"] = quote(asked)
    if content is None:
        return web.Response(status=status, headers=region)
    region["Content-Type"] = "application/json; charset=utf-8"
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return web.Response(status=status, headers=region, body=body.encode())


async def run(options: argparse.Namespace, keys: list[bytes]) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(options.certificate, options.private_key)
    service = Service(tls)
    for key in keys:
        service.gate.trust(key)
    for vault in options.vault or ["tests"]:
        name, _, port = vault.partition(":")
        await service.add(name, int(port or 0))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await service.control(options.control)
    await stopped.wait()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tests.peers.fakes.key_vault")
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--private-key", required=True)
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--vault", action="append", default=[])
    options = parser.parse_args(arguments)
    asyncio.run(run(options, [Path(key).read_bytes() for key in options.key]))


if __name__ == "__main__":
    main(sys.argv[1:])
