"""The kubeconfig: which cluster, as whom.

Shapes: Kubernetes' documentation, "kubeconfig (v1)". Merging: "Organizing Cluster Access Using
kubeconfig Files" and client-go ``tools/clientcmd/loader.go``: the first file to say a thing
wins, files of the list that are missing are skipped, paths are relative to the file they are
in. A problem is told by file and key, never by what stands there: that may be a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from skykeep.errors import ConfigError, Problem

VARIABLE: Final = "KUBECONFIG"
DEFAULT: Final = ".kube/config"


class Cluster(msgspec.Struct, rename="kebab"):
    """Where the apiserver is, and who it must be."""

    server: str | None = None
    tls_server_name: str | None = None
    insecure_skip_tls_verify: bool | None = None
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    proxy_url: str | None = None
    extensions: list[dict[str, Any]] | None = None


class EnvVar(msgspec.Struct):
    """A variable that a plugin is started with."""

    name: str
    value: str = ""

    def __repr__(self) -> str:
        return f"EnvVar({self.name!r})"


class Exec(msgspec.Struct, rename="camel"):
    """A command that gives credentials."""

    command: str
    api_version: str = ""
    args: list[str] | None = None
    env: list[EnvVar] | None = None
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str | None = None

    def __repr__(self) -> str:
        return f"Exec({self.command!r})"


class User(msgspec.Struct, rename="kebab"):
    """Who one is."""

    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    token: str | None = None
    token_file: str | None = msgspec.field(default=None, name="tokenFile")
    username: str | None = None
    password: str | None = None
    as_: str | None = msgspec.field(default=None, name="as")
    as_uid: str | None = None
    as_groups: list[str] | None = None
    as_user_extra: dict[str, list[str]] | None = None
    auth_provider: dict[str, Any] | None = None
    exec: Exec | None = None

    def __repr__(self) -> str:
        return "User()"


class Context(msgspec.Struct):
    """A cluster, a user and a namespace."""

    cluster: str = ""
    user: str = ""
    namespace: str | None = None


class _NamedCluster(msgspec.Struct):
    name: str
    cluster: Cluster | None = None


class _NamedUser(msgspec.Struct):
    name: str
    user: User | None = None


class _NamedContext(msgspec.Struct):
    name: str
    context: Context | None = None


class _File(msgspec.Struct, rename="kebab"):
    current_context: str | None = None
    clusters: list[_NamedCluster] | None = None
    users: list[_NamedUser] | None = None
    contexts: list[_NamedContext] | None = None


class Chosen(msgspec.Struct):
    """What one context comes to.

    Attributes:
        context: its name.
        namespace: it names one, or None.
        cluster, user: what they say.
        cluster_folder, user_folder: what paths in them are relative to.
        cluster_file, user_file: where they stand, for messages.
    """

    context: str
    namespace: str | None
    cluster: Cluster
    cluster_file: Path
    user: User
    user_file: Path

    @property
    def cluster_folder(self) -> Path:
        """The folder of the cluster's file."""
        return self.cluster_file.parent

    @property
    def user_folder(self) -> Path:
        """The folder of the user's file."""
        return self.user_file.parent


def files(given: str | None, environ: Mapping[str, str]) -> list[Path]:
    """The files to merge, those that are there. Raises ``ConfigError`` if the one that is
    given, or all that ``KUBECONFIG`` names, are missing."""
    if given is not None:
        path = Path(given).expanduser()
        if not path.is_file():
            raise _problem(path, "kubeconfig", "is not there")
        return [path]
    listed = [part for part in environ.get(VARIABLE, "").split(":") if part]
    paths = [Path(part).expanduser() for part in listed]
    found = [path for path in paths if path.is_file()]
    if listed:
        if not found:
            raise ConfigError(
                f"{VARIABLE} names no file that is there", hint="mend it, or unset it"
            )
        return found
    usual = Path(environ.get("HOME", "~")).expanduser() / DEFAULT
    return [usual] if usual.is_file() else []


def choose(paths: Sequence[Path], wanted: str | None) -> Chosen:
    """What the context (None: the current one) of the merged files comes to.

    Raises ``ConfigError``.
    """
    parsed = [(path, _read(path)) for path in paths]
    where = paths[0]
    name = wanted or next(
        (file.current_context for _, file in parsed if file.current_context), ""
    )
    if not name:
        raise _problem(
            where, "current-context", "is not set", "choose one: kubectl config use-context"
        )
    contexts = _merged([(path, file.contexts) for path, file in parsed])
    if name not in contexts:
        known = ", ".join(sorted(contexts)[:10]) or "none"
        raise _problem(where, "contexts", f"there is no context '{name}'; there are: {known}")
    at, entry = contexts[name]
    context = entry.context or Context()
    clusters = _merged([(path, file.clusters) for path, file in parsed])
    if context.cluster not in clusters:
        raise _problem(at, f"contexts.{name}", f"there is no cluster '{context.cluster}'")
    users = _merged([(path, file.users) for path, file in parsed])
    if context.user and context.user not in users:
        raise _problem(at, f"contexts.{name}", f"there is no user '{context.user}'")
    cluster_file, cluster = clusters[context.cluster]
    user_file, user = users.get(context.user, (at, _NamedUser("")))
    return Chosen(
        name,
        context.namespace or None,
        cluster.cluster or Cluster(),
        cluster_file,
        user.user or User(),
        user_file,
    )


_Entry = TypeVar("_Entry", _NamedCluster, _NamedUser, _NamedContext)


def _merged(
    lists: Sequence[tuple[Path, list[_Entry] | None]],
) -> dict[str, tuple[Path, _Entry]]:
    """By name, the first to say it first."""
    found: dict[str, tuple[Path, _Entry]] = {}
    for path, entries in lists:
        for entry in entries or ():
            found.setdefault(entry.name, (path, entry))
    return found


def _read(path: Path) -> _File:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    line, problem, raw = 0, "", None
    try:
        raw = yaml.load(path.read_bytes(), Loader=loader)  # noqa: S506  (a safe loader)
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except yaml.YAMLError as error:
        # Its text shows lines of the file.
        mark = getattr(error, "problem_mark", None)
        line, problem = (mark.line + 1 if mark else 0), "is no YAML"
    except (ValueError, RecursionError):
        problem = "is no YAML"
    if not problem:
        try:
            return msgspec.convert({} if raw is None else raw, _File)
        except msgspec.ValidationError as error:
            problem = str(error)  # kinds and keys, never what stands there
    del raw
    raise ConfigError(Problem(str(path), line, "", problem))


def _problem(path: Path, key: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError(Problem(str(path), 0, key, message), hint=hint)
