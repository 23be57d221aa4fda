"""The fake's own interface, on a port of its own: JSON under ``/_fake/``.

POST   tokens     token, principal, grants: [{permissions, prefix}], expires, scopes
DELETE tokens     token: it is unknown from now on
POST   keys       email, kid, public_key (PEM), grants: what the account signs is accepted
POST   projects   id, number, enabled
POST   failures   [{method, times, status, message, delay}]: replaces the rules
POST   settings   behind, page_size, location, corrupt_reads, corrupt_writes, pending
POST   kms        name of a key: ENABLED, DISABLED, DESTROYED or DENIED
POST   clock      ahead: seconds by which the service's time is ahead
POST   settle     no failures, no settings, no clock
GET    calls      what was called; DELETE forgets it
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from tests.peers.fakes.secret_manager_access import Project, caller_from
from tests.peers.fakes.secret_manager_log import Log
from tests.peers.fakes.secret_manager_service import Service
from tests.peers.fakes.secret_manager_trouble import KEY_STATES


class Control:
    """The application for aiohttp. What it cannot read is answered with 400."""

    def __init__(self, service: Service, log: Log) -> None:
        self._access = service.access
        self._store = service.store
        self._trouble = service.trouble
        self._log = log

    def application(self) -> web.Application:
        application = web.Application()
        posts: dict[str, Callable[[Any], None]] = {
            "tokens": self.accept,
            "keys": self.trust,
            "projects": self.project,
            "failures": self._trouble.fail,
            "settings": self._trouble.set,
            "kms": self.kms,
            "clock": self.clock,
            "settle": self.settle,
        }
        for name, handler in posts.items():
            application.router.add_post(f"/_fake/{name}", _posted(handler))
        application.router.add_delete("/_fake/tokens", _posted(self.revoke))
        application.router.add_get("/_fake/calls", self.calls)
        application.router.add_delete("/_fake/calls", self.forget)
        return application

    def accept(self, content: Any) -> None:
        self._access.tokens[content["token"]] = caller_from(content)

    def revoke(self, content: Any) -> None:
        self._access.tokens.pop(content["token"], None)

    def trust(self, content: Any) -> None:
        caller = caller_from({**content, "principal": content["email"]})
        self._access.keys[content["email"], content["kid"]] = (content["public_key"], caller)

    def project(self, content: Any) -> None:
        self._access.add_project(
            Project(content["id"], str(content["number"]), content.get("enabled", True))
        )

    def kms(self, content: Any) -> None:
        for key, state in content.items():
            if state not in {"ENABLED", *KEY_STATES}:
                raise ValueError(state)
            self._trouble.keys[key] = state

    def clock(self, content: Any) -> None:
        self._store.clock.ahead = float(content["ahead"])

    def settle(self, content: Any) -> None:
        self._trouble.settle()
        self._store.clock.ahead = 0.0

    async def calls(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(call) for call in self._log.calls])

    async def forget(self, request: web.Request) -> web.Response:
        self._log.calls.clear()
        return web.json_response({})


def _posted(
    handler: Callable[[Any], None],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            handler(await request.json())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return web.json_response({"error": repr(error)}, status=400)
        return web.json_response({})

    return handle
