"""The certificate of the connection itself, ``tls.cert`` or ``VAULT_CLIENT_CERT`` (openbao
``website/content/api-docs/auth/cert.mdx``, "Login with TLS certificate method")."""

from __future__ import annotations

from skykeep.providers.vault.settings import AuthSettings
from skykeep.providers.vault.tokens import Send, Token, log_in


class Certificate:
    """``role`` is what the server calls the name of a certificate role; by default it tries
    them all."""

    def __init__(self, auth: AuthSettings, mount: str) -> None:
        self._path = f"auth/{mount}/login"
        self._name = {"name": auth.role} if auth.role else {}
        self.source = f"TLS certificate at auth/{mount}"

    async def token(self, send: Send) -> Token:
        """Logs in with the certificate that the connection was made with."""
        return await log_in(send, self._path, self._name, self.source)
