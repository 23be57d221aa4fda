"""Azure: Key Vault, and Blob Storage.

Belongs here: everything that knows Azure's HTTP APIs. Importing this imports no HTTP client.

``settings.py`` ``auth_settings.py`` what may be configured · ``clouds.py`` where vaults are ·
``credentials/`` whose tokens · ``challenge.py`` what a vault wants of them · ``session.py`` one
call · ``answers.py`` the shapes of answers · ``errors.py`` refusals -> ours · ``names.py``
``values.py`` ``tags.py`` how secrets are kept · ``reading.py`` ``writing.py`` the driver, which
``secrets.py`` opens · ``identity.py`` who we are, with ``policy.py`` · ``storage_settings.py``
what may be configured of objects · ``blob/`` objects, with its own map ·
``keys/`` keys, likewise
"""

from skykeep.interfaces.provider import Provider, Quota

PROVIDER = Provider(
    name="azure",
    extra="azure",
    settings="skykeep.providers.azure.settings:AzureSettings",
    drivers={
        "secrets": "skykeep.providers.azure.secrets:open_secrets",
        "keys": "skykeep.providers.azure.keys.driver:open_keys",
        "identity": "skykeep.providers.azure.identity:open_identity",
        "objects": "skykeep.providers.azure.blob.opening:open_objects",
    },
    # "Azure Key Vault service limits", each for a vault and region: 300 new values of secrets
    # and 4,000 other transactions in 10 seconds.
    quotas={"": (Quota(400, ("read", "describe", "list")), Quota(30, ("write",)))},
)
