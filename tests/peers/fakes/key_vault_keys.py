"""What a vault answers about keys: the REST reference's "Keys", by azure-keyvault-keys 4.11.

Paths and fields are those of ``azure.keyvault.keys._generated`` (``_operations``, ``models``:
KeyBundle, JsonWebKey, KeyItem, KeyOperationResult, KeyVerifyResult, DeletedKeyBundle). An
operation may name a version or none; its own name is taken in any case. Not here: import,
backup and restore, release, rotation policies, attestation, random bytes; keys in HSMs and
symmetric ones, which a vault of the standard tier does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.peers.fakes import key_vault_answers
from tests.peers.fakes import key_vault_keys_crypto as crypto
from tests.peers.fakes import key_vault_limits as limits
from tests.peers.fakes.key_vault_answers import Refused, bad
from tests.peers.fakes.key_vault_calls import DAY, Call
from tests.peers.fakes.key_vault_keys_state import Key, Version

# JsonWebKeyOperation; what a new key may do if nobody says (Microsoft Learn, "About keys").
DEFAULT_OPS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"),
    "EC": ("sign", "verify"),
}
OPERATIONS = {name.lower(): name for name in DEFAULT_OPS["RSA"]}


class KeyCall(Call):
    """One request about keys that got as far as its path."""

    def answer(self, method: str, path: list[str]) -> Any:
        """What is to be sent, or None for 204. Raises `Refused`."""
        if len(path) == 4 and not path[2]:
            path = [*path[:2], path[3]]  # an operation of no certain version
        if path[-1] == "":
            path = path[:-1]
        keys = self._vault.keys
        match method, path:
            case "GET", ["keys"]:
                self._permit("keys/list")
                return self._page("keys", keys.live(), self._key_item)
            case "GET", ["deletedkeys"]:
                self._permit("keys/list")
                return self._page("deletedkeys", keys.deleted(), self._deleted_key)
            case "GET", ["keys", name]:
                self._permit("keys/get", limits.name(name))
                return self._key(*keys.get(name, None))
            case "PATCH", ["keys", name]:
                return self._update_key(limits.name(name), None)
            case "DELETE", ["keys", name]:
                self._permit("keys/delete", limits.name(name))
                return self._deleted_key(keys.delete(name), whole=True)
            case "POST", ["keys", name, "create"]:
                return self._create(limits.name(name))
            case "POST", ["keys", name, "rotate"]:
                self._permit("keys/rotate", limits.name(name))
                return self._key(*keys.rotate(name))
            case "GET", ["keys", name, "versions"]:
                self._permit("keys/list", limits.name(name))
                return self._page(
                    f"keys/{name}/versions",
                    keys.versions(name),
                    lambda version: self._key_item(None, version, name),
                    key=lambda version: str(version.id),
                )
            case "POST", ["keys", name, operation] if operation.lower() in OPERATIONS:
                return self._operate(limits.name(name), None, OPERATIONS[operation.lower()])
            case "GET", ["keys", name, version]:
                self._permit("keys/get", limits.name(name))
                return self._key(*keys.get(name, limits.version(version)))
            case "PATCH", ["keys", name, version]:
                return self._update_key(limits.name(name), limits.version(version))
            case "POST", ["keys", name, version, operation] if operation.lower() in OPERATIONS:
                known = OPERATIONS[operation.lower()]
                return self._operate(limits.name(name), limits.version(version), known)
            case "GET", ["deletedkeys", name]:
                # keys/get by the REST reference.
                self._permit("keys/get", limits.name(name))
                return self._deleted_key(keys.get_deleted(name), whole=True)
            case "DELETE", ["deletedkeys", name]:
                self._permit("keys/purge", limits.name(name))
                if self._vault.settings.purge_protection:
                    keys.get_deleted(name)
                    raise key_vault_answers.protected(self._vault.place)
                keys.purge(name)
                return None
            case "POST", ["deletedkeys", name, "recover"]:
                self._permit("keys/recover", limits.name(name))
                key = keys.recover(name)
                return self._key(key, key.newest)
            case _, ["keys" | "deletedkeys", *rest] if len(rest) <= 2:
                raise key_vault_answers.not_allowed(method)
            case _:
                raise Refused(404, "NotFound", "There is nothing at this path.")  # wording ours

    def _create(self, name: str) -> dict[str, Any]:
        """``KeyCreateParameters``. The refusals' wording is ours."""
        self._permit("keys/create", name)
        body = limits.document(self._body)
        kty = body.get("kty")
        if not isinstance(kty, str) or kty not in DEFAULT_OPS:
            raise bad(f"The key type {kty!r} is not supported by this vault.")
        size = body.get("key_size", 2048) if kty == "RSA" else 256
        if size not in crypto.SIZES and kty == "RSA":
            raise bad(f"An RSA key has {' or '.join(map(str, crypto.SIZES))} bits.")
        if kty == "EC" and body.get("crv", "P-256") != "P-256":
            raise bad("This fake knows no curve but P-256.")
        made = self._vault.keys.create(
            name,
            kty,
            size,
            ops=operations(body, kty) or list(DEFAULT_OPS[kty]),
            tags=limits.tags(body),
            attributes=limits.attributes(body),
        )
        return self._key(*made)

    def _update_key(self, name: str, version: str | None) -> dict[str, Any]:
        self._permit("keys/update", name)
        body = limits.document(self._body)
        _, found = self._vault.keys.get(name, version)
        changed = self._vault.keys.update(
            name,
            version,
            operations(body, found.kty),
            limits.tags(body),
            limits.attributes(body),
        )
        return self._key(*changed)

    def _operate(self, name: str, version: str | None, operation: str) -> dict[str, Any]:
        """``KeyOperationsParameters``, ``KeySignParameters``, ``KeyVerifyParameters``."""
        self._permit(f"keys/{operation}", name)
        body = limits.document(self._body)
        value = crypto.decoded(body.get("value"), "value")
        algorithm = body.get("alg")
        if not isinstance(algorithm, str):
            raise bad("Property 'alg' is required.")  # wording ours
        key, found = self._vault.keys.usable(name, version, operation)
        private = found.private
        if operation == "verify":
            digest = crypto.decoded(body.get("digest"), "digest")
            return {"value": crypto.verify(private, algorithm, digest, value)}
        if operation == "sign":
            made = crypto.sign(private, algorithm, value)
        elif operation in {"encrypt", "wrapKey"}:
            made = crypto.encrypt(private, algorithm, value)
        else:
            made = crypto.decrypt(private, algorithm, value)
        return {"kid": self._kid(key.name, found), "value": crypto.encoded(made)}

    # -- how things are shown

    def _kid(self, name: str, version: Version | None) -> str:
        suffix = "" if version is None else f"/{version.id}"
        return f"https://{self._base}/keys/{name}{suffix}"

    def _key(self, key: Key, version: Version) -> dict[str, Any]:
        web_key: dict[str, Any] = {
            "kid": self._kid(key.name, version),
            "kty": version.kty,
            "key_ops": version.ops,
            **crypto.public_half(version.private),
        }
        if version.kty == "EC":
            web_key["crv"] = "P-256"
        shown: dict[str, Any] = {"key": web_key, "attributes": self._attributes(version)}
        if version.tags is not None:
            shown["tags"] = version.tags
        return shown

    def _key_item(
        self, key: Key | None, version: Version | None = None, name: str = ""
    ) -> dict[str, Any]:
        """``KeyItem``: of a key, without the version's id; or of a version."""
        found = version if key is None else key.newest
        assert found is not None
        item: dict[str, Any] = {
            "kid": self._kid(name if key is None else key.name, version),
            "attributes": self._attributes(found),
        }
        if found.tags is not None:
            item["tags"] = found.tags
        return item

    def _deleted_key(self, key: Key, *, whole: bool = False) -> dict[str, Any]:
        days = self._vault.settings.retention_days
        return {
            "recoveryId": f"https://{self._base}/deletedkeys/{key.name}",
            "deletedDate": key.deleted,
            "scheduledPurgeDate": key.deleted + days * DAY,
            **(self._key(key, key.newest) if whole else self._key_item(key)),
        }

    def _attributes(self, version: Version) -> dict[str, Any]:
        times = {"nbf": version.nbf, "exp": version.exp}
        return {
            "enabled": version.enabled,
            **{key: time for key, time in times.items() if time is not None},
            "created": version.created,
            "updated": version.updated,
            "recoveryLevel": self._vault.settings.recovery_level,
            "recoverableDays": self._vault.settings.retention_days,
        }


def operations(body: Mapping[str, Any], kty: str) -> list[str] | None:
    """``key_ops`` if they are given. That a key of this type has them: wording ours."""
    given = body.get("key_ops")
    if given is None:
        return None
    if not isinstance(given, list) or not set(given) <= set(DEFAULT_OPS[kty]):
        raise bad(f"key_ops are not operations of a key of type {kty}.")
    return list(given)
