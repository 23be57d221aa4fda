"""A signed token shown to ``jwt`` (OIDC's tokens too) or ``kubernetes`` (openbao
``website/content/api-docs/auth/{jwt,kubernetes}.mdx``, "Login").

The token is read at each login: Kubernetes replaces a service account's within its hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from skykeep.interfaces.references import Reference
from skykeep.providers.vault.settings import AuthSettings
from skykeep.providers.vault.tokens import Send, Token, log_in

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
"""Kubernetes documentation, "Accessing the Kubernetes API from a Pod"."""


class Jwt:
    """The two differ in where the token is by default."""

    def __init__(self, auth: AuthSettings, mount: str, environ: Mapping[str, str]) -> None:
        file = auth.jwt_file
        if file is None and auth.jwt_env is None:
            file = SERVICE_ACCOUNT  # the settings let only kubernetes go without
        self._jwt = Reference("its token", file, auth.jwt_env or "", environ, "Vault")
        self._path = f"auth/{mount}/login"
        self._role = {"role": auth.role} if auth.role else {}
        role = f" as '{auth.role}'" if auth.role else ""
        self.source = f"{auth.method}{role} at auth/{mount}, token from {self._jwt.place}"

    async def token(self, send: Send) -> Token:
        """Logs in with the token of this moment."""
        return await log_in(
            send, self._path, {**self._role, "jwt": self._jwt.read()}, self.source
        )
