"""Drivers on the apiserver that runs here, for tests."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from skykeep.interfaces.provider import OpenContext
from skykeep.interfaces.secret_driver import Attributes
from skykeep.providers.kubernetes.secrets import KubernetesSecrets, open_secrets
from skykeep.providers.kubernetes.settings import KubernetesSettings
from tests.peers.faults import FaultProxy
from tests.peers.kube import Kube

NOTHING = Attributes()


def settings(**keys: Any) -> KubernetesSettings:
    """Settings, checked as those of a file are."""
    return msgspec.convert({"backend": "kubernetes", **keys}, KubernetesSettings)


def context(environ: dict[str, str] | None = None) -> OpenContext:
    """What a target is opened with."""
    return OpenContext("primary (kubernetes)", environ or {}, Path)


async def opened(kube: Kube, directory: Path, namespace: str, **keys: Any) -> KubernetesSecrets:
    """A driver over a namespace, with the administrator's token or that of ``token``."""
    file = directory / "token"
    file.write_text(keys.pop("token", kube.token), encoding="ascii")
    given = {
        "endpoint": kube.address,
        "token_file": str(file),
        "namespace": namespace,
        "tls": {"ca": str(kube.ca)},
        **keys,
    }
    return await open_secrets(settings(**given), context())


@contextmanager
def before(kube: Kube) -> Iterator[FaultProxy]:
    """A proxy that goes wrong on demand, plain HTTP towards the driver."""
    trust = ssl.create_default_context(cafile=kube.ca)
    with FaultProxy(kube.address, trust=trust) as proxy:
        yield proxy


def secret(kube: Kube, namespace: str, name: str) -> dict[str, Any]:
    """A Secret as the server has it."""
    return kube.call("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
