"""The variables of the ``vault`` command, honoured or refused; the configuration goes first.

Which there are: openbao ``website/content/docs/commands/index.mdx``, "Environment variables".
A variable that cannot be honoured and whose neglect would change who is trusted is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from skykeep.errors import ConfigError, Problem
from skykeep.providers.vault.settings import VaultSettings

ADDRESS: Final = "VAULT_ADDR"
NAMESPACE: Final = "VAULT_NAMESPACE"
CA: Final = "VAULT_CACERT"
CERT: Final = "VAULT_CLIENT_CERT"
KEY: Final = "VAULT_CLIENT_KEY"
REFUSED: Final = {
    "VAULT_SKIP_VERIFY": "certificates are always verified: name the authority in VAULT_CACERT",
    "VAULT_TLS_SERVER_NAME": "use a name in VAULT_ADDR that is in the server's certificate",
    "VAULT_CAPATH": "name one PEM file with all authorities in VAULT_CACERT",
    "VAULT_CACERT_BYTES": "put it into a file and name that in VAULT_CACERT",
}
"""Variable -> what to do instead."""

_FALSE: Final = frozenset({"", "0", "f", "false"})  # strconv.ParseBool, in any case
_OF_CA = frozenset({"VAULT_CAPATH", "VAULT_CACERT_BYTES"})


def with_variables(
    settings: VaultSettings, environ: Mapping[str, str], target: str
) -> VaultSettings:
    """The settings with the variables' certificates where the configuration names none.

    Raises ``ConfigError`` for a variable that cannot be honoured.
    """
    for name, mend in REFUSED.items():
        given = environ.get(name, "")
        if given.lower() in _FALSE or (settings.tls.ca and name in _OF_CA):
            continue
        error = ConfigError(Problem(name, 0, "", "is set and cannot be honoured"), hint=mend)
        error.located(target=target)
        raise error
    tls = settings.tls
    if not tls.ca and environ.get(CA):
        tls = msgspec.structs.replace(tls, ca=environ[CA])
    if not tls.cert and environ.get(CERT):
        tls = msgspec.structs.replace(tls, cert=environ[CERT], key=environ.get(KEY) or None)
    return msgspec.structs.replace(settings, tls=tls)
