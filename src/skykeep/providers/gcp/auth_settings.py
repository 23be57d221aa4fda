"""What a configuration may say of Google credentials."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from skykeep.settings.model import NonEmpty

CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"
"""The scope that Secret Manager asks for (its methods' pages, "Authorization scopes")."""

_ACCOUNT = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9.-]+|[0-9]{1,30}")


class AuthEndpoints(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where Google's services beside Secret Manager are, if not at their own addresses: for
    Private Service Connect, for a regional endpoint, for tests.

    Attributes:
        oauth2: instead of https://oauth2.googleapis.com.
        sts: instead of https://sts.googleapis.com.
        iamcredentials: instead of https://iamcredentials.googleapis.com.
        cloudresourcemanager: instead of https://cloudresourcemanager.googleapis.com.
    """

    oauth2: NonEmpty | None = None
    sts: NonEmpty | None = None
    iamcredentials: NonEmpty | None = None
    cloudresourcemanager: NonEmpty | None = None


class AuthSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose credentials are used. They are named, by file, and never written here.

    Attributes:
        method: ``default`` is Google's own order: GOOGLE_APPLICATION_CREDENTIALS, what
            ``gcloud auth application-default login`` left, the metadata server; ``file`` is
            credentials_file; ``metadata`` the metadata server alone; ``gcloud`` the account
            that the gcloud command is logged in with.
        credentials_file: a service account's key, or a configuration of workload identity
            federation; goes before GOOGLE_APPLICATION_CREDENTIALS.
        impersonate: the service account to act as: its e-mail.
        delegates: the service accounts in between, in their order, each allowed to make
            tokens for the next.
        quota_project: the project whose quota is used; by default GOOGLE_CLOUD_QUOTA_PROJECT,
            then what the credentials say.
        scopes: what tokens are asked for.
        endpoints: other addresses of Google's services beside Secret Manager.
    """

    method: Literal["default", "file", "metadata", "gcloud"] = "default"
    credentials_file: NonEmpty | None = None
    impersonate: NonEmpty | None = None
    delegates: tuple[NonEmpty, ...] = ()
    quota_project: NonEmpty | None = None
    scopes: tuple[NonEmpty, ...] = (CLOUD_PLATFORM,)
    endpoints: AuthEndpoints = AuthEndpoints()

    def __post_init__(self) -> None:
        if self.method == "file" and not self.credentials_file:
            raise ValueError("auth.method: file needs auth.credentials_file")
        if self.credentials_file and self.method not in {"default", "file"}:
            raise ValueError(f"auth.credentials_file is not for the method '{self.method}'")
        if self.delegates and not self.impersonate:
            raise ValueError("auth.delegates needs auth.impersonate, where they lead to")
        for account in (*((self.impersonate,) if self.impersonate else ()), *self.delegates):
            if not _ACCOUNT.fullmatch(account):
                # It becomes part of a path.
                raise ValueError(f"'{account}' is not the e-mail of a service account")
        if not self.scopes:
            raise ValueError(
                "auth.scopes is not empty; leave it out for the one that is needed"
            )
