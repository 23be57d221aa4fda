"""From settings and environment to one apiserver: where it is, who it must be, who we are.

The order is that of kubectl and of the official client: the kubeconfig, then the pod's service
account ("Accessing the Kubernetes API from a Pod").
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from skykeep.errors import ConfigError, Invalid, Problem
from skykeep.providers.kubernetes.credentials import Given, Source, TokenFile
from skykeep.providers.kubernetes.exec_plugin import GROUP, Plugin
from skykeep.providers.kubernetes.kubeconfig import Chosen, Cluster, User, choose, files
from skykeep.providers.kubernetes.names import check_label
from skykeep.providers.kubernetes.settings import KubernetesSettings
from skykeep.providers.wire import TlsMaterial

HOST: Final = "KUBERNETES_SERVICE_HOST"
PORT: Final = "KUBERNETES_SERVICE_PORT"

_TOKEN = re.compile(r"[\x21-\x7e]+\Z")  # what a header can carry


@dataclass(frozen=True, slots=True)
class Access:
    """One apiserver and who we are there.

    Attributes:
        server: its address.
        namespace: where the Secrets are.
        source: where credentials come from.
        where: how it was found, in words: ``context 'ops' of ~/.kube/config``.
        material: what is known of TLS besides the settings.
        proxy: the proxy to use, or None for what the environment says.
        headers: sent with each call, besides the credential: impersonation; a name may be
            there twice.
    """

    server: str
    namespace: str
    source: Source
    where: str
    material: TlsMaterial = field(default_factory=TlsMaterial)
    proxy: str | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()


def find_access(settings: KubernetesSettings, environ: Mapping[str, str]) -> Access:
    """The access that settings and environment describe. Raises ``ConfigError``."""
    if settings.in_cluster is True:
        return _of_the_pod(settings, environ)
    direct = settings.endpoint is not None and settings.token_file is not None
    if not (direct and settings.context is None and settings.kubeconfig is None):
        paths = files(settings.kubeconfig, environ)
        if paths:
            return _of_a_context(choose(paths, settings.context), settings, environ)
        if settings.context is not None:
            raise ConfigError("context is set, and there is no kubeconfig", hint=_NO_CONFIG)
        folder = Path(settings.service_account)
        if settings.in_cluster == "auto" and environ.get(HOST) and folder.is_dir():
            return _of_the_pod(settings, environ)
    if not direct:
        raise ConfigError(
            "no cluster is configured: there is no kubeconfig, and this is no pod with a "
            "service account",
            hint=_NO_CONFIG,
        )
    return Access(
        settings.endpoint or "",
        settings.namespace or "default",
        _token_file(settings) or Given("nothing"),
        "endpoint and token_file",
    )


_NO_CONFIG = "set kubeconfig, KUBECONFIG, or endpoint and token_file"


def _of_the_pod(settings: KubernetesSettings, environ: Mapping[str, str]) -> Access:
    folder = Path(settings.service_account)
    host, port = environ.get(HOST, ""), environ.get(PORT, "") or "443"
    if not host and settings.endpoint is None:
        raise ConfigError(
            f"in_cluster is set, and {HOST} is not", hint="is this a pod? else use a kubeconfig"
        )
    authorities = _text(folder / "ca.crt") if settings.tls.ca is None else None
    namespace = settings.namespace
    if namespace is None:
        found = folder / "namespace"
        namespace = (_text(found).strip() if found.is_file() else "") or "default"
    return Access(
        settings.endpoint or f"https://{f'[{host}]' if ':' in host else host}:{port}",
        _namespace(namespace, str(folder / "namespace")),
        _token_file(settings)
        or TokenFile(folder / "token", f"service account token in {folder}"),
        f"the pod's service account in {folder}",
        TlsMaterial(authorities=authorities),
    )


def _of_a_context(
    chosen: Chosen, settings: KubernetesSettings, environ: Mapping[str, str]
) -> Access:
    cluster, user = chosen.cluster, chosen.user
    where = f"context '{chosen.context}' of {chosen.cluster_file}"
    if cluster.insecure_skip_tls_verify:
        raise _cluster_problem(
            chosen,
            "insecure-skip-tls-verify",
            "is true; certificates are always verified here",
            "put the cluster's authority into certificate-authority-data; if its certificate "
            "has another name, that into tls-server-name",
        )
    server = settings.endpoint or cluster.server
    if not server:
        raise _cluster_problem(chosen, "server", "is not set")
    certificate = _data(chosen, user, "client_certificate")
    key = _data(chosen, user, "client_key")
    if (certificate is None) != (key is None):
        raise _user_problem(
            chosen, "client-certificate", "and client-key belong together; one is missing"
        )
    authorities = _authorities(chosen)
    material = TlsMaterial(authorities, certificate, key, cluster.tls_server_name or None)
    source = _token_file(settings) or _source(
        chosen, environ, _told(cluster, server, authorities), has_certificate=bool(certificate)
    )
    return Access(
        server,
        _namespace(settings.namespace or chosen.namespace or "default", where),
        source,
        where,
        material,
        cluster.proxy_url or None,
        _impersonation(chosen, user),
    )


def _source(
    chosen: Chosen,
    environ: Mapping[str, str],
    told: Mapping[str, Any],
    *,
    has_certificate: bool,
) -> Source:
    user, place = chosen.user, f"in {chosen.user_file}"
    if user.auth_provider is not None:
        raise _user_problem(
            chosen,
            "auth-provider",
            "is not spoken any more, by Kubernetes neither (since 1.26)",
            "use the cloud's exec plugin: gke-gcloud-auth-plugin, kubelogin, aws eks get-token",
        )
    if user.exec is not None:
        if user.token or user.token_file:
            raise _user_problem(chosen, "exec", "stands beside a token: take one of them out")
        return Plugin(user.exec, chosen.user_file, _user_name(chosen), told, environ)
    if user.token_file:
        path = chosen.user_folder / Path(user.token_file).expanduser()
        return TokenFile(path, f"token file {path}")
    if user.token:
        token = user.token.strip()
        if not _TOKEN.match(token):
            raise _user_problem(chosen, "token", "has a character that no token has")
        return Given(f"token {place}", token=token)
    if user.username:
        return Given(
            f"user name and password {place}", basic=(user.username, user.password or "")
        )
    return Given(
        f"client certificate {place}" if has_certificate else f"no credentials {place}"
    )


def _token_file(settings: KubernetesSettings) -> Source | None:
    if settings.token_file is None:
        return None
    path = Path(settings.token_file).expanduser()
    return TokenFile(path, f"token file {path}")


def _authorities(chosen: Chosen) -> str | None:
    """PEM of the authorities; the data goes before the file (client-go does so)."""
    data = chosen.cluster.certificate_authority_data
    if data:
        return _decoded(data, _cluster_problem(chosen, "certificate-authority-data", _BASE64))
    file = chosen.cluster.certificate_authority
    return _text(chosen.cluster_folder / Path(file).expanduser()) if file else None


_BASE64 = "is not the base64 of a PEM file"


def _data(chosen: Chosen, user: User, field_name: str) -> bytes | None:
    data, file = getattr(user, f"{field_name}_data"), getattr(user, field_name)
    if data:
        key = f"{field_name.replace('_', '-')}-data"
        return _decoded(data, _user_problem(chosen, key, _BASE64)).encode()
    return _text(chosen.user_folder / Path(file).expanduser()).encode() if file else None


def _decoded(data: str, problem: ConfigError) -> str:
    try:
        return base64.b64decode("".join(data.split()), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        pass  # its exception holds the data
    del data
    raise problem


def _text(path: Path) -> str:
    """A PEM file, or a namespace. Raises ``ConfigError``."""
    try:
        return path.read_text("ascii")
    except UnicodeDecodeError:
        problem = "is no text"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    raise ConfigError(Problem(str(path), 0, "", problem))


def _namespace(name: str, where: str) -> str:
    try:
        return check_label(name)
    except Invalid as error:
        problem = error.message
    raise ConfigError(Problem(where, 0, "namespace", problem))


def _told(cluster: Cluster, server: str, authorities: str | None) -> dict[str, Any]:
    """What a plugin with ``provideClusterInfo`` gets."""
    told: dict[str, Any] = {"server": server}
    if cluster.tls_server_name:
        told["tls-server-name"] = cluster.tls_server_name
    if authorities:
        told["certificate-authority-data"] = base64.b64encode(authorities.encode()).decode()
    if cluster.proxy_url:
        told["proxy-url"] = cluster.proxy_url
    for extension in cluster.extensions or ():
        if extension.get("name") == f"{GROUP}/exec":
            told["config"] = extension.get("extension")
    return told


def _impersonation(chosen: Chosen, user: User) -> tuple[tuple[str, str], ...]:
    """Kubernetes' documentation, "User impersonation"."""
    groups = [("Impersonate-Group", group) for group in user.as_groups or ()]
    extra = [
        (f"Impersonate-Extra-{quote(key.lower(), safe='')}", value)
        for key, values in (user.as_user_extra or {}).items()
        for value in values
    ]
    uid = [("Impersonate-Uid", user.as_uid)] if user.as_uid else []
    if not user.as_:
        if groups or extra or uid:
            raise _user_problem(chosen, "as", "is missing: nobody is impersonated without it")
        return ()
    return (("Impersonate-User", user.as_), *uid, *groups, *extra)


def _user_name(chosen: Chosen) -> str:
    return f"context '{chosen.context}'"


def _cluster_problem(chosen: Chosen, key: str, message: str, hint: str = "") -> ConfigError:
    problem = Problem(str(chosen.cluster_file), 0, f"clusters[].cluster.{key}", message)
    return ConfigError(problem, hint=hint)


def _user_problem(chosen: Chosen, key: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError(
        Problem(str(chosen.user_file), 0, f"users[].user.{key}", message), hint=hint
    )
