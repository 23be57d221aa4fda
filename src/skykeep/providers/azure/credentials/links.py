"""Which ways to log in a configuration means, with what the environment says.

Variables and their order: azure-identity 1.27 ``_constants.py``, ``_credentials/default.py``,
``environment.py``, ``workload_identity.py``. Left out of the order: what is on Windows only
(the shared token cache, the broker), Visual Studio Code, and user names with passwords, which
Azure no longer wants.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from skykeep.errors import ConfigError
from skykeep.interfaces.references import Reference
from skykeep.providers.azure.auth_settings import AuthSettings
from skykeep.providers.azure.credentials.by_library import LIMITS, PATIENCE, LibraryLink
from skykeep.providers.azure.credentials.chain import Absent, Chain
from skykeep.providers.azure.credentials.entra import (
    Authority,
    ClientSecret,
    Tenants,
    WorkloadIdentity,
)
from skykeep.providers.azure.credentials.managed import ManagedIdentity, place_of
from skykeep.providers.azure.credentials.tokens import Link
from skykeep.providers.azure.settings import AzureSettings
from skykeep.providers.wire import Wire, WireOptions
from skykeep.settings.remote import TlsSettings

AZURE_TENANT_ID: Final = "AZURE_TENANT_ID"
AZURE_CLIENT_ID: Final = "AZURE_CLIENT_ID"
AZURE_CLIENT_SECRET: Final = "AZURE_CLIENT_SECRET"  # noqa: S105  (the name of a variable)
AZURE_CLIENT_CERTIFICATE_PATH: Final = "AZURE_CLIENT_CERTIFICATE_PATH"
AZURE_CLIENT_CERTIFICATE_PASSWORD: Final = "AZURE_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105  (as above)
AZURE_CLIENT_SEND_CERTIFICATE_CHAIN: Final = "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"
AZURE_FEDERATED_TOKEN_FILE: Final = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105  (as above)
AZURE_AUTHORITY_HOST: Final = "AZURE_AUTHORITY_HOST"
AZURE_TOKEN_CREDENTIALS: Final = "AZURE_TOKEN_CREDENTIALS"  # noqa: S105  (as above)
AZURE_DISABLE_MULTITENANT: Final = "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH"

PROBE: Final = 1.0
"""Seconds for a connection to IMDS where it may not be there; as azure-identity's probe
(``_credentials/imds.py``)."""
LOCAL_EXCHANGE: Final = 15.0
"""Seconds for an answer of a host's own endpoint, which may ask Entra first."""

DEPLOYED: Final = ("environment", "workload_identity", "managed_identity")
TOOLS: Final = ("cli", "powershell", "azd")
ORDER: Final = DEPLOYED + TOOLS
NAMED: Final = {
    "environmentcredential": ("environment",),
    "workloadidentitycredential": ("workload_identity",),
    "managedidentitycredential": ("managed_identity",),
    "azureclicredential": ("cli",),
    "azurepowershellcredential": ("powershell",),
    "azuredeveloperclicredential": ("azd",),
    "prod": DEPLOYED,
    "dev": TOOLS,
}
"""What AZURE_TOKEN_CREDENTIALS may say, in lower case."""
COMMANDS: Final = {"cli": ("az",), "powershell": ("pwsh", "powershell"), "azd": ("azd",)}
TITLES: Final = {
    "cli": "the Azure CLI (az login)",
    "powershell": "Azure PowerShell (Connect-AzAccount)",
    "azd": "the Azure Developer CLI (azd auth login)",
}


def link_of(settings: AzureSettings, environ: Mapping[str, str], target: str) -> Link:
    """The way to log in that the settings say. Asks nobody. Raises ``ConfigError``."""
    return Links(settings, environ, target).chain()


class Links:
    """Makes the links of one target."""

    def __init__(
        self, settings: AzureSettings, environ: Mapping[str, str], target: str
    ) -> None:
        self.auth: AuthSettings = settings.auth
        self.environ = environ
        self.target = target
        self._connect = settings.connect_timeout_seconds
        allowed = [*self.auth.allowed_tenants, *([settings.tenant] if settings.tenant else [])]
        if environ.get(AZURE_DISABLE_MULTITENANT, "").lower() == "true":
            allowed = []
        self._tenants = Tenants(allowed)
        self._home = (
            self.auth.tenant or environ.get(AZURE_TENANT_ID, "") or settings.tenant or ""
        )
        self.authority = self.auth.authority or environ.get(AZURE_AUTHORITY_HOST, "")
        if not self.authority:
            self.authority = settings.home.authority
        if "://" not in self.authority:
            self.authority = f"https://{self.authority}"
        self.authority = self.authority.rstrip("/")

    def chain(self) -> Chain:
        """The links of the configured method, in their order. Raises ``ConfigError``."""
        method = self.auth.method
        if method != "default":
            return Chain([self._link(method, in_chain=False)])
        return Chain([self._link(each, in_chain=True) for each in self._order()])

    def _order(self) -> Sequence[str]:
        wanted = self.environ.get(AZURE_TOKEN_CREDENTIALS, "").strip().lower()
        if not wanted:
            return ORDER
        if wanted not in NAMED:
            raise ConfigError(
                f"{AZURE_TOKEN_CREDENTIALS} names no way to log in that is known here",
                hint="it is dev, prod, or the name of one of Azure's credentials",
            )
        return NAMED[wanted]

    def _link(self, method: str, *, in_chain: bool) -> Link:
        match method:
            case "environment":
                return self._environment()
            case "client_secret":
                return self._secret()
            case "certificate":
                return self._certificate()
            case "workload_identity":
                return self._workload(in_chain=in_chain)
            case "managed_identity":
                return self._managed(in_chain=in_chain)
            case _:
                return self._tool(method, in_chain=in_chain)

    # -- applications

    def _environment(self) -> Link:
        """A service principal that variables name whole."""
        name = "environment"
        missing = [
            one for one in (AZURE_TENANT_ID, AZURE_CLIENT_ID) if not self.environ.get(one)
        ]
        if self.environ.get(AZURE_CLIENT_SECRET) and not missing:
            return self._secret(environment=True)
        if self.environ.get(AZURE_CLIENT_CERTIFICATE_PATH) and not missing:
            return self._certificate(environment=True)
        missing.append(f"{AZURE_CLIENT_SECRET} or {AZURE_CLIENT_CERTIFICATE_PATH}")
        return Absent(name, f"{', '.join(missing)} not set")

    def _application(self, *, environment: bool = False) -> tuple[str, str]:
        """Tenant and client id. Raises ``ConfigError``."""
        variables = self.environ.get(AZURE_TENANT_ID, ""), self.environ.get(AZURE_CLIENT_ID, "")
        if environment:
            return variables
        client_id = self.auth.client_id or variables[1]
        for value, key, variable in (
            (self._home, "tenant", AZURE_TENANT_ID),
            (client_id, "client_id", AZURE_CLIENT_ID),
        ):
            if not value:
                raise ConfigError(
                    f"the method '{self.auth.method}' needs auth.{key}, or {variable}",
                )
        return self._home, client_id

    def _secret(self, *, environment: bool = False) -> Link:
        file = None if environment else self.auth.client_secret_file
        variable = None if environment else self.auth.client_secret_env
        secret = Reference(
            "a client secret", file, variable or AZURE_CLIENT_SECRET, self.environ, "Azure"
        )
        application = self._application(environment=environment)
        return ClientSecret(self._authority(), self._tenants, *application, secret)

    def _workload(self, *, in_chain: bool) -> Link:
        file = self.auth.federated_token_file or self.environ.get(AZURE_FEDERATED_TOKEN_FILE)
        if in_chain:
            client_id = self.auth.client_id or self.environ.get(AZURE_CLIENT_ID)
            missing = [
                variable
                for variable, value in (
                    (AZURE_FEDERATED_TOKEN_FILE, file),
                    (AZURE_TENANT_ID, self._home),
                    (AZURE_CLIENT_ID, client_id),
                )
                if not value
            ]
            if missing:
                return Absent("workload identity", f"{', '.join(missing)} not set")
        if not file:
            raise ConfigError(
                "the method 'workload_identity' needs auth.federated_token_file, or "
                f"{AZURE_FEDERATED_TOKEN_FILE}",
                hint='is the pod labelled azure.workload.identity/use: "true"?',
            )
        assertion = Reference("a federated token", file, "", self.environ, "Azure")
        return WorkloadIdentity(
            self._authority(), self._tenants, *self._application(), assertion
        )

    def _certificate(self, *, environment: bool = False) -> Link:
        auth, environ = self.auth, self.environ
        file = None if environment else auth.certificate_file
        file = file or environ.get(AZURE_CLIENT_CERTIFICATE_PATH)
        if not file:
            raise ConfigError(
                "the method 'certificate' needs auth.certificate_file, or "
                f"{AZURE_CLIENT_CERTIFICATE_PATH}"
            )
        path = str(Path(file).expanduser())
        tenant, client_id = self._application(environment=environment)
        named = auth.certificate_password_file or auth.certificate_password_env
        password = Reference(
            "the certificate's password",
            auth.certificate_password_file,
            auth.certificate_password_env or AZURE_CLIENT_CERTIFICATE_PASSWORD,
            environ,
            "Azure",
        )
        chain = auth.send_certificate_chain or bool(
            environ.get(AZURE_CLIENT_SEND_CERTIFICATE_CHAIN)
        )
        protected = bool(named) or bool(environ.get(AZURE_CLIENT_CERTIFICATE_PASSWORD))

        def make() -> Any:
            from azure.identity import CertificateCredential

            return CertificateCredential(
                tenant,
                client_id,
                path,
                password=password.read() if protected else None,
                send_certificate_chain=chain,
                authority=self.authority,
                # The authority is the one that was configured: nobody else is asked about it.
                disable_instance_discovery=True,
                additionally_allowed_tenants=["*"],  # `Tenants` decides
                connection_verify=self._ca() or True,
                **LIMITS,
            )

        return LibraryLink(
            "certificate",
            f"certificate {file}",
            make,
            file=file,
            home=tenant,
            tenants=self._tenants,
        )

    # -- identities of the host

    def _managed(self, *, in_chain: bool) -> Link:
        auth = self.auth
        if in_chain:
            auth = AuthSettings(
                method="managed_identity",
                client_id=auth.client_id or self.environ.get(AZURE_CLIENT_ID) or None,
            )
        place = place_of(self.environ)
        if isinstance(place, str):
            return LibraryLink(
                "managed identity", f"managed identity ({place})", _platform(auth)
            )
        may_miss = in_chain and self.environ.get(AZURE_TOKEN_CREDENTIALS, "").lower() != (
            "managedidentitycredential"
        )
        if in_chain and place.ids is None:
            auth = AuthSettings(method="managed_identity")
        options = WireOptions(
            allow_http=True,  # the endpoints are the host's own, and speak nothing else
            connect_timeout=PROBE if may_miss and not place.found else self._connect,
            exchange_timeout=LOCAL_EXCHANGE,
        )

        def make(url: str) -> Wire:
            # No proxy leads to what is on this host.
            return Wire(url, options=options, environ={}, extra="azure", name=self.target)

        return ManagedIdentity(place, auth, make, may_miss=may_miss)

    # -- tools

    def _tool(self, method: str, *, in_chain: bool) -> Link:
        commands, path = COMMANDS[method], self.environ.get("PATH")
        title = TITLES[method]
        if not any(shutil.which(command, path=path or "") for command in commands):
            return Absent(commands[0], f"{commands[0]} is not installed")
        options: dict[str, Any] = {
            "process_timeout": PATIENCE,
            "additionally_allowed_tenants": ["*"],  # `Tenants` decides
        }

        def make() -> Any:
            import azure.identity

            kind = {
                "cli": azure.identity.AzureCliCredential,
                "powershell": azure.identity.AzurePowerShellCredential,
                "azd": azure.identity.AzureDeveloperCliCredential,
            }[method]
            return kind(**options)

        return LibraryLink(
            commands[0],
            title,
            make,
            home=self.auth.tenant,
            tenants=self._tenants,
            may_miss=in_chain,
        )

    # -- the way to Entra

    def _authority(self) -> Authority:
        # What Entra promises is TLS 1.2 ("Enable support for TLS 1.2 in your environment",
        # learn.microsoft.com); 1.3 is spoken where it is offered.
        options = WireOptions(
            tls=TlsSettings(minimum="1.2", ca=self.auth.authority_ca),
            connect_timeout=self._connect,
            exchange_timeout=LOCAL_EXCHANGE,
        )

        def make(url: str) -> Wire:
            return Wire(
                url, options=options, environ=self.environ, extra="azure", name=self.target
            )

        return Authority(self.authority, make)

    def _ca(self) -> str | None:
        return self.auth.authority_ca or self.environ.get("SSL_CERT_FILE")


def _platform(auth: AuthSettings) -> Callable[[], Any]:
    """Azure Arc and Service Fabric, by the variables that the library reads itself."""

    def make() -> Any:
        from azure.identity import ManagedIdentityCredential

        config = {
            key: value
            for key, value in (
                ("resource_id", auth.resource_id),
                ("object_id", auth.object_id),
            )
            if value
        }
        return ManagedIdentityCredential(
            client_id=auth.client_id, identity_config=config or None, **LIMITS
        )

    return make
