"""The fixtures, and the last lines of a run: which server each test had, and which had none.

``tests/conftest.py`` makes it known to every test.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from tests.peers import aws, azure, blob, cloud_storage, google, places, s3, web_identity
from tests.peers import kube as kubernetes
from tests.peers import openbao as vaults
from tests.peers.certificates import Authority
from tests.peers.openbao_durable import Durable, durable
from tests.peers.peer import (
    AZURITE,
    CLOUD_KMS,
    FAKE_GCS,
    KEY_VAULT,
    KUBE,
    MICROBURST,
    MINISTACK,
    MOTO,
    MOTO_MENDED,
    OPENBAO,
    PEERS,
    SEAWEEDFS,
    SEAWEEDFS_S3,
    SECRET_MANAGER,
    Peer,
    Server,
)
from tests.peers.starting import NotStarted, tail

# Which peers stand behind a fixture.
FIXTURES: Mapping[str, tuple[Peer, ...]] = {
    "moto": (MOTO,),
    "moto_mended": (MOTO_MENDED,),
    "ministack": (MINISTACK,),
    "microburst": (MICROBURST, MOTO),
    "seaweedfs": (SEAWEEDFS,),
    "seaweedfs_s3": (SEAWEEDFS_S3,),
    "fake_gcs": (FAKE_GCS,),
    "openbao": (OPENBAO,),
    "key_vault": (KEY_VAULT,),
    "azurite": (AZURITE,),
    "azurite_tls": (AZURITE,),
    "kube": (KUBE,),
    "openbao_sealable": (OPENBAO,),
    "openbao_durable": (OPENBAO,),
    "openbao_tls": (OPENBAO,),
    "secret_manager": (SECRET_MANAGER,),
    "secret_manager_tls": (SECRET_MANAGER,),
    "cloud_kms": (CLOUD_KMS,),
}
PROPERTY = "peer"

Factory = pytest.TempPathFactory
T = TypeVar("T")


# -- the servers


@pytest.fixture(scope="session")
def moto(tmp_path_factory: Factory) -> Iterator[Server]:
    """AWS: takes any credentials and signatures."""
    with elsewhere(MOTO) or local(MOTO, aws.moto(place(tmp_path_factory, "moto"))) as server:
        yield server


@pytest.fixture(scope="session")
def moto_mended(tmp_path_factory: Factory) -> Iterator[Server]:
    """AWS for the conformance suite: moto with its departures from AWS mended."""
    directory = place(tmp_path_factory, "moto-mended")
    with local(MOTO_MENDED, aws.moto_mended(directory)) as server:
        yield server


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: Factory) -> Iterator[Server]:
    """AWS: checks signatures, for the key `aws.ACCESS_KEY`; has IMDSv2."""
    running = aws.ministack(place(tmp_path_factory, "ministack"))
    with elsewhere(MINISTACK) or local(MINISTACK, running) as server:
        yield server


@pytest.fixture(scope="session")
def microburst(moto: Server, tmp_path_factory: Factory) -> Iterator[aws.Microburst]:
    """A proxy before moto, with AWS's errors. A test clears its rules itself."""
    directory = place(tmp_path_factory, "microburst")
    named = elsewhere(MICROBURST)
    if named is not None:
        with named as server:
            yield aws.Microburst(server)
        return
    with local(MICROBURST, aws.microburst(moto, directory)) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: Factory) -> Iterator[web_identity.WebIdentity]:
    """STS: verifies web identity tokens, which the same object issues."""
    directory = place(tmp_path_factory, "seaweedfs")
    with local(SEAWEEDFS, web_identity.seaweedfs(directory)) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs_s3(tmp_path_factory: Factory) -> Iterator[s3.S3]:
    """S3: checks signatures. Tests share it: `s3.S3.new_bucket` for one's own."""
    with local(SEAWEEDFS_S3, s3.seaweedfs_s3(place(tmp_path_factory, "s3"))) as server:
        yield server


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: Factory) -> Iterator[cloud_storage.FakeGcs]:
    """Cloud Storage: takes any credentials. Tests share it: a bucket or prefix of one's own."""
    running = cloud_storage.fake_gcs(place(tmp_path_factory, "fake-gcs"))
    with local(FAKE_GCS, running) as server:
        yield server


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: Factory) -> Iterator[vaults.OpenBao]:
    """Vault, unsealed. Tests share it: mount and name afresh, never seal it.

    One that runs elsewhere needs a root token, too: ``SKYKEEP_TEST_OPENBAO_TOKEN``.
    """
    named = elsewhere(OPENBAO)
    if named is not None:
        with named as server:
            yield vaults.OpenBao(server, os.environ[f"{OPENBAO.variable}_TOKEN"])
        return
    with local(OPENBAO, vaults.development(place(tmp_path_factory, "openbao"))) as vault:
        yield vault


@pytest.fixture(scope="session")
def openbao_sealable(tmp_path_factory: Factory) -> Iterator[vaults.OpenBao]:
    """Vault, to be sealed and unsealed. A test leaves it unsealed. Always a local one."""
    directory = place(tmp_path_factory, "openbao-sealable")
    with local(OPENBAO, vaults.sealable(directory)) as vault:
        yield vault


@pytest.fixture(scope="session")
def openbao_durable(tmp_path_factory: Factory) -> Iterator[Durable]:
    """Vault on a disk, to be killed and started again. A test leaves it running, unsealed."""
    with local(OPENBAO, durable(place(tmp_path_factory, "openbao-durable"))) as vault:
        yield vault


@pytest.fixture(scope="session")
def openbao_tls(tmp_path_factory: Factory, authority: Authority) -> Iterator[vaults.OpenBao]:
    """Vault over TLS, with a certificate of `authority`. Always a local one."""
    directory = place(tmp_path_factory, "openbao-tls")
    with local(OPENBAO, vaults.behind_tls(directory, authority)) as vault:
        yield vault


@pytest.fixture(scope="session")
def key_vault(tmp_path_factory: Factory, authority: Authority) -> Iterator[azure.KeyVaults]:
    """Azure Key Vault: a fake of ours. Tests share it; `azure.KeyVaults.new` for one's own."""
    directory = place(tmp_path_factory, "key-vault")
    with local(KEY_VAULT, azure.key_vault(directory, authority)) as vaults:
        yield vaults


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: Factory) -> Iterator[blob.Azurite]:
    """Azure Blob Storage: checks keys and signatures. Tests share it: `new_container`."""
    with local(AZURITE, blob.azurite(place(tmp_path_factory, "azurite"))) as server:
        yield server


@pytest.fixture(scope="session")
def azurite_tls(tmp_path_factory: Factory, authority: Authority) -> Iterator[blob.Azurite]:
    """The same over TLS, with a certificate of `authority`; takes Entra's tokens, too."""
    directory = place(tmp_path_factory, "azurite-tls")
    with local(AZURITE, blob.azurite(directory, authority)) as server:
        yield server


@pytest.fixture(scope="session")
def secret_manager(tmp_path_factory: Factory) -> Iterator[google.SecretManager]:
    """A fake of ours. Tests share it: they name afresh and end with `SecretManager.settle`."""
    directory = place(tmp_path_factory, "secret-manager")
    with local(SECRET_MANAGER, google.secret_manager(directory)) as fake:
        yield fake


@pytest.fixture(scope="session")
def secret_manager_tls(
    tmp_path_factory: Factory, authority: Authority
) -> Iterator[google.SecretManager]:
    """The same fake over TLS, with a certificate of `authority`."""
    directory = place(tmp_path_factory, "secret-manager-tls")
    with local(SECRET_MANAGER, google.secret_manager(directory, authority.issue())) as fake:
        yield fake


@pytest.fixture(scope="session")
def cloud_kms(tmp_path_factory: Factory) -> Iterator[google.CloudKms]:
    """A fake of ours. Tests share it: a key ring of one's own, and `settle` at the end."""
    directory = place(tmp_path_factory, "cloud-kms")
    with local(CLOUD_KMS, google.cloud_kms(directory)) as fake:
        yield fake


@pytest.fixture(scope="session")
def kube(tmp_path_factory: Factory, authority: Authority) -> Iterator[kubernetes.Kube]:
    """Kubernetes's API server. Tests share it: a namespace of its own for each."""
    directory = place(tmp_path_factory, "kube")
    with local(KUBE, kubernetes.api_server(directory, authority)) as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: Factory) -> Authority:
    """A certificate authority that nobody trusts."""
    return Authority(place(tmp_path_factory, "authority"))


# -- one that runs elsewhere, a local one, or none


def elsewhere(peer: Peer) -> AbstractContextManager[Server] | None:
    """The one whose address is in the environment, if any."""
    address = peer.elsewhere()
    return nullcontext(Server(peer, address)) if address else None


@contextmanager
def local(peer: Peer, server: AbstractContextManager[T]) -> Iterator[T]:
    """One that is started here; or no test: skipped, and failed where the peer is required."""
    reason = places.missing(peer)
    if reason is not None:
        without(peer, reason)
    with ExitStack() as stack:
        try:
            running = stack.enter_context(server)
        except NotStarted as failure:
            pytest.fail(str(failure), pytrace=False)
        yield running


def without(peer: Peer, reason: str) -> NoReturn:
    text = f"peer {peer.name}: absent: {reason}"
    if places.required(peer):
        pytest.fail(f"{text} (it is required here, and absent.toml does not name it)", False)
    pytest.skip(text)


def place(factory: Factory, name: str) -> Path:
    """A directory for a server's files and its log."""
    return factory.mktemp(name)


# -- what is said of them


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note with each test which peers it uses; the note travels with its report.

    It uses those whose fixtures it names, itself or through others; or by a parameter, for
    tests that ask for a fixture when they run.
    """
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        named = [value for value in parameters if isinstance(value, str)]
        for peer in used([*getattr(item, "fixturenames", ()), *named]):
            item.user_properties.append((PROPERTY, peer.name))


def used(fixtures: Iterable[str]) -> list[Peer]:
    """The peers behind these fixtures, each once."""
    found = [peer for name in fixtures for peer in FIXTURES.get(name, ())]
    return list(dict.fromkeys(found))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that failed shows the end of its servers' logs."""
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    if not report.failed:
        return
    arguments = getattr(item, "funcargs", {})
    for value in list(arguments.values()):
        server = getattr(value, "server", value)
        if isinstance(server, Server) and server.log is not None:
            title = f"end of the log of {server.peer.name}"
            report.sections.append((title, tail(server.log)))


class Tally:
    """Counts, in the process that reports, what became of the tests of each peer."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        names = [str(value) for key, value in report.user_properties if key == PROPERTY]
        if report.when == "call" and not report.skipped:
            self.ran.update(names)
        if report.failed:
            self.failed.update(names)
        elif report.skipped:
            self.skipped.update(names)
            said = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            for name in names:
                _, found, reason = said.partition(f"peer {name}: absent: ")
                if found:
                    self.reasons[name] = reason

    def lines(self) -> list[str]:
        """One for each peer that a test asked for, in the order of `PEERS`."""
        asked = self.ran + self.failed + self.skipped
        return [f"peers: {self.line(peer)}" for peer in PEERS.values() if asked[peer.name]]

    def line(self, peer: Peer) -> str:
        name = peer.name
        counts = [f"{self.ran[name]} tests"]
        counts += [f"{self.failed[name]} failed"] if self.failed[name] else []
        counts += [f"{self.skipped[name]} skipped"] if self.skipped[name] else []
        if name in self.reasons:
            return f"{name} ({peer.service}): absent: {self.reasons[name]}: {', '.join(counts)}"
        return f"{name} {version(peer)} ({peer.service}): {', '.join(counts)}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.lines():
            terminalreporter.write_line(line)


def version(peer: Peer) -> str:
    """Of the local one; where another one was named, its address."""
    address = peer.elsewhere()
    found = places.version(peer)
    if peer.ours and found is not None:
        return f"with {peer.package} {found}"
    return f"at {address}" if address else found or "of no known version"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Tally(), "skykeep-peers")
