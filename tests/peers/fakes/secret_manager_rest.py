"""A service of Google's over HTTP: its own URL templates, JSON as protobuf maps it.

The templates are taken from the http rules in Google's client, which is
google-cloud-secret-manager unless another one's are given (`cloud_kms`). What Google's
transcoding does with them is in ``google/api/http.proto``: ``body: "*"`` is the whole request,
another body one field of it, and what is neither there nor in the path comes from the query.
Unknown fields are refused; ``$alt=json;enum-encoding=int`` makes enums numbers; the system
parameters (cloud.google.com/apis/docs/system-parameters) are ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import rest_base
from google.protobuf import json_format

from tests.peers.fakes.secret_manager_errors import Refusal, invalid
from tests.peers.fakes.secret_manager_log import Log
from tests.peers.fakes.secret_manager_methods import METHODS, Method

SYSTEM = {
    *("alt", "prettyPrint", "key", "quotaUser", "fields", "callback", "access_token"),
    *("oauth_token", "uploadType", "upload_protocol", "userProject"),
}
BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")
NOWHERE = (
    "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"
    "<p>The requested URL was not found on this server."
)


@dataclass(frozen=True)
class Route:
    """A http rule. ``field`` is where the resource in the path goes."""

    method: str
    verb: str
    path: re.Pattern[str]
    field: str
    body: str


class Answers(Protocol):
    """A service that answers calls of its methods."""

    def call(self, method: str, request: Any, headers: Mapping[str, str]) -> Any:
        """The answer. Raises `Refusal`."""
        ...


BASE = rest_base._BaseSecretManagerServiceRestTransport


def routes(methods: Iterable[str] = METHODS, base: Any = BASE) -> list[Route]:
    """Of these methods, by the http rules of ``base``: the client's transport over HTTP."""
    found: list[Route] = []
    for method in methods:
        rules = getattr(base, f"_Base{method}")
        for rule in rules._get_http_options():
            before, field, resource, behind = re.split(r"\{(.*)=(.*)\}", rule["uri"])
            # The last part ends where the verb begins; a project's id may have a colon.
            last = "[^/]+" if behind.startswith("/") else "[^/:]+"
            if resource.endswith("**"):
                resource, last = resource[:-1], "[^:]+"
            pattern = re.escape(resource[:-1]).replace(r"\*", "[^/]+") + last
            path = re.compile(f"{re.escape(before)}({pattern}){re.escape(behind)}")
            verb, body = rule["method"].upper(), rule.get("body", "")
            found.append(Route(method, verb, path, field, body))
    return found


class Rest:
    """The application for aiohttp; ``methods`` and ``base`` are of the service."""

    def __init__(
        self,
        service: Answers,
        log: Log,
        methods: Mapping[str, Method] = METHODS,
        base: Any = BASE,
    ) -> None:
        self._service = service
        self._log = log
        self._methods = methods
        self._routes = routes(methods, base)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=32 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self.answer)
        return application

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        for route in self._routes:
            found = route.path.fullmatch(request.path)
            if found is not None and route.verb == request.method:
                return self._call(route, found[1], request, body)
        return web.Response(status=404, text=NOWHERE, content_type="text/html")

    def _call(
        self, route: Route, resource: str, request: web.Request, body: bytes
    ) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self._log.call("rest", route.method, resource, headers) as call:
            try:
                kind = self._methods[route.method].request
                message = _request(kind, route, resource, request, body)
                answer = self._service.call(route.method, message, headers)
            except Refusal as refusal:
                call.status = refusal.name
                return _json(refusal.http, refusal.body(), refusal.headers)
        numbers = "enum-encoding=int" in request.query.get("$alt", "")
        content = json_format.MessageToDict(answer, use_integers_for_enums=numbers)
        return _json(200, content, {})


def _json(status: int, content: Any, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(content, indent=2).encode() + b"\n",
        headers={"Content-Type": "application/json; charset=UTF-8", **headers},
    )


def _request(kind: Any, route: Route, resource: str, request: web.Request, body: bytes) -> Any:
    """The request's message. INVALID_ARGUMENT where the JSON or the query do not fit it."""
    content: dict[str, Any] = {}
    if route.body:
        content = _object(body)
        if route.body != "*":
            content = {route.body: content} if content or body.strip() else {}
    elif body.strip():
        raise invalid("Invalid JSON payload received. Unknown name: a body is not expected.")
    mask = ""
    for name, value in request.query.items():
        if name in SYSTEM or name.startswith("$"):
            continue
        if not _known(kind.DESCRIPTOR, name):
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query '
                f"parameter. Field '{name}' could not be found in request message.",
                name,
            )
        if name in {"updateMask", "update_mask"}:
            mask = value
            continue
        _put(content, name.split("."), _boolean(kind.DESCRIPTOR, name, value))
    message = kind()
    _check_bytes(content, kind.DESCRIPTOR)
    try:
        json_format.ParseDict(content, message)
    except json_format.ParseError as error:
        raise _unreadable(str(error)) from None
    if mask:
        paths = [re.sub(r"[A-Z]", lambda c: "_" + c[0].lower(), p) for p in mask.split(",")]
        message.update_mask.paths.extend(path.strip() for path in paths)
    target = message
    *outer, last = route.field.split(".")
    for part in outer:
        target = getattr(target, part)
    setattr(target, last, resource)
    return message


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        raise invalid("Invalid JSON payload received. Unexpected token.") from None
    if not isinstance(content, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return content


def _put(content: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        content = content.setdefault(part, {})
    content[path[-1]] = value


def _boolean(descriptor: Any, name: str, value: str) -> Any:
    """The value, which is no text where the request's field is none."""
    fields = {**descriptor.fields_by_name, **descriptor.fields_by_camelcase_name}
    field = fields.get(name)
    if field is not None and field.type == field.TYPE_BOOL:
        return {"true": True, "false": False}.get(value, value)
    return value


def _known(descriptor: Any, name: str) -> bool:
    """Whether a message has a field of this name, in either spelling; ``.`` goes deeper."""
    first, _, rest = name.partition(".")
    fields = {**descriptor.fields_by_name, **descriptor.fields_by_camelcase_name}
    if first not in fields:
        return False
    inner = fields[first].message_type
    return not rest or (inner is not None and _known(inner, rest))


def _check_bytes(content: Any, descriptor: Any, place: str = "") -> None:
    """Of fields of bytes: either alphabet of base64 will do, what is none will not."""
    if not isinstance(content, dict):
        return
    known = {**descriptor.fields_by_name, **descriptor.fields_by_camelcase_name}
    for name, value in content.items():
        field = known.get(name)
        path = f"{place}.{name}" if place else name
        if field is None:
            continue
        if field.type == field.TYPE_MESSAGE:
            _check_bytes(value, field.message_type, path)
        elif field.type == field.TYPE_BYTES and isinstance(value, str) and not _base64(value):
            raise invalid(
                f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed.", path
            )


def _base64(text: str) -> bool:
    return BASE64.fullmatch(text) is not None and len(text.rstrip("=")) % 4 != 1


def _unreadable(said: str) -> Refusal:
    """In Google's words for what protobuf says of a JSON that does not fit."""
    found = re.search(r'no field named "([^"]*)" at "([^"]*)"', said)
    if found is None:
        return invalid("Invalid JSON payload received. Invalid value.")
    name, place = found.groups()
    _, _, inner = place.partition(".")
    where = f" at '{inner}'" if inner else ""
    return invalid(
        f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.',
        inner,
    )
