"""Who asks a vault, and what it may do.

Tokens are those of Entra ID: JSON web tokens signed by RS256, of version 1 or 2 (Microsoft
Learn, "Access tokens in the Microsoft identity platform"). Trusted keys are given at the start
or later; the service finds them at the authority.
"""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.peers.fakes import key_vault_answers as answers
from tests.peers.fakes.key_vault_answers import Caller, Refused, unauthorized
from tests.peers.fakes.key_vault_settings import ACTIONS, Settings

# The application id of Key Vault itself, which tokens of version 2 name as their audience
# (argocd-vault-plugin issue 621).
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"


class Gate:
    """Knows the keys. One for all vaults of a process."""

    def __init__(self) -> None:
        self._keys: list[rsa.RSAPublicKey] = []
        self._verified: dict[str, dict[str, Any]] = {}

    def trust(self, pem: bytes) -> None:
        """Accept tokens that this key signed. ValueError if it is no RSA key."""
        key = load_pem_public_key(pem)
        if not isinstance(key, rsa.RSAPublicKey):
            raise ValueError("not an RSA key")
        self._keys.append(key)

    def identify(self, authorization: str | None, settings: Settings) -> Caller:
        """Who sent this header. Raises a 401 with the challenge of the vault."""
        authority = f"{settings.authority}/{settings.tenant}"
        challenge = f'Bearer authorization="{authority}", resource="{settings.resource}"'
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            # Recording "cannot_create_a_secret_with_an_empty_name.js", challenge included.
            message = "AKV10000: Request is missing a Bearer or PoP token."
            raise unauthorized(message, challenge)
        claims = self._claims(token.strip())
        if claims is None:
            head = token.strip().partition(".")[0]
            # azuresandbox issue 362; terraform-provider-azurerm issue 30912.
            raise unauthorized(
                "AKV10046: Unable to resolve the key used for signature validation. "
                f"EncodedJwtHeader: '{head}'",
                challenge,
            )
        if refusal := wrong(claims, settings):
            raise unauthorized(refusal, challenge)
        caller = Caller(
            str(claims["oid"]),
            str(claims.get("appid") or claims.get("azp") or ""),
            str(claims["iss"]),
            int(claims["iat"]),
        )
        if caller.issued < settings.revoked_before:
            raise revoked(settings)
        return caller

    def _claims(self, token: str) -> dict[str, Any] | None:
        """What a token says, if a trusted key signed it."""
        known = self._verified.get(token)
        if known is not None:
            return known
        try:
            signed, _, signature = token.rpartition(".")
            head, body = (json.loads(decoded(part)) for part in signed.split("."))
            proof = decoded(signature)
        except ValueError:
            return None
        if not isinstance(head, dict) or not isinstance(body, dict):
            return None
        if head.get("alg") != "RS256":
            return None
        for key in self._keys:
            try:
                key.verify(proof, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            except InvalidSignature:
                continue
            if len(self._verified) > 1000:
                self._verified.clear()
            self._verified[token] = body
            return body
        return None


def wrong(claims: dict[str, Any], settings: Settings) -> str | None:
    """Why a token that is signed is not accepted; None if it is."""
    now = time.time()
    if claims.get("exp", 0) <= now:
        # azure-sdk-for-python issue 27266.
        return "[TokenExpired] Error validating token: 'S2S12086'."
    if claims.get("nbf", 0) > now + 300:
        # azure-sdk-for-java issue 26624 (a managed HSM); the allowance for clocks is ours.
        return "Token not yet valid"
    audience = claims.get("aud")
    if audience not in (settings.resource, KEY_VAULT):
        # argocd-vault-plugin issue 621; a slash at the end is enough: go-autorest issue 525.
        return (
            f"AKV10022: Invalid audience. Expected {settings.resource} or {KEY_VAULT}, "
            f"found: {audience}."
        )
    first = f"https://sts.windows.net/{settings.tenant}/"
    second = f"{settings.authority}/{settings.tenant}/v2.0"
    issuer = claims.get("iss")
    if issuer not in {first, second} or claims.get("tid", settings.tenant) != settings.tenant:
        # azure-docs issue 75410.
        return f"AKV10032: Invalid issuer. Expected one of {first}, {second}, found {issuer}."
    if claims.get("oid") is None or claims.get("iat") is None:
        return "The token names no principal."  # wording ours
    return None


def revoked(settings: Settings) -> Refused:
    """A claims challenge of continuous access evaluation: get a token that is not older.

    Form: azure-sdk-for-go, ``sdk/security/keyvault/internal/challenge_policy_test.go``.
    """
    wanted = {
        "access_token": {"nbf": {"essential": True, "value": str(settings.revoked_before)}}
    }
    claims = base64.b64encode(json.dumps(wanted).encode()).decode("ascii")
    uri = f"{settings.authority}/common/oauth2/authorize"
    return unauthorized(
        "The token was revoked.",  # wording ours
        f'Bearer realm="", authorization_uri="{uri}", error="insufficient_claims", '
        f'claims="{claims}"',
    )


def permit(
    settings: Settings, caller: Caller, permission: str, name: str | None, vault: str
) -> None:
    """Raises a 403 unless a grant allows it.

    ``permission`` is one of `ACTIONS`, ``name`` that of the secret or the key. Under an access
    policy "update" is "set", and a grant is for all objects of a kind (Microsoft Learn, "Assign
    a Key Vault access policy"); under RBAC a list is of the whole vault, so a grant for one
    object does not allow it.
    """
    policy = settings.model == "policy"
    needed = "set" if policy and permission == "update" else permission
    kind = permission.rpartition("/")[0] or "secrets"
    for grant in settings.grants:
        named = grant.key if kind == "keys" else grant.secret
        whole = policy or (grant.secret is None and grant.key is None)
        matches = whole or (
            None not in (name, named) and str(named).lower() == str(name).lower()
        )
        if grant.oid == caller.oid and needed in grant.permissions and matches:
            return
    place = f"{vault};location={settings.location}"
    if policy:
        raise answers.by_policy(caller, needed, place)
    action = f"Microsoft.KeyVault/vaults/{ACTIONS[permission]}"
    resource = (
        f"/subscriptions/00000000-0000-4000-8000-000000000000/resourcegroups/tests/providers/"
        f"microsoft.keyvault/vaults/{vault}" + (f"/{kind}/{name}" if name else "")
    )
    raise answers.by_rbac(caller, action, resource, place)


def decoded(part: str) -> bytes:
    """base64url without padding. ValueError if it is none."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
