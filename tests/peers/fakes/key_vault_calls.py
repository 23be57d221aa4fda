"""What a vault answers at each path: the REST reference's "Secrets", as recorded.

Recordings are those named in ``key_vault_answers.py``; the order of the fields is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.peers.fakes import key_vault_access as access
from tests.peers.fakes import key_vault_answers as answers
from tests.peers.fakes import key_vault_limits as limits
from tests.peers.fakes.key_vault_answers import Caller, Refused
from tests.peers.fakes.key_vault_state import Secret, Vault, Version

DAY = 86_400


class Call:
    """One request that got as far as its path."""

    def __init__(
        self, vault: Vault, caller: Caller, base: str, query: Mapping[str, str], body: bytes
    ) -> None:
        self._vault = vault
        self._caller = caller
        self._base = base
        self._query = query
        self._body = body

    def answer(self, method: str, path: list[str]) -> Any:
        """What is to be sent, or None for 204. Raises `Refused`."""
        if len(path) == 2 and not path[1]:
            path = path[:1]
        match method, path:
            case "GET", ["secrets"]:
                self._permit("list")
                return self._page("secrets", self._vault.live(), self._item)
            case "GET", ["deletedsecrets"]:
                self._permit("list")
                return self._page("deletedsecrets", self._vault.deleted(), self._deleted)
            case "POST", ["secrets", "restore"]:
                self._permit("restore")
                blob = limits.document(self._body).get("value")
                return self._bundle(*self._vault.restore(str(blob)), value=False)
            case "PUT", ["secrets", name]:
                return self._set(limits.name(name))
            case "DELETE", ["secrets", name]:
                self._permit("delete", limits.name(name))
                secret = self._vault.delete(name)
                return self._deleted(secret, version=True)
            case "GET", ["secrets", name] | ["secrets", name, ""]:
                self._permit("get", limits.name(name))
                return self._bundle(*self._vault.get(name, None))
            case "PATCH", ["secrets", name] | ["secrets", name, ""]:
                return self._update(limits.name(name), None)
            case "GET", ["secrets", name, "versions"]:
                self._permit("list", limits.name(name))
                return self._versions(name)
            case "POST", ["secrets", name, "backup"]:
                self._permit("backup", limits.name(name))
                return {"value": self._vault.backup(name)}
            case "GET", ["secrets", name, version]:
                self._permit("get", limits.name(name))
                return self._bundle(*self._vault.get(name, limits.version(version)))
            case "PATCH", ["secrets", name, version]:
                return self._update(limits.name(name), limits.version(version))
            case "GET", ["deletedsecrets", name]:
                # secrets/get by the REST reference; metadata only under RBAC is our reading.
                policy = self._vault.settings.model == "policy"
                self._permit("get" if policy else "list", limits.name(name))
                return self._deleted(self._vault.get_deleted(name), version=True)
            case "DELETE", ["deletedsecrets", name]:
                self._permit("purge", limits.name(name))
                self._vault.purge(name)
                return None
            case "POST", ["deletedsecrets", name, "recover"]:
                self._permit("recover", limits.name(name))
                secret = self._vault.recover(name)
                return self._bundle(secret, secret.newest, value=False)
            case "GET", ["certificates"]:
                self._permit("certificates/list")
                return self._page("certificates", [], self._item)
            case _, ["secrets" | "deletedsecrets", *rest] if len(rest) <= 2:
                raise answers.not_allowed(method)
            case _:
                raise Refused(404, "NotFound", "There is nothing at this path.")  # wording ours

    def _permit(self, permission: str, name: str | None = None) -> None:
        settings = self._vault.settings
        access.permit(settings, self._caller, permission, name, self._vault.name)

    def _set(self, name: str) -> dict[str, Any]:
        self._permit("set", name)
        body = limits.document(self._body)
        made = self._vault.set(
            name,
            limits.value(body),
            limits.content_type(body),
            limits.tags(body),
            limits.attributes(body),
        )
        return self._bundle(*made)

    def _update(self, name: str, version: str | None) -> dict[str, Any]:
        self._permit("update", name)
        body = limits.document(self._body)
        changed = self._vault.update(
            name, version, limits.content_type(body), limits.tags(body), limits.attributes(body)
        )
        return self._bundle(*changed, value=False)

    def _versions(self, name: str) -> dict[str, Any]:
        found = self._vault.versions(name)
        if found is None:
            return {"value": [], "nextLink": None}
        secret, versions = found

        def item(version: Version) -> dict[str, Any]:
            return self._bundle(secret, version, value=False)

        path = f"secrets/{secret.name}/versions"
        return self._page(path, versions, item, key=lambda version: version.id)

    def _page(
        self,
        path: str,
        found: Sequence[Any],
        show: Callable[[Any], dict[str, Any]],
        key: Callable[[Any], str] = lambda secret: str(secret.name).upper(),
    ) -> dict[str, Any]:
        """One page of ``found``, which is sorted by ``key``.

        A next page begins at the first key that is not before the marker, so what was deleted
        in between does no harm.
        """
        size = limits.page_size(self._query)
        token = self._query.get("$skiptoken")
        marker = "" if token is None else limits.skipped_to(token)
        begin, shown = marker.rstrip("*"), marker.endswith("*")
        rest = [one for one in found if key(one) >= begin]
        if self._vault.settings.empty_pages and not shown and rest:
            return {"value": [], "nextLink": self._next(path, f"{key(rest[0])}*")}
        follows = self._next(path, key(rest[size])) if len(rest) > size else None
        return {"value": [show(one) for one in rest[:size]], "nextLink": follows}

    def _next(self, path: str, key: str) -> str:
        """With the port always, and ``maxresults`` last, as recorded."""
        host = self._base if ":" in self._base else f"{self._base}:443"
        version = self._query["api-version"]
        link = (
            f"https://{host}/{path}?api-version={version}&$skiptoken={limits.skip_token(key)}"
        )
        size = self._query.get("maxresults")
        return link if size is None else f"{link}&maxresults={size}"

    # -- how things are shown; the order of the fields is the recorded one

    def _bundle(
        self, secret: Secret, version: Version, *, value: bool = True
    ) -> dict[str, Any]:
        shown: dict[str, Any] = {"value": version.value} if value else {}
        return {**shown, **self._common(secret, version, f"/{version.id}")}

    def _item(self, secret: Secret) -> dict[str, Any]:
        return self._common(secret, secret.newest, "")

    def _deleted(self, secret: Secret, *, version: bool = False) -> dict[str, Any]:
        days = self._vault.settings.retention_days
        suffix = f"/{secret.newest.id}" if version else ""
        return {
            "recoveryId": f"https://{self._base}/deletedsecrets/{secret.name}",
            "deletedDate": secret.deleted,
            "scheduledPurgeDate": secret.deleted + days * DAY,
            **self._common(secret, secret.newest, suffix),
        }

    def _common(self, secret: Secret, version: Version, suffix: str) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        if version.content_type is not None:
            shown["contentType"] = version.content_type
        shown["id"] = f"https://{self._base}/secrets/{secret.name}{suffix}"
        if secret.managed:
            shown["managed"] = True
        times = {"nbf": version.nbf, "exp": version.exp}
        shown["attributes"] = {
            "enabled": version.enabled,
            **{key: time for key, time in times.items() if time is not None},
            "created": version.created,
            "updated": version.updated,
            "recoveryLevel": self._vault.settings.recovery_level,
            "recoverableDays": self._vault.settings.retention_days,
        }
        if version.tags is not None:
            shown["tags"] = version.tags
        return shown
