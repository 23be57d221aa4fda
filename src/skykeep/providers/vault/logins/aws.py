"""AWS IAM: a signed ``GetCallerIdentity``, which Vault sends to STS itself (Vault
``website/content/docs/auth/aws.mdx``, "IAM auth method"; ``api-docs/auth/aws.mdx``, "Login").

The request that Vault is handed says who signed it and gives no rights. Its secret key never
leaves this host. The keys come from botocore's chain, which blocks: it runs in a thread.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Final

import msgspec

from skykeep.errors import ConfigError, MissingExtra, SkykeepError, Unauthenticated
from skykeep.providers.vault.settings import AuthSettings
from skykeep.providers.vault.tokens import Send, Token, log_in

BODY: Final = "Action=GetCallerIdentity&Version=2011-06-15"
CONTENT: Final = "application/x-www-form-urlencoded; charset=utf-8"
SERVER_ID: Final = "X-Vault-AWS-IAM-Server-ID"
REGION: Final = "us-east-1"  # of the global endpoint, which Vault asks unless told otherwise


class AwsIam:
    """``region``: the target's; without one the global endpoint of STS is signed for."""

    def __init__(self, auth: AuthSettings, mount: str, region: str | None) -> None:
        self._path = f"auth/{mount}/login"
        self._role = auth.role
        self._server_id = auth.server_id
        self._region = region
        self.source = f"AWS IAM as role '{auth.role}' at auth/{mount}"

    async def token(self, send: Send) -> Token:
        """Logs in with a request that is signed now; STS takes it for a quarter of an hour."""
        loop = asyncio.get_running_loop()
        signed = await loop.run_in_executor(None, self._signed)
        return await log_in(send, self._path, {"role": self._role, **signed}, self.source)

    def _signed(self) -> Mapping[str, str]:
        """Raises ``MissingExtra``, ``Unauthenticated``."""
        failure: SkykeepError
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.exceptions import BotoCoreError
            from botocore.session import Session
        except ModuleNotFoundError:
            raise MissingExtra(
                "botocore, which finds AWS credentials, is not installed",
                hint="install it: pip install --upgrade 'skykeep[aws]'",
            ) from None
        host = "sts.amazonaws.com"
        if self._region:
            host = f"sts.{self._region}.amazonaws.com"
            host += ".cn" if self._region.startswith("cn-") else ""
        headers = {"Content-Type": CONTENT, "Host": host}
        if self._server_id:
            headers[SERVER_ID] = self._server_id
        url = f"https://{host}/"
        try:
            keys = Session().get_credentials()
            if keys is not None:
                request = AWSRequest("POST", url, data=BODY, headers=headers)
                signer = SigV4Auth(keys.get_frozen_credentials(), "sts", self._region or REGION)
                signer.add_auth(request)
                return {
                    "iam_http_request_method": "POST",
                    "iam_request_url": _coded(url.encode()),
                    "iam_request_body": _coded(BODY.encode()),
                    "iam_request_headers": _coded(msgspec.json.encode(dict(request.headers))),
                }
            failure = Unauthenticated(
                "there are no AWS credentials to log in to Vault with",
                hint="AWS's own places are looked in: variables, profiles, the instance's role",
            )
        except BotoCoreError as error:
            # Their texts name profiles, files and addresses, and no keys.
            failure = ConfigError(
                f"AWS's credentials for the login to Vault were not found: "
                f"{type(error).__name__}",
                hint="'aws sts get-caller-identity' says more",
            )
        raise failure


def _coded(data: bytes) -> str:
    return base64.b64encode(data).decode()
