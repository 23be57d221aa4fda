"""Applications log in to Entra by a certificate, which azure-identity signs with."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from skykeep.errors import (
    ConfigError,
    MissingExtra,
    Unauthenticated,
    Unavailable,
)
from tests.peers.fakes.entra import Entra, parts_of
from tests.peers.fakes.key_vault_settings import TENANT
from tests.providers.azure.logins import (
    APPLICATION,
    CERTIFICATE_PASSWORD,
    SCOPE,
    Key,
    Logins,
    certificate,
    pem,
    pfx,
)

pytestmark = pytest.mark.asyncio

OfApplication = tuple[object, Key]


@pytest.fixture(scope="module")
def of_application() -> OfApplication:
    return certificate()


@pytest.mark.parametrize("form", ["pem", "pem with password", "pfx", "pfx with password"])
async def test_a_certificate(
    logins: Logins, entra: Entra, of_application: OfApplication, form: str, tmp_path: Path
) -> None:
    made, key = certificate(of_application[1])
    entra.register(certificates=[made])
    password = CERTIFICATE_PASSWORD if "password" in form else ""
    file = tmp_path / "certificate"
    file.write_bytes((pem if form.startswith("pem") else pfx)(made, key, password))
    environ = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(file)}
    if password:
        environ["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = password
    found = await logins(environ)
    assert await found.token(SCOPE, TENANT) == entra.issued[-1]
    assert found.source == f"certificate {file}"
    assert (await found.current(SCOPE, None)).claims["xms_cc"] == ["CP1"]
    assert "client_secret" not in entra.forms[-1]


async def test_a_certificate_of_the_configuration_with_its_chain(
    logins: Logins, entra: Entra, of_application: OfApplication, tmp_path: Path
) -> None:
    made, key = certificate(of_application[1])
    entra.register(certificates=[made])
    file, password = tmp_path / "certificate", tmp_path / "password"
    file.write_bytes(pem(made, key, CERTIFICATE_PASSWORD))
    password.write_text(CERTIFICATE_PASSWORD)
    keys = {
        "certificate_file": str(file),
        "certificate_password_file": str(password),
        "send_certificate_chain": True,
    }
    assert await logins.token(APPLICATION, "certificate", **keys)
    assert parts_of(entra.forms[-1]["client_assertion"]).head["x5c"]


async def test_a_refused_token_of_a_certificate_is_got_anew(
    logins: Logins, entra: Entra, of_application: OfApplication, tmp_path: Path
) -> None:
    made, key = certificate(of_application[1])
    entra.register(certificates=[made])
    file = tmp_path / "certificate"
    file.write_bytes(pem(made, key))
    found = await logins({**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(file)})
    first = await found.token(SCOPE, None)
    assert await found.another(SCOPE, first, None) == entra.issued[-1] != first


async def test_certificates_that_are_no_good(
    logins: Logins, entra: Entra, of_application: OfApplication, tmp_path: Path
) -> None:
    made, key = certificate(of_application[1])
    file = tmp_path / "certificate"
    environ = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(file)}
    assert str(file) in str(await logins.refusal(Unauthenticated, environ))
    file.write_bytes(pem(made, key))
    error = await logins.refusal(Unauthenticated, environ)
    assert "the certificate is not the application's" in str(error)
    for content in (
        b"nonsense",
        pem(made, key, CERTIFICATE_PASSWORD),
        pem(*certificate(ec.generate_private_key(ec.SECP256R1()))),
    ):
        file.write_bytes(content)
        error = await logins.refusal(Unauthenticated, environ)
        assert "cannot be used" in str(error)
    with pytest.raises(ConfigError, match="AZURE_CLIENT_CERTIFICATE_PATH"):
        await logins(APPLICATION, "certificate")


async def test_entra_is_down_for_the_library(
    logins: Logins, of_application: OfApplication, tmp_path: Path
) -> None:
    file = tmp_path / "certificate"
    file.write_bytes(pem(*certificate(of_application[1])))
    environ = {
        **APPLICATION,
        "AZURE_CLIENT_CERTIFICATE_PATH": str(file),
        "AZURE_AUTHORITY_HOST": "https://127.0.0.1:1",
    }
    await logins.refusal(Unavailable, environ)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The process's own HOME."""
    made = tmp_path / "home"
    made.mkdir()
    monkeypatch.setenv("HOME", str(made))
    return made


def inside(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_nothing_of_the_login_is_logged_or_kept(
    logins: Logins,
    entra: Entra,
    of_application: OfApplication,
    home: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, key = certificate(of_application[1])
    entra.register(certificates=[made])
    file = home.parent / "certificate"
    file.write_bytes(pem(made, key, CERTIFICATE_PASSWORD))
    caplog.set_level(logging.DEBUG)
    environ = {
        **APPLICATION,
        "AZURE_CLIENT_CERTIFICATE_PATH": str(file),
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": CERTIFICATE_PASSWORD,
    }
    token = await logins.token(environ)
    entra.applications.clear()
    await logins.refusal(Unauthenticated, environ)
    for word in (token, CERTIFICATE_PASSWORD, entra.forms[-1]["client_assertion"]):
        assert word not in caplog.text
    assert inside(home) == []


async def test_the_library_is_not_installed(
    logins: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    environ = {**APPLICATION, "AZURE_CLIENT_CERTIFICATE_PATH": str(tmp_path)}
    error = await logins.refusal(MissingExtra, environ)
    assert "skykeep[azure]" in error.hint
