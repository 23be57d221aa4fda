"""Google's metadata server ("About VM metadata").

Without the header ``Metadata-Flavor: Google`` it says 403, and it gives the same token until
five minutes before its end. Its other 403 is GKE's: issue 2064 of kubernetes-sigs/external-dns.
"""

from __future__ import annotations

import time

from tests.peers.fakes.google_tokens import CLOUD_PLATFORM, HOUR, Registry
from tests.peers.fakes.serving import Fake, Reply, Request, as_json


class MetadataServer(Fake):
    """The metadata server of a machine with a service account, or (None) without one.

    ``environ`` is what leads a client there; ``refused`` is GKE's answer when the Kubernetes
    service account may not act as the other one.
    """

    def __init__(
        self,
        registry: Registry,
        account: str | None = "web@skykeep-tests.iam.gserviceaccount.com",
        lifetime: float = HOUR,
    ) -> None:
        super().__init__()
        self.registry = registry
        self.account = account
        self.lifetime = lifetime
        self.refused = False
        self.flavor = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
        self._kept: tuple[str, float] | None = None

    @property
    def environ(self) -> dict[str, str]:
        return {"GCE_METADATA_HOST": self.address.removeprefix("http://")}

    def answer(self, request: Request) -> Reply:
        if request.headers.get("metadata-flavor") != "Google":
            return Reply(403, b"Your client does not have permission to get URL.", self.flavor)
        found = self._found(request)
        text = {"Content-Type": "application/text"}
        return Reply(found.status, found.body, {**text, **self.flavor, **found.headers})

    def _found(self, request: Request) -> Reply:
        path = request.path.removeprefix("/computeMetadata/v1/")
        match path:
            case "project/project-id":
                return Reply(200, b"skykeep-tests")
            case "universe/universe-domain":
                return Reply(200, b"googleapis.com")
            case "instance/service-accounts/default/email" if self.account:
                return Reply(200, self.account.encode())
            case "instance/service-accounts/default/token" if self.account:
                if self.refused:
                    return Reply(403, b"Unable to generate access token; IAM returned 403")
                return self._token(self.account, request)
        return Reply(404, b"Not Found")

    def _token(self, account: str, request: Request) -> Reply:
        if self._kept is None or self._kept[1] - time.time() < 300:
            scopes = request.query.get("scopes", CLOUD_PLATFORM).replace(",", " ")
            token = self.registry.issue(
                f"serviceAccount:{account}", lifetime=self.lifetime, scopes=scopes
            )
            self._kept = (token, time.time() + self.lifetime)
        token, ends = self._kept
        content = {"access_token": token, "token_type": "Bearer"}
        return as_json(200, {**content, "expires_in": int(ends - time.time())})
