"""Which verbs our operations need on Secrets, and the smallest Role that has them.

What a request needs: Kubernetes' documentation, "Authorization", "Determine the request verb";
what a Role can say: "Using RBAC Authorization". Roles are tried on a real server by tests.

A Role cannot be narrowed to a prefix. ``resourceNames`` takes whole names; creating cannot be
limited by them, for the name is not known when it is decided, and listing only for those who
ask for one name. So the namespace is the border: what must not be seen from here belongs in
another one.

``watch`` is not in it: no portable operation needs it, only the driver's own ``changes()``.
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import Final

RBAC: Final = "rbac.authorization.k8s.io"
ACCOUNT_PREFIX: Final = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Need:
    """A verb on the Secrets of the namespace, and our operations that need it.

    Attributes:
        verb: as Kubernetes names it.
        operations: ours.
        writes: it belongs to those that change the store.
        named: a Role can limit it to some names.
    """

    verb: str
    operations: tuple[str, ...]
    writes: bool = False
    named: bool = True


NEEDS: Final = (
    Need(
        "get",
        (
            "secrets.get",
            "secrets.describe",
            "secrets.put",
            "secrets.update",
            "secrets.annotate",
            "secrets.delete",
            "secrets.purge",
        ),
    ),
    Need("list", ("secrets.list",), named=False),
    Need("create", ("secrets.create", "secrets.put"), writes=True, named=False),
    Need("patch", ("secrets.put", "secrets.update", "secrets.annotate"), writes=True),
    Need("delete", ("secrets.delete", "secrets.purge"), writes=True),
)


@dataclass(frozen=True, slots=True)
class Question:
    """Something that may be allowed or not, as the API server is asked about it.

    Attributes:
        verb: ``*`` is all of them at once.
        resource: with its subresource, ``pods/exec``; ``*`` is everything.
        group: of the API; the core's is empty.
        everywhere: in all namespaces, not in the target's.
    """

    verb: str
    resource: str
    group: str = ""
    everywhere: bool = False

    def attributes(self, namespace: str) -> dict[str, str]:
        """ResourceAttributes (API reference, "SelfSubjectAccessReview")."""
        resource, _, subresource = self.resource.partition("/")
        return {
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": "" if self.everywhere else namespace,
        }

    def shown(self, namespace: str) -> str:
        """What it is about, in words."""
        what = "everything" if self.resource == "*" else self.resource
        return f"{what} in {'every namespace' if self.everywhere else f'namespace {namespace}'}"


ALL: Final = (Question("*", "*", "*", everywhere=True), Question("*", "*", "*"))
"""Who may do these may do all of the below."""
NEVER: Final = (
    Question("update", "secrets"),
    Question("deletecollection", "secrets"),
    Question("get", "secrets", everywhere=True),
    Question("list", "secrets", everywhere=True),
    Question("create", "pods"),
    Question("create", "pods/exec"),
    Question("create", "serviceaccounts/token"),
    Question("impersonate", "serviceaccounts"),
    Question("impersonate", "users", everywhere=True),
    Question("bind", "roles", RBAC),
    Question("escalate", "roles", RBAC),
    Question("escalate", "clusterroles", RBAC, everywhere=True),
)
"""No operation of ours needs these. The first four are more of the same; a pod may mount every
Secret of its namespace, and the rest are ways to become somebody else or to be given more
(Kubernetes' documentation, "Role Based Access Control Good Practices", "Privilege escalation
risks")."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is to be allowed. ``namespace`` is a service account's; None is a user."""

    name: str
    namespace: str | None = None

    @classmethod
    def of(cls, username: str) -> Subject:
        """From the name that the API server knows somebody by."""
        namespace, found, name = username.removeprefix(ACCOUNT_PREFIX).partition(":")
        if username.startswith(ACCOUNT_PREFIX) and found:
            return cls(name, namespace)
        return cls(username)


def document(namespace: str, subject: Subject, *, read_only: bool) -> str:
    """The smallest Role and its RoleBinding, as YAML."""
    name = "skykeep-read-only" if read_only else "skykeep"
    verbs = [need.verb for need in NEEDS if not (read_only and need.writes)]
    place = f"metadata:\n  name: {name}\n  namespace: {_quoted(namespace)}\n"
    if subject.namespace is None:
        to = f"  - kind: User\n    name: {_quoted(subject.name)}\n    apiGroup: {RBAC}\n"
    else:
        to = (
            f"  - kind: ServiceAccount\n    name: {_quoted(subject.name)}\n"
            f"    namespace: {_quoted(subject.namespace)}\n"
        )
    return (
        f"{_COMMENT}"
        f"apiVersion: {RBAC}/v1\nkind: Role\n{place}"
        f'rules:\n  - apiGroups: [""]\n    resources: ["secrets"]\n'
        f"    verbs: {json.dumps(verbs)}\n"
        "---\n"
        f"apiVersion: {RBAC}/v1\nkind: RoleBinding\n{place}"
        f"roleRef:\n  apiGroup: {RBAC}\n  kind: Role\n  name: {name}\n"
        f"subjects:\n{to}"
    )


def _quoted(text: str) -> str:
    """A string in YAML: a namespace may be called ``true`` or ``1``."""
    return json.dumps(text, ensure_ascii=False)


_COMMENT: Final = textwrap.dedent("""\
    # All Secrets of the namespace: a Role cannot be limited to names that begin alike, and
    # resourceNames cannot limit "create", nor "list" of several. What must not be seen from
    # here belongs in another namespace.
    """)
