"""The calls on the Secrets of one namespace, by the names of the objects.

Kubernetes' API reference, "Secret"; "Kubernetes API Concepts" for pages, patches and
``resourceVersion``. A value travels where it is asked for or written, and nowhere else: answers
to writes, listings and descriptions are metadata.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from skykeep.errors import NotFound
from skykeep.interfaces.secret_driver import Stamp
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.kubernetes.annotations import CHANGES, Patch
from skykeep.providers.kubernetes.errors import error_of, status_of
from skykeep.providers.kubernetes.fields import pack
from skykeep.providers.kubernetes.names import encoded
from skykeep.providers.kubernetes.objects import (
    ATTRIBUTES,
    MANAGER,
    STAMP,
    VERSION,
    Meta,
    Partial,
    PartialList,
    SecretObject,
)
from skykeep.providers.kubernetes.session import (
    JSON,
    MERGE_PATCH,
    METADATA,
    METADATA_LIST,
    Session,
    decoded,
)
from skykeep.providers.kubernetes.settings import KubernetesSettings
from skykeep.providers.wire import Reply, Stream


class Calls:
    """Each is one call, and raises what ``errors.TABLE`` says.

    Attributes:
        path: of the namespace's Secrets.
        selector: which of them are listed and watched, as a query.
    """

    def __init__(self, session: Session, settings: KubernetesSettings) -> None:
        self._session = session
        self._key = settings.key
        self._type = settings.type
        self.path = f"/api/v1/namespaces/{encoded(session.access.namespace)}/secrets"
        self.selector = f"fieldSelector={quote(f'type={settings.type}', safe='')}"

    async def read(self, name: str) -> SecretObject | None:
        """The Secret with its data; None if there is none."""
        try:
            return await self._session.call("GET", self._one(name), kind=SecretObject)
        except NotFound:
            return None

    async def metadata(self, name: str) -> Meta | None:
        """Its metadata; None if there is none."""
        try:
            found = await self._session.call(
                "GET", self._one(name), kind=Partial, accept=METADATA
            )
        except NotFound:
            return None
        return found.metadata

    async def page(self, token: str, limit: int) -> PartialList:
        """A page of the server's listing. Where its token has expired, the listing goes on
        with the state of now behind the last name: whoever was not touched comes once."""
        reply = await self._listed(token, limit)
        if reply.status == 410:
            status = status_of(reply)
            again = status.metadata.continue_ if status and status.metadata else ""
            if again:
                reply = await self._listed(again, limit)
        if reply.status >= 300:
            raise error_of(reply)
        return decoded(reply, PartialList)

    async def create(
        self, metadata: dict[str, Any], value: SecretValue, stamp: Stamp | None
    ) -> Meta:
        """Raises ``Conflict`` if the name is taken."""
        metadata["annotations"] |= _of_value(stamp)
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": self._type,
            "metadata": metadata,
        }
        return await self._write("POST", self.path, body, value)

    async def replace(
        self,
        before: SecretObject,
        notes: Patch,
        labels: Patch,
        value: SecretValue,
        stamp: Stamp | None,
    ) -> Meta:
        """Put the value in place of all data that is there. Raises ``Conflict`` if it is not
        as it was."""
        meta = before.metadata
        others = dict.fromkeys((before.data or {}).keys() - {self._key})
        former: Patch = dict.fromkeys({STAMP} & (meta.annotations or {}).keys())
        patch = {
            "metadata": _metadata(meta, {**notes, **former, **_of_value(stamp)}, labels),
            "data": others,
        }
        return await self._write("PATCH", self._one(meta.name), patch, value)

    async def annotate(self, meta: Meta, notes: Patch, labels: Patch) -> Meta:
        """Change what stands beside the value. Raises ``Conflict`` likewise."""
        # Taking something away alone would not move the time of the last change.
        count = (meta.annotations or {}).get(CHANGES, "")
        known = int(count) if count.isascii() and count.isdigit() and len(count) < 19 else 0
        patch = {"metadata": _metadata(meta, {**notes, CHANGES: str(known + 1)}, labels)}
        changed = await self._session.call(
            "PATCH",
            f"{self._one(meta.name)}?fieldManager={ATTRIBUTES}",
            patch,
            kind=Partial,
            accept=METADATA,
            content_type=MERGE_PATCH,
        )
        return changed.metadata

    async def delete(self, meta: Meta, *, unchanged: bool) -> None:
        """The very Secret that was looked at, or (``unchanged``) as it was then. Raises
        ``Conflict`` if it is another one, ``NotFound``."""
        only = {"uid": meta.uid}
        if unchanged:
            only["resourceVersion"] = meta.resource_version
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": only}
        await self._session.call(
            "DELETE", self._one(meta.name), options, kind=type(None), accept=METADATA
        )

    async def watch(self, version: str, seconds: int, silence: float) -> Stream:
        """What happens after a state, to be read while it comes; any status is an answer."""
        query = (
            f"watch=1&{self.selector}&resourceVersion={quote(version, safe='')}"
            f"&allowWatchBookmarks=true&timeoutSeconds={seconds}"
        )
        return await self._session.stream(f"{self.path}?{query}", METADATA, silence)

    def _one(self, name: str) -> str:
        return f"{self.path}/{encoded(name)}"

    async def _listed(self, token: str, limit: int) -> Reply:
        query = f"limit={limit}&{self.selector}"
        if token:
            query += f"&continue={quote(token, safe='')}"
        return await self._session.reply("GET", f"{self.path}?{query}", accept=METADATA_LIST)

    async def _write(
        self, method: str, path: str, body: dict[str, Any], value: SecretValue
    ) -> Meta:
        """Send a Secret, or a patch of one, with the value in it."""
        body["data"] = {**body.get("data", {}), **pack(value, self._key)}
        try:
            made = await self._session.call(
                method,
                f"{path}?fieldManager={MANAGER}",
                body,
                kind=Partial,
                accept=METADATA,
                content_type=MERGE_PATCH if method == "PATCH" else JSON,
            )
        finally:
            body.clear()  # reports of errors may show the variables of a frame
        return made.metadata


def _of_value(stamp: Stamp | None) -> dict[str, str]:
    """The annotations of a value that is written: a new id, and its stamp."""
    version = f"v{secrets.token_hex(8)}"
    return {VERSION: version} | ({} if stamp is None else {STAMP: f"{stamp}.{version}"})


def _metadata(meta: Meta, notes: Patch, labels: Patch) -> Mapping[str, Any]:
    """Of a patch: only if nobody has changed the object since."""
    return {
        "resourceVersion": meta.resource_version,
        "annotations": notes,
        "labels": labels,
    }
