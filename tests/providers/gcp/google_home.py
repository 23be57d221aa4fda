"""A home directory with credentials of each kind, and the token services that take them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes
from skykeep.interfaces.secret_value import SecretValue
from skykeep.providers.gcp.credentials import Credentials
from tests.peers.fakes.google_metadata import MetadataServer
from tests.peers.fakes.google_tokens import (
    AWS,
    PROVIDER,
    GoogleTokens,
)
from tests.peers.google import PROJECT, SecretManager
from tests.providers.gcp.opening import opened, settings

ACCOUNT = f"ci@{PROJECT}.iam.gserviceaccount.com"
TARGET = f"target@{PROJECT}.iam.gserviceaccount.com"
MIDDLE = f"middle@{PROJECT}.iam.gserviceaccount.com"
USER = "ada@example.test"
REFRESH = "1//refresh-token-of-the-tests"  # pragma: allowlist secret (made up)
KEY_ID = "0123456789abcdef0123456789abcdef01234567"  # pragma: allowlist secret (made up)
JWT = "urn:ietf:params:oauth:token-type:jwt"


@cache
def key() -> rsa.RSAPrivateKey:
    """A service account's; one for all tests, as making it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


Grants = list[dict[str, Any]]
"""As the control of Secret Manager's fake takes them."""


class Home:
    """``environ`` is all that the credentials are looked for in."""

    def __init__(self, path: Path, tokens: GoogleTokens) -> None:
        self.path = path
        self.tokens = tokens
        self.environ = {"HOME": str(path), "PATH": os.environ["PATH"], "NO_GCE_CHECK": "true"}
        self.key = key()

    @property
    def public_key(self) -> str:
        """PEM, of the service account's key."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def write(self, content: Mapping[str, Any], name: str = "credentials.json") -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(content), encoding="utf-8")
        return file

    def name(self, content: Mapping[str, Any]) -> Path:
        """Write the file, and set GOOGLE_APPLICATION_CREDENTIALS."""
        file = self.write(content)
        self.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
        return file

    def log_in(self, content: Mapping[str, Any] | None = None) -> Path:
        """Leave what ``gcloud auth application-default login`` leaves."""
        place = ".config/gcloud/application_default_credentials.json"
        return self.write(content or self.login(), place)

    def login(self, **changes: Any) -> dict[str, Any]:
        """As gcloud writes it. A login of `USER`, unless the refresh token is another one."""
        self.tokens.logins.setdefault(REFRESH, USER)
        return {
            "type": "authorized_user",
            "client_id": self.tokens.client_id,
            "client_secret": self.tokens.client_secret,
            "refresh_token": REFRESH,
            "universe_domain": "googleapis.com",
            "account": "",
            **changes,
        }

    def service_account(self, **changes: Any) -> dict[str, Any]:
        """The file of a service account's key, which the registry trusts."""
        self.tokens.registry.keys.setdefault(ACCOUNT, {})[KEY_ID] = self.public_key
        pem = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": KEY_ID,
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": "100000000000000000001",
            "token_uri": "https://oauth2.googleapis.com/token",
            **changes,
        }

    def federation(self, source: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        """As ``gcloud iam workload-identity-pools create-cred-config`` writes it."""
        return {
            "type": "external_account",
            "audience": PROVIDER,
            "subject_token_type": JWT,
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": source,
            "universe_domain": "googleapis.com",
            **changes,
        }

    def aws(self, **changes: Any) -> dict[str, Any]:
        """The same for a workload on AWS."""
        url = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
        source = {
            "environment_id": "aws1",
            "regional_cred_verification_url": url,
        }
        return self.federation(source, subject_token_type=AWS, **changes)

    def identity_token(self, **changes: Any) -> str:
        """A token of the issuer that the pool trusts. It was made a minute ago: Google wants
        one that lasts at most a day."""
        audience = changes.pop("audience", f"https:{PROVIDER}")
        issued = {"iat": int(time.time()) - 60, "nbf": int(time.time()) - 60}
        subject = changes.pop("subject", "repo:example/shop")
        return self.tokens.issuer.token(subject, audience, **{**issued, **changes})

    def credentials(self, **auth: Any) -> Credentials:
        """What a target would use."""
        return Credentials(self.settings(**auth), self.environ, "primary (gcp)")

    def settings(self, **auth: Any) -> Any:
        """The target's, whose token services are the fakes."""
        address = self.tokens.address
        places = {
            "oauth2": address,
            "sts": address,
            "iamcredentials": address,
            "cloudresourcemanager": address,
        }
        target = auth.pop("target", {})
        return settings(auth={"endpoints": places, **auth}, **target)

    def context(self) -> OpenContext:
        return OpenContext("primary (gcp)", self.environ, Path)


@contextmanager
def home(path: Path) -> Iterator[Home]:
    """The home, with its token services running."""
    with GoogleTokens() as tokens:
        yield Home(path, tokens)


@contextmanager
def machine(home: Home, **about: Any) -> Iterator[MetadataServer]:
    """The home is on a machine of Google's."""
    with ExitStack() as stack:
        made = stack.enter_context(MetadataServer(home.tokens.registry, **about))
        home.environ.pop("NO_GCE_CHECK", None)
        home.environ.update(made.environ)
        yield made


async def keep(fake: SecretManager, name: str) -> None:
    """A secret, by somebody who may do everything."""
    driver = opened(fake.address)
    await driver.create(name, SecretValue("v"), Attributes())
    await driver.close()
