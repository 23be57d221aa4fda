"""HashiCorp Vault and OpenBao: the key-value engines, versions 1 and 2, and transit.

Belongs here: everything that knows Vault's HTTP API. Importing this imports no HTTP client.

``settings.py`` what may be configured · ``environment.py`` the vault command's variables ·
``logins/`` the ways to a token · ``tokens.py`` what they give · ``keeper.py`` renewed and got
anew · ``session.py`` one call · ``answers.py`` the shapes of answers · ``errors.py`` refusals
-> ours · ``names.py`` ``fields.py`` ``annotations.py`` ``entries.py`` how secrets are kept ·
``walking.py`` listings · ``secrets.py`` opens ``kv1.py`` or ``kv2.py`` · ``transit.py`` keys,
with ``transit_names.py`` and ``transit_errors.py`` · ``identity.py`` who we
are, with ``policy.py``
"""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="vault",
    extra="vault",
    settings="skykeep.providers.vault.settings:VaultSettings",
    drivers={
        "secrets": "skykeep.providers.vault.secrets:open_secrets",
        "keys": "skykeep.providers.vault.transit:open_keys",
        "identity": "skykeep.providers.vault.identity:open_identity",
    },
)
