"""AWS's ``GetCallerIdentity``, signed, as Google's Security Token Service is shown it.

The token is a request that Google would send to AWS: JSON, percent-encoded, with ``url``,
``method`` and ``headers``; it is bound to the provider by the signed header
``x-goog-cloud-target-resource`` ("Obtaining short-lived credentials with identity federation",
AWS). The signature is checked with botocore's own signer.
"""

from __future__ import annotations

import hmac
import json
import re
from urllib.parse import unquote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AUTHORIZATION = re.compile(
    "AWS4-HMAC-SHA256 Credential=([^/]+)/[0-9]{8}/([^/]+)/sts/aws4_request, "
    "SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)


class AwsAccounts:
    """Access key id -> secret access key and the ARN of whose key it is."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[str, str]] = {}

    def arn(self, token: str, resource: str) -> str | None:
        """Who signed the request; None if it is not signed for the resource, or not well."""
        sent = json.loads(unquote(token))
        headers = {each["key"].lower(): each["value"] for each in sent["headers"]}
        found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        right = sent["method"] == "POST" and "Action=GetCallerIdentity" in sent["url"]
        if found is None or not right or found[1] not in self.keys:
            return None
        access, region, names, signature = found.groups()
        if headers.get("x-goog-cloud-target-resource") != resource:
            return None
        secret, arn = self.keys[access]
        signer = SigV4Auth(Credentials(access, secret), "sts", region)
        signed = {name: headers[name] for name in names.split(";")}
        request = AWSRequest("POST", sent["url"], headers=signed)
        request.context["timestamp"] = headers["x-amz-date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return arn if hmac.compare_digest(signer.signature(text, request), signature) else None
