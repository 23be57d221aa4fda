"""The ways to log in, one file each; here is which one a configuration means."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from skykeep.providers.vault.settings import VaultSettings
from skykeep.providers.vault.tokens import GivenToken, Login


def login_of(settings: VaultSettings, environ: Mapping[str, str]) -> Login:
    """The login that the settings say, by default the token that the vault command uses.

    Reads nothing. Raises ``ConfigError`` for a method whose conditions are not met.
    """
    auth = settings.auth
    mount = quote((auth.mount or auth.method).strip("/"), safe="/-._~")
    match auth.method:
        case "approle":
            from skykeep.providers.vault.logins.approle import AppRole

            return AppRole(auth, mount, environ)
        case "kubernetes" | "jwt":
            from skykeep.providers.vault.logins.jwt import Jwt

            return Jwt(auth, mount, environ)
        case "ldap" | "userpass":
            from skykeep.providers.vault.logins.password import Password

            return Password(auth, mount, environ)
        case "aws":
            from skykeep.providers.vault.logins.aws import AwsIam

            return AwsIam(auth, mount, settings.region)
        case "cert":
            from skykeep.providers.vault.logins.cert import Certificate

            return Certificate(auth, mount)
        case "token":
            return GivenToken(environ, auth.token_file)
