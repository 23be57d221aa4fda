"""The judges: Google's own clients of Secret Manager and Cloud KMS, for fakes that run here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
from google.cloud import secretmanager_v1
from google.cloud.secretmanager_v1.services.secret_manager_service import transports
from google.oauth2.credentials import Credentials

from tests.peers.google import CloudKms, SecretManager


@contextmanager
def google_client(
    fake: SecretManager, transport: str = "grpc", *, token: str | None = None, ca: bytes = b""
) -> Iterator[Any]:
    """Over "grpc" or "rest", with the token of the fake unless another one is given (an empty
    one for none). With ``ca``, PEM, gRPC speaks TLS. It tries each call once only if the call
    says ``retry=None``."""
    token = fake.token if token is None else token
    if transport == "rest":
        made = _rest(fake, token)
    else:
        made = transports.SecretManagerServiceGrpcTransport(channel=_channel(fake, token, ca))
    with secretmanager_v1.SecretManagerServiceClient(transport=made) as client:
        yield client


def _rest(fake: SecretManager, token: str) -> Any:
    return transports.SecretManagerServiceRestTransport(
        host=fake.address.partition("//")[2],
        url_scheme="http",
        credentials=Credentials(token),  # type: ignore[no-untyped-call]  # it has no types
    )


def _channel(fake: SecretManager, token: str, ca: bytes) -> grpc.Channel:
    if ca:
        secure = grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(ca), grpc.access_token_call_credentials(token)
        )
        return grpc.secure_channel(fake.grpc, secure)
    channel = grpc.insecure_channel(fake.grpc)
    return grpc.intercept_channel(channel, Bearer(token)) if token else channel


@contextmanager
def kms_client(fake: CloudKms, *, token: str | None = None) -> Iterator[Any]:
    """Of Cloud KMS, over "rest", with the token of the fake unless another one is given."""
    # Its messages take their time to be imported, and few tests need them.
    from google.cloud import kms_v1
    from google.cloud.kms_v1.services.key_management_service.transports import (
        KeyManagementServiceRestTransport,
    )

    transport = KeyManagementServiceRestTransport(
        host=fake.keys.partition("//")[2],
        url_scheme="http",
        credentials=Credentials(fake.token if token is None else token),  # type: ignore[no-untyped-call]  # it has no types
    )
    with kms_v1.KeyManagementServiceClient(transport=transport) as client:
        yield client


class Details(NamedTuple):
    """What `grpc.ClientCallDetails` has, which cannot be made."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class Bearer(grpc.UnaryUnaryClientInterceptor):
    """Adds the token: credentials of a call do not go over a channel without TLS."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept_unary_unary(
        self, continuation: Any, client_call_details: Any, request: Any
    ) -> Any:
        metadata = [*(client_call_details.metadata or ())]
        metadata.append(("authorization", f"Bearer {self._token}"))
        details = Details(
            client_call_details.method,
            client_call_details.timeout,
            metadata,
            client_call_details.credentials,
            client_call_details.wait_for_ready,
            client_call_details.compression,
        )
        return continuation(details, request)
