"""AppRole: a role id and a secret id, the latter perhaps wrapped (openbao
``website/content/api-docs/auth/approle.mdx``, ``docs/concepts/response-wrapping.mdx``).

A wrapping token gives its secret id once. If it was used already, somebody else has the secret
id: that is what wrapping is for, and it is said. What it was made for is looked up before it is
used, so that a forged one, which wraps something else, gives nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from skykeep.errors import SkykeepError, Unauthenticated
from skykeep.interfaces.references import Reference
from skykeep.providers.vault.answers import Unwrapped, Wrapping
from skykeep.providers.vault.errors import error_of, sentences
from skykeep.providers.vault.settings import AuthSettings
from skykeep.providers.vault.tokens import JSON, Send, Token, log_in
from skykeep.providers.wire import Reply

ROLE_ID = "VAULT_ROLE_ID"
SECRET_ID = "VAULT_SECRET_ID"  # noqa: S105  (the name of a variable)

T = TypeVar("T")


class AppRole:
    """A secret id that was unwrapped is kept for later logins, and nowhere but here."""

    def __init__(self, auth: AuthSettings, mount: str, environ: Mapping[str, str]) -> None:
        self._mount = mount
        self._wrapped = auth.secret_id_wrapped
        self._made_at = auth.secret_id_path
        self._role_id = Reference(
            "a role id", auth.role_id_file, auth.role_id_env or ROLE_ID, environ, "Vault"
        )
        self._secret_id = Reference(
            "a secret id",
            auth.secret_id_file,
            auth.secret_id_env or SECRET_ID,
            environ,
            "Vault",
        )
        self._unwrapped: tuple[str, str] | None = None
        self.source = f"approle at auth/{mount}"

    async def token(self, send: Send) -> Token:
        """Logs in with the ids of this moment."""
        role_id = self._role_id.read()
        if self._wrapped:
            secret_id = await self._unwrap(send, self._secret_id.read())
        else:
            secret_id = self._secret_id.read()
        body = {"role_id": role_id, "secret_id": secret_id}
        del secret_id  # reports of errors may show the variables of a frame
        work = log_in(send, f"auth/{self._mount}/login", body, self.source)
        del body
        return await work

    async def _unwrap(self, send: Send, wrapping: str) -> str:
        """The secret id that the wrapping token gives, or gave."""
        if self._unwrapped is not None and self._unwrapped[0] == wrapping:
            return self._unwrapped[1]
        try:
            reply = await send(
                "POST",
                "sys/wrapping/lookup",
                {"Content-Type": JSON},
                msgspec.json.encode({"token": wrapping}),
            )
            self._check_path(self._answer(reply, Wrapping).data.creation_path)
            reply = await send("POST", "sys/wrapping/unwrap", {"X-Vault-Token": wrapping}, b"")
            found = self._answer(reply, Unwrapped).data.secret_id
            self._unwrapped = wrapping, found
            return found
        finally:
            del wrapping

    def _answer(self, reply: Reply, kind: type[T]) -> T:
        if reply.status < 300:
            try:
                return msgspec.json.decode(reply.body, type=kind)
            except msgspec.MsgspecError:
                pass  # its exception may show a part of the body
            raise self._not_ours()
        failure: SkykeepError = error_of(reply)
        if reply.status in {400, 403, 404} and sentences(reply) is not None:
            failure = Unauthenticated(
                f"the wrapping token in {self._secret_id.place} has ended or was used: "
                "somebody else may have unwrapped the secret id",
                hint="unless an earlier try here lost its answer, find out who did; destroy "
                "that secret id and ask for a new one",
            )
        raise failure

    def _check_path(self, made_at: str) -> None:
        wanted = self._made_at
        if wanted is None:
            good = re.fullmatch(f"auth/{re.escape(self._mount)}/role/[^/]+/secret-id", made_at)
        else:
            good = re.fullmatch(re.escape(wanted), made_at)
        if good is None:
            raise self._not_ours()

    def _not_ours(self) -> Unauthenticated:
        return Unauthenticated(
            f"the wrapping token in {self._secret_id.place} wraps no secret id of "
            f"auth/{self._mount}: somebody may have put another one in its place",
            hint="it was not used; find out where it comes from (auth.secret_id_path)",
        )
