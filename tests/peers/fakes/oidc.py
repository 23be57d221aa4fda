"""An OpenID Connect issuer: discovery and keys (OpenID Connect Discovery 1.0, section 4)."""

from __future__ import annotations

from tests.peers.fakes.serving import Fake, Reply, Request, as_json
from tests.peers.tokens import Issuer


class OpenIdIssuer(Fake):
    """``issuer`` issues tokens in the name of this server's address."""

    def __init__(self) -> None:
        super().__init__()
        self.issuer = Issuer(self.address)

    def answer(self, request: Request) -> Reply:
        found = self.issuer.documents().get(request.path)
        if request.method != "GET" or found is None:
            return as_json(404, {"error": "not_found"})
        return as_json(200, found)
