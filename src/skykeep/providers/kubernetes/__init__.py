"""Kubernetes: Secrets of one namespace.

Belongs here: everything that knows the Kubernetes API. Importing this imports no HTTP client.

``settings.py`` what may be configured · ``access.py`` which apiserver and as whom, from a
``kubeconfig.py`` or the pod · ``credentials.py`` found once and renewed · ``exec_plugin.py``
commands that give them · ``session.py`` one call · ``errors.py`` refusals -> ours ·
``objects.py`` the shapes of answers · ``names.py`` ``fields.py`` ``annotations.py`` how secrets
are kept · ``calls.py`` the calls on them · ``secrets.py`` the driver · ``watching.py`` what
happens while it happens · ``identity.py`` who we are, with ``policy.py``
"""

from skykeep.interfaces.provider import Provider

PROVIDER = Provider(
    name="kubernetes",
    extra="kubernetes",
    settings="skykeep.providers.kubernetes.settings:KubernetesSettings",
    drivers={
        "secrets": "skykeep.providers.kubernetes.secrets:open_secrets",
        "identity": "skykeep.providers.kubernetes.identity:open_identity",
    },
)
