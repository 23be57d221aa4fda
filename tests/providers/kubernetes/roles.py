"""Settings and Roles of accounts, for the tests of who may do what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from skykeep.providers.kubernetes.settings import KubernetesSettings
from tests.peers.kube import Kube
from tests.providers.kubernetes.opening import settings


def configured(kube: Kube, file: Path, space: str, user: dict[str, Any]) -> KubernetesSettings:
    """Settings with a kubeconfig whose user is this one."""
    kube.kubeconfig(file, user=user, namespace=space)
    return settings(kubeconfig=str(file))


def yaml_of(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def applied(kube: Kube, text: str) -> None:
    """What kubectl would do with it; what is there under the name is replaced."""
    role, binding = yaml_of(text)
    for each in (role, binding):
        namespace, name = each["metadata"]["namespace"], each["metadata"]["name"]
        kind = f"{each['kind'].lower()}s"
        place = f"/apis/{each['apiVersion']}/namespaces/{namespace}/{kind}"
        kube.ask("DELETE", f"{place}/{name}")
        kube.call("POST", place, each)
    (subject,) = binding["subjects"]
    user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
    kube.until_known(user, role["metadata"]["namespace"], role["rules"][0])
