"""The ``cloud:`` tree as an environment: the chosen provider's secret service is the primary.

``data_residency`` becomes its ``residency``, or that of every environment of the file where no
provider is chosen. The other services of the tree are checked and kept; what uses them reads
them there.
"""

from __future__ import annotations

import re

from skykeep.errors import Problem
from skykeep.settings.diagnose import value_problem
from skykeep.settings.nodes import Node, Scalar, Table, table
from skykeep.settings.trees import AuthTree, CloudTree

NAME = "cloud"
"""What the tree is called where environments have names."""

_SERVICES = {"aws": "secrets_manager", "gcp": "secret_manager", "azure": "key_vault"}
_KEYS = {
    "aws": ("region",),
    "gcp": ("project_id", "region"),
    "azure": ("region",),
}
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


_STORAGE = {
    "aws": ("s3", {"bucket": "bucket"}),
    "gcp": ("cloud_storage", {"bucket": "bucket"}),
    "azure": ("blob_storage", {"account": "storage_account", "container": "container"}),
}
"""Where the tree says where objects are kept, and what a target calls what it says."""

_PREFIXES = ("models_prefix", "results_prefix")


def environment_of(cloud: Table) -> Table | None:
    """The environment that a ``cloud:`` tree describes; None if it chooses no provider.

    Made of the tree's own nodes, so that each value keeps its place.
    """
    provider = cloud.items.get("provider")
    if not isinstance(provider, Scalar) or not isinstance(provider.value, str):
        return None
    name = provider.value
    section = _table(cloud, name)
    service = _table(section, _SERVICES.get(name, ""))
    switch = service.items.get("enabled")
    if name not in _SERVICES or (isinstance(switch, Scalar) and switch.value is False):
        decider = provider if name not in _SERVICES or switch is None else switch
        backend = Scalar(
            source=decider.source, line=decider.line, key_line=decider.key_line,
            value="local", text="local",
        )  # fmt: skip
        primary = table({"backend": backend}, cloud.source, cloud.line)
        return table({"primary": primary, **_objects(provider, section), **_residency(cloud)})
    target: dict[str, Node] = {"backend": provider}
    for node, keys in ((section, _KEYS[name]), (service, ("vault_url",))):
        target |= {key: node.items[key] for key in keys if key in node.items}
    items: dict[str, Node] = {"primary": table(target, section.source, section.line)}
    if "cache_ttl_seconds" in service.items:
        items["cache"] = table({"ttl_seconds": service.items["cache_ttl_seconds"]})
    items |= _objects(provider, section) | _residency(cloud)
    return table(items, cloud.source, cloud.line)


def defaults_of(cloud: Table) -> dict[str, Node]:
    """What a tree that chooses no provider says of every environment of the file."""
    return {} if environment_of(cloud) else _residency(cloud)


def _residency(cloud: Table) -> dict[str, Node]:
    """The regions that data may be in; nothing if the tree leaves them open."""
    node = _table(cloud, "data_residency")
    switch = node.items.get("enabled")
    if not isinstance(switch, Scalar) or switch.value is not True:
        return {}
    regions = {key: node.items[key] for key in ("regions",) if key in node.items}
    return {"residency": table(regions, node.source, node.line)}


def _objects(provider: Scalar, section: Table) -> dict[str, Node]:
    """The target of objects and how they are laid out; nothing if the tree does not say."""
    service, keys = _STORAGE.get(str(provider.value), ("", {}))
    storage = section.items.get(service)
    if not isinstance(storage, Table):
        return {}
    target: dict[str, Node] = {"backend": provider}
    for key in _KEYS[str(provider.value)]:
        if key in section.items:
            target[key] = section.items[key]
    for key, name in keys.items():
        if key in storage.items:
            target[name] = storage.items[key]
    target |= _account(section)
    items: dict[str, Node] = {"objects": table(target, storage.source, storage.line)}
    prefixes = {key: storage.items[key] for key in _PREFIXES if key in storage.items}
    if prefixes:
        items["object_storage"] = table(prefixes, storage.source, storage.line)
    return items


def _account(section: Table) -> dict[str, Node]:
    """Where Azure manages the storage account. A placeholder is no subscription's id: without
    one everything works but rules of ageing and the account's region."""
    subscription, group = (
        section.items.get(key) for key in ("subscription_id", "resource_group")
    )
    if isinstance(subscription, Scalar) and _GUID.fullmatch(str(subscription.value)) and group:
        return {"subscription": subscription, "resource_group": group}
    return {}


def check_cloud(node: Table, tree: CloudTree, problems: list[Problem]) -> None:
    """What a provider needs once it is chosen."""
    if tree.provider == "azure":
        vault = tree.azure.key_vault if tree.azure else None
        if vault is None or (vault.enabled and vault.vault_url is None):
            message = (
                "the key 'azure.key_vault.vault_url' is missing: 'provider: azure' needs it"
            )
            problems.append(value_problem(node.items["provider"], NAME, message))
    residency = tree.data_residency
    if residency is not None and residency.enabled and not residency.regions:
        message = "the key 'data_residency.regions' is missing: 'enabled: true' needs it"
        problems.append(value_problem(node.items["data_residency"], NAME, message))


def check_auth(node: Table, tree: AuthTree, problems: list[Problem]) -> None:
    """What a source of keys needs once it is chosen."""
    keys = tree.api_keys
    if keys and keys.source == "aws_secrets_manager" and keys.aws_secret_name is None:
        message = f"the key 'aws_secret_name' is missing: 'source: {keys.source}' needs it"
        problems.append(value_problem(node.items["api_keys"], "auth.api_keys", message))


def disabled_service(tree: CloudTree) -> str:
    """The dotted key that turns the chosen provider's secret service off, or ``""``."""
    section = {"aws": tree.aws, "gcp": tree.gcp, "azure": tree.azure}.get(tree.provider or "")
    service = getattr(section, _SERVICES.get(tree.provider or "", ""), None)
    if service is None or service.enabled:
        return ""
    return f"{NAME}.{tree.provider}.{_SERVICES[str(tree.provider)]}.enabled"


def _table(node: Table, name: str) -> Table:
    child = node.items.get(name)
    if isinstance(child, Table):
        return child
    return table({}, node.source, node.line)
