"""What a configuration may say of a Vault or OpenBao target."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from skykeep.errors import Invalid
from skykeep.providers.vault.names import check_mount, check_prefix
from skykeep.providers.vault.transit_names import check_key_prefix
from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

Method = Literal["token", "approle", "kubernetes", "jwt", "ldap", "userpass", "aws", "cert"]

KEYS: Final = {
    "token": {"token_file"},
    "approle": {
        "mount",
        "role_id_file",
        "role_id_env",
        "secret_id_file",
        "secret_id_env",
        "secret_id_wrapped",
        "secret_id_path",
    },
    "kubernetes": {"mount", "role", "jwt_file", "jwt_env"},
    "jwt": {"mount", "role", "jwt_file", "jwt_env"},
    "ldap": {"mount", "username", "password_file", "password_env"},
    "userpass": {"mount", "username", "password_file", "password_env"},
    "aws": {"mount", "role", "server_id"},
    "cert": {"mount", "role"},
}
"""Which of the keys a method has."""


class AuthSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How to log in. Credentials are named, by file or variable, and never written here.

    Attributes:
        method: ``token`` takes the token that the vault command would: VAULT_TOKEN, then
            ~/.vault-token.
        mount: where the method is mounted, without auth/; by default its own name.
        role: the role of kubernetes, jwt, aws and cert; jwt and cert have defaults of theirs.
        token_file: the file of the token, such as the sink of an agent, instead of those.
        role_id_file: file of an AppRole's role id.
        role_id_env: or the variable that holds it; by default VAULT_ROLE_ID.
        secret_id_file: file of its secret id.
        secret_id_env: or the variable that holds it; by default VAULT_SECRET_ID.
        secret_id_wrapped: that is a token that the secret id is wrapped in, good once.
        secret_id_path: where a wrapped secret id must have been made; by default anywhere in
            auth/MOUNT/role/.
        jwt_file: file of the token that kubernetes or jwt is shown, read at each login; for
            kubernetes by default that of the service account.
        jwt_env: or the variable that holds it.
        username: of ldap and userpass.
        password_file: file of the password.
        password_env: or the variable that holds it; by default VAULT_PASSWORD.
        server_id: what aws has as its X-Vault-AWS-IAM-Server-ID, if it has one.
    """

    method: Method = "token"
    mount: NonEmpty | None = None
    role: NonEmpty | None = None
    token_file: NonEmpty | None = None
    role_id_file: NonEmpty | None = None
    role_id_env: NonEmpty | None = None
    secret_id_file: NonEmpty | None = None
    secret_id_env: NonEmpty | None = None
    secret_id_wrapped: bool = False
    secret_id_path: NonEmpty | None = None
    jwt_file: NonEmpty | None = None
    jwt_env: NonEmpty | None = None
    username: NonEmpty | None = None
    password_file: NonEmpty | None = None
    password_env: NonEmpty | None = None
    server_id: NonEmpty | None = None

    def __post_init__(self) -> None:
        for key in self.__struct_fields__:
            if key != "method" and getattr(self, key) and key not in KEYS[self.method]:
                raise ValueError(f"auth.{key} is not for the method '{self.method}'")
        for stem in ("role_id", "secret_id", "jwt", "password"):
            if getattr(self, f"{stem}_file") and getattr(self, f"{stem}_env"):
                raise ValueError(f"give auth.{stem}_file or auth.{stem}_env, not both")
        if self.method in {"ldap", "userpass"} and not self.username:
            raise ValueError(f"auth.username is needed for the method '{self.method}'")
        if self.method in {"kubernetes", "aws"} and not self.role:
            raise ValueError(f"auth.role is needed for the method '{self.method}'")
        if self.method == "jwt" and not (self.jwt_file or self.jwt_env):
            raise ValueError("the method 'jwt' needs auth.jwt_file or auth.jwt_env")
        if self.secret_id_path and not self.secret_id_wrapped:
            raise ValueError("auth.secret_id_path is for a wrapped secret id")
        try:
            check_mount(self.mount or self.method)
        except Invalid as error:
            raise ValueError(error.message) from None


class VaultSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A key-value engine of one server, and its transit engine for keys.

    Attributes:
        address: the server, ``https://vault.example:8200``; the same as endpoint. By default
            what ``VAULT_ADDR`` says.
        namespace: of Vault Enterprise and OpenBao; by default what ``VAULT_NAMESPACE`` says.
        mount: where the engine is mounted.
        kv: its version; ``auto`` asks the server when the target is opened.
        keep_versions: how many versions of a secret the engine is told to keep when skykeep
            creates one, 1 to 1,000; by default the mount's own number.
        transit_mount: where the transit engine is mounted, which keeps keys.
        keys_prefix: put before the name of every key and taken off again.
        auth: how to log in.
    """

    address: NonEmpty | None = None
    namespace: NonEmpty | None = None
    mount: NonEmpty = "secret"
    kv: Literal[1, 2, "auto"] = "auto"
    keep_versions: int | None = None
    transit_mount: NonEmpty = "transit"
    keys_prefix: str | None = None
    auth: AuthSettings = AuthSettings()

    def __post_init__(self) -> None:
        if self.address and self.endpoint:
            raise ValueError("give address or endpoint: they mean the same")
        if self.keep_versions is not None and not 1 <= self.keep_versions <= 1000:
            raise ValueError("keep_versions is 1 to 1000")
        try:
            check_mount(self.mount)
            check_mount(self.transit_mount)
            check_key_prefix(self.keys_prefix or "")
            check_prefix(self.secret_prefix or "")
        except Invalid as error:
            raise ValueError(error.message) from None
