"""What a configuration may say of a Kubernetes target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from skykeep.errors import Invalid
from skykeep.providers.kubernetes.names import check_label, check_prefix
from skykeep.settings.model import NonEmpty
from skykeep.settings.remote import RemoteSettings

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where a pod finds what its service account is (Kubernetes' documentation, "Accessing the
Kubernetes API from a Pod")."""

# k8s.io/apimachinery pkg/util/validation/validation.go, IsConfigMapKey
_DATA_KEY = re.compile(r"(?!\.{1,2}\Z|\.\.)[-._a-zA-Z0-9]{1,253}\Z")
# the same, IsQualifiedName and IsValidLabelValue
_LABEL_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*"
_OWNED_LABEL = re.compile(rf"(?=[^/]{{1,253}}/){_DOMAIN}/{_LABEL_NAME}\Z")
PLAIN_LABEL: Final = re.compile(rf"{_LABEL_NAME}\Z")
LABEL_VALUE: Final = re.compile(rf"(?:{_LABEL_NAME})?\Z")


class KubernetesSettings(RemoteSettings, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The Secrets of one namespace of one cluster.

    ``endpoint`` and ``tls`` go before what the kubeconfig says of server and certificates.

    Attributes:
        namespace: where the Secrets are; by default that of the context or of the service
            account, else ``default``.
        context: of the kubeconfig; by default its current one.
        kubeconfig: the file; by default those of KUBECONFIG, else ~/.kube/config.
        in_cluster: true uses the pod's service account, false never does; auto does where
            there is no kubeconfig.
        service_account: the folder of the pod's token, ca.crt and namespace.
        token_file: file of the token instead of the kubeconfig's or the service account's;
            read again as it changes. With endpoint it needs no kubeconfig.
        type: of the Secrets that skykeep lists, changes and makes; others are read.
        key: the key of a Secret's data that holds the value.
        labels: put onto every Secret that is made; each has a prefix, as in
            ``example.com/part-of``. Labels without one are tags.
    """

    namespace: NonEmpty | None = None
    context: NonEmpty | None = None
    kubeconfig: NonEmpty | None = None
    in_cluster: bool | Literal["auto"] = "auto"
    service_account: NonEmpty = SERVICE_ACCOUNT
    token_file: NonEmpty | None = None
    type: NonEmpty = "Opaque"
    key: NonEmpty = "value"
    labels: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        if self.in_cluster is True and (self.context or self.kubeconfig):
            raise ValueError("in_cluster: true uses no kubeconfig: take context and file out")
        if not _DATA_KEY.match(self.key):
            raise ValueError(f"'{self.key}' cannot be a key of a Secret's data")
        for name, value in self.labels.items():
            if not _OWNED_LABEL.match(name):
                raise ValueError(
                    f"the label '{name}' is not PREFIX/NAME; labels without a prefix are tags"
                )
            if not LABEL_VALUE.match(value):
                raise ValueError(f"'{value}' cannot be the value of a label")
        try:
            check_prefix(self.secret_prefix or "")
            if self.namespace is not None:
                check_label(self.namespace)
        except Invalid as error:
            raise ValueError(error.message) from None
