"""The part of Kubernetes's API that reviews tokens, and an issuer of them.

``POST /apis/authentication.k8s.io/v1/tokenreviews`` (Kubernetes API reference, TokenReview),
asked with the bearer token of an account that may review; the answer is 201 with ``status``,
in which ``authenticated`` is false for a token that is none of the cluster's. The claims of a
token are those of bound service account tokens (Kubernetes documentation, "Managing Service
Accounts").
"""

from __future__ import annotations

import json
import ssl
from typing import Any

from tests.peers.fakes.serving import Fake, Reply, Request, as_json
from tests.peers.tokens import Issuer

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
AUDIENCE = "https://kubernetes.default.svc.cluster.local"
REVIEWER = Issuer("https://kubernetes.test").token("system:serviceaccount:auth:vault", AUDIENCE)


class TokenReviews(Fake):
    """Knows the tokens that its own `token` made."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self._issuer = Issuer(AUDIENCE)
        self._known: dict[str, tuple[str, str, str]] = {}

    def token(self, space: str, account: str) -> str:
        uid = f"uid-of-{space}-{account}"
        claims: dict[str, Any] = {
            "kubernetes.io": {
                "namespace": space,
                "serviceaccount": {"name": account, "uid": uid},
            }
        }
        made = self._issuer.token(
            f"system:serviceaccount:{space}:{account}", AUDIENCE, aud=[AUDIENCE], **claims
        )
        self._known[made] = (space, account, uid)
        return made

    def answer(self, request: Request) -> Reply:
        if (request.method, request.path) != ("POST", PATH):
            return refused(404, "NotFound")
        if request.headers.get("authorization") != f"Bearer {REVIEWER}":
            return refused(401, "Unauthorized")
        review = json.loads(request.body)
        # The path says what it is: OpenBao leaves the kind out, and the API server takes that.
        if review.setdefault("kind", "TokenReview") != "TokenReview":
            return refused(400, "BadRequest")
        review.setdefault("apiVersion", "authentication.k8s.io/v1")
        known = self._known.get(review["spec"]["token"])
        status: dict[str, Any] = {"authenticated": False, "error": "invalid bearer token"}
        if known is not None:
            space, account, uid = known
            groups = ["system:serviceaccounts", f"system:serviceaccounts:{space}"]
            user = {
                "username": f"system:serviceaccount:{space}:{account}",
                "uid": uid,
                "groups": groups,
            }
            asked = review["spec"].get("audiences") or [AUDIENCE]
            status = {"authenticated": True, "user": user, "audiences": asked}
        return as_json(201, {**review, "status": status})


def refused(code: int, reason: str) -> Reply:
    """An error as the API server gives it (``Status``, meta/v1)."""
    content = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
    }
    return as_json(code, content)
