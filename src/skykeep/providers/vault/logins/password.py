"""User name and password: ``userpass`` and ``ldap`` (openbao and Vault
``website/content/api-docs/auth/{userpass,ldap}.mdx``, "Login")."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from skykeep.interfaces.references import Reference
from skykeep.providers.vault.settings import AuthSettings
from skykeep.providers.vault.tokens import Send, Token, log_in

VARIABLE = "VAULT_PASSWORD"


class Password:
    """The two differ in where they are mounted."""

    def __init__(self, auth: AuthSettings, mount: str, environ: Mapping[str, str]) -> None:
        self._path = f"auth/{mount}/login/{quote(auth.username or '', safe='')}"
        self._password = Reference(
            "a password", auth.password_file, auth.password_env or VARIABLE, environ, "Vault"
        )
        self.source = f"{auth.method} as '{auth.username}' at auth/{mount}"

    async def token(self, send: Send) -> Token:
        """Logs in with the password of this moment."""
        return await log_in(send, self._path, {"password": self._password.read()}, self.source)
