"""Which permissions our operations need, and the smallest roles that give them.

Permissions by method: "Access control with IAM" of Secret Manager, and each method's reference
("Authorization requires the following IAM permission"). Conditions: "Conditions attribute
reference" (resource names have the project's number) and "Manage access with IAM Conditions" of
Secret Manager: what is checked on the project, listing and creating, no condition can bind to a
name. Keys: "Enable customer-managed encryption keys".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from skykeep.interfaces.name_code import encode
from skykeep.providers.gcp.settings import GLOBAL, GcpSettings


@dataclass(frozen=True, slots=True)
class Need:
    """A permission and the operations of ours that need it.

    Attributes:
        permission: as IAM names it.
        operations: ours.
        writes: it belongs to those that change the store.
        on_project: Google checks it on the project, not on a secret.
    """

    permission: str
    operations: tuple[str, ...]
    writes: bool = False
    on_project: bool = False


NEEDS: Final = (
    # A write reads first: without this it would make a version of an unchanged value.
    Need("secretmanager.versions.access", ("secrets.get", "secrets.put", "secrets.update")),
    Need("secretmanager.versions.get", ("secrets.describe", "secrets.move_stage")),
    Need("secretmanager.versions.list", ("secrets.versions",)),
    Need(
        "secretmanager.secrets.get",
        ("secrets.describe", "secrets.versions", "secrets.annotate", "secrets.move_stage"),
    ),
    Need("secretmanager.secrets.list", ("secrets.list",), on_project=True),
    Need("secretmanager.secrets.create", ("secrets.create", "secrets.put"), True, True),
    Need(
        "secretmanager.versions.add", ("secrets.create", "secrets.put", "secrets.update"), True
    ),
    Need("secretmanager.secrets.update", ("secrets.annotate", "secrets.move_stage"), True),
    Need("secretmanager.secrets.delete", ("secrets.delete",), True),
)
NEEDLESS: Final = (
    "secretmanager.secrets.setIamPolicy",
    "secretmanager.versions.destroy",
    "secretmanager.versions.disable",
)
"""What roles/secretmanager.admin and the like allow on a secret along with the rest."""

NEEDLESS_ON_PROJECT: Final = (
    "resourcemanager.projects.setIamPolicy",
    "iam.serviceAccountKeys.create",
    "iam.serviceAccounts.getAccessToken",
)
"""What lets the holder be anybody."""

QUOTA: Final = "serviceusage.services.use"
_RUN = re.compile(r"[_/.]{2,}\Z")
_KEY = re.compile(r"projects/([^/]+)/locations/([^/]+)/keyRings/([^/]+)/cryptoKeys/([^/]+)")


class Scope:
    """The secrets of one target.

    Args:
        settings: the target's.
        project: its id or number; None if nobody has said it yet.
    """

    def __init__(self, settings: GcpSettings, project: str | None) -> None:
        self.settings = settings
        self.project = project or settings.project or "PROJECT"
        self._where = "" if settings.place == GLOBAL else f"/locations/{settings.place}"

    @property
    def begins(self) -> str:
        """What the ids of all secrets under the prefix begin with.

        A mark at the end of the prefix has another code when further marks follow; what is
        sure of that code is taken, so that some names beside the prefix are in it: ``app.x``
        beside ``app/``.
        """
        prefix = self.settings.secret_prefix or ""
        code = encode(prefix)
        return code.removesuffix("_") if _RUN.search(prefix) else code

    def under(self, project: str) -> str:
        """The resource names of these secrets begin so."""
        return f"projects/{project}{self._where}/secrets/{self.begins}"

    @property
    def resource(self) -> str:
        """The same, for people."""
        return f"{self.under(self.project)}*"

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of Cloud KMS that new secrets are encrypted with."""
        own = (self.settings.kms_key,) if self.settings.kms_key else ()
        return (*own, *self.settings.kms_keys.values())


def document(scope: Scope, *, read_only: bool) -> str:
    """The smallest roles and their bindings, as a shell script of gcloud commands."""
    return "\n".join(_lines(scope, read_only=read_only)) + "\n"


def _lines(scope: Scope, *, read_only: bool) -> Iterator[str]:
    needs = [need for need in NEEDS if not (read_only and need.writes)]
    on_secrets = [need.permission for need in needs if not need.on_project]
    on_project = [need.permission for need in needs if need.on_project]
    suffix = "Reader" if read_only else ""
    prefix = scope.settings.secret_prefix
    yield f"# {'Reads' if read_only else 'All that skykeep does'} on {scope.resource}"
    yield "# Say whom it is for: serviceAccount:…, user:…, group:…, principalSet://…"
    yield f'PROJECT="{scope.project}"'
    yield 'MEMBER="serviceAccount:NAME@PROJECT.iam.gserviceaccount.com"'
    yield 'NUMBER="$(gcloud projects describe "$PROJECT" --format=\'value(projectNumber)\')"'
    yield ""
    if prefix:
        condition = (
            f'expression=resource.name.startsWith(\\"{scope.under("$NUMBER")}\\"),'
            "title=skykeep-secrets"
        )
        yield from _role(f"skykeepSecrets{suffix}", on_secrets, condition)
        yield ""
        yield "# Google checks these on the project: no condition binds them to names."
        yield "# Listing shows names and labels of all secrets, and no values."
        yield from _role(f"skykeepProject{suffix}", on_project, "None")
    else:
        yield from _role(f"skykeepSecrets{suffix}", [*on_secrets, *on_project], "None")
    if scope.keys and not read_only:
        yield ""
        yield "# Secret Manager itself uses the key; skykeep needs nothing on it."
        yield "gcloud beta services identity create --service=secretmanager.googleapis.com \\"
        yield '  --project="$PROJECT"'
        for key in scope.keys:
            yield from _key(key)
    if scope.settings.auth.quota_project:
        yield ""
        yield f"gcloud projects add-iam-policy-binding {scope.settings.auth.quota_project} \\"
        yield '  --member="$MEMBER" --role=roles/serviceusage.serviceUsageConsumer \\'
        yield "  --condition=None"


def _role(name: str, permissions: list[str], condition: str) -> Iterator[str]:
    yield f'gcloud iam roles create {name} --project="$PROJECT" --stage=GA \\'
    yield f"  --permissions={','.join(sorted(permissions))}"
    yield 'gcloud projects add-iam-policy-binding "$PROJECT" --member="$MEMBER" \\'
    yield f'  --role="projects/$PROJECT/roles/{name}" \\'
    yield f'  --condition="{condition}"'


def _key(key: str) -> Iterator[str]:
    found = _KEY.fullmatch(key)
    assert found is not None  # noqa: S101 - the settings have checked it
    project, location, ring, name = found.groups()
    agent = "serviceAccount:service-$NUMBER@gcp-sa-secretmanager.iam.gserviceaccount.com"
    yield f"gcloud kms keys add-iam-policy-binding {name} --project={project} \\"
    yield f"  --location={location} --keyring={ring} --member={agent} \\"
    yield "  --role=roles/cloudkms.cryptoKeyEncrypterDecrypter"
