"""Google Cloud: Secret Manager, global and regional; Cloud Storage; Cloud KMS.

Belongs here: everything that knows Google Cloud's HTTP APIs. Importing this imports no SDK and
no HTTP client.

``settings.py`` what may be configured, with ``auth_settings.py`` · ``credentials/`` whose
credentials · ``session.py`` one call · ``answers.py`` the shapes of answers · ``errors.py``
refusals -> ours · ``names.py`` names and stages as ids and aliases · ``beside.py`` tags,
metadata, expiry · ``checksums.py`` CRC-32C · ``secrets.py`` opens the driver: ``reading.py``
with ``versions.py``, ``creating.py``, ``writing.py`` · ``storage/`` the driver of objects ·
``kms/`` that of keys · ``clock.py`` · ``identity.py`` who we are, with ``policy.py``
"""

from skykeep.interfaces.provider import Provider, Quota

PROVIDER = Provider(
    name="gcp",
    extra="gcp",
    settings="skykeep.providers.gcp.settings:GcpSettings",
    drivers={
        "secrets": "skykeep.providers.gcp.secrets:open_secrets",
        "objects": "skykeep.providers.gcp.storage.opening:open_objects",
        "keys": "skykeep.providers.gcp.kms.driver:open_keys",
        "identity": "skykeep.providers.gcp.identity:open_identity",
    },
    # "Quotas and limits", Secret Manager documentation, each for a project: 90,000 accesses,
    # 600 other reads and 600 writes a minute.
    quotas={
        "": (
            Quota(1500, ("read",)),
            Quota(10, ("describe", "list")),
            Quota(10, ("write",)),
        )
    },
)
