"""Which apiserver, and as whom: kubeconfigs, service accounts, settings."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from skykeep.errors import ConfigError, Denied, Unauthenticated
from skykeep.providers.kubernetes.access import Access, find_access
from skykeep.providers.kubernetes.settings import KubernetesSettings
from skykeep.settings.schema import json_schema
from tests.providers.kubernetes.opening import settings

PEM = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"
CODED = base64.b64encode(PEM.encode()).decode()
TOKEN = "made-up-" + "token"


def config(**more: Any) -> dict[str, Any]:
    """A kubeconfig with one context; keyword arguments replace its parts."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "ops",
        "contexts": [{"name": "ops", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://c.example:6443"}}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        **more,
    }


def with_cluster(**keys: Any) -> dict[str, Any]:
    cluster = {"server": "https://c.example:6443"} | {
        key.replace("_", "-"): value for key, value in keys.items()
    }
    return config(clusters=[{"name": "c", "cluster": cluster}])


def with_user(**keys: Any) -> dict[str, Any]:
    user = {key.rstrip("_").replace("_", "-"): value for key, value in keys.items()}
    return config(users=[{"name": "u", "user": user}])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".kube").mkdir()
    return tmp_path


def write(file: Path, content: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


def found(home: Path, content: dict[str, Any], **keys: Any) -> Access:
    write(home / ".kube" / "config", content)
    return find_access(settings(**keys), {"HOME": str(home)})


def authorization(access: Access) -> str | None:
    return access.source.find().authorization


def refused(home: Path, content: dict[str, Any], *words: str, **keys: Any) -> None:
    """It is refused, in these words, and without what is secret in it."""
    with pytest.raises(ConfigError) as caught:
        found(home, content, **keys)
    for word in words:
        assert word in str(caught.value)
    assert TOKEN not in repr(caught.value) + str(caught.value)


# -- the kubeconfig


def test_the_file_in_the_home_directory(home: Path) -> None:
    access = found(home, config())
    assert (access.server, access.namespace) == ("https://c.example:6443", "default")
    assert authorization(access) == f"Bearer {TOKEN}"
    assert "context 'ops'" in access.where
    assert str(home / ".kube" / "config") in access.source.words
    assert TOKEN not in repr(access) + repr(access.source)


def test_the_namespace_of_settings_goes_before_that_of_the_context(home: Path) -> None:
    context = {"cluster": "c", "user": "u", "namespace": "team"}
    content = config(contexts=[{"name": "ops", "context": context}])
    assert found(home, content).namespace == "team"
    assert found(home, content, namespace="other").namespace == "other"


def test_another_context(home: Path) -> None:
    contexts = [
        {"name": name, "context": {"cluster": name, "user": "u"}} for name in ("ops", "dev")
    ]
    clusters = [
        {"name": name, "cluster": {"server": f"https://{name}"}} for name in ("ops", "dev")
    ]
    content = config(contexts=contexts, clusters=clusters)
    assert found(home, content).server == "https://ops"
    assert found(home, content, context="dev").server == "https://dev"
    refused(home, content, "'prod'", "dev, ops", context="prod")


def test_a_list_of_files_is_merged_the_first_first(home: Path) -> None:
    (home / "one").mkdir()
    (home / "two").mkdir()
    first = write(
        home / "one" / "config",
        {"current-context": "ops", "users": [{"name": "u", "user": {"tokenFile": "t"}}]},
    )
    (home / "one" / "t").write_text("the first\n")
    second = write(
        home / "two" / "config",
        config(**{"current-context": "dev"})
        | {
            "clusters": [
                {
                    "name": "c",
                    "cluster": {"server": "https://two", "certificate-authority": "ca"},
                }
            ]
        },
    )
    (home / "two" / "ca").write_text(PEM)
    environ = {
        "HOME": str(home),
        "KUBECONFIG": os.pathsep.join([str(first), "", str(home / "missing"), str(second)]),
    }
    access = find_access(settings(), environ)
    assert access.server == "https://two", "what the first has not, the second says"
    assert access.material.authorities == PEM, "beside the file that names it"
    assert authorization(access) == "Bearer the first"


def test_a_list_of_which_nothing_is_there(home: Path) -> None:
    write(home / ".kube" / "config", config())
    with pytest.raises(ConfigError, match="KUBECONFIG"):
        find_access(settings(), {"HOME": str(home), "KUBECONFIG": str(home / "missing")})


def test_the_file_of_the_settings(home: Path) -> None:
    file = write(home / "mine", config())
    assert find_access(settings(kubeconfig=str(file)), {}).server == "https://c.example:6443"
    with pytest.raises(ConfigError, match="is not there"):
        find_access(settings(kubeconfig=str(home / "missing")), {})


BROKEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "no YAML": (f"kind: Config\nusers: [{TOKEN}", ("is no YAML", ":3")),
    "another shape": (f"users: {{u: {TOKEN}}}", ("$.users",)),
    "no text": ("clusters: [{name: c, cluster: {server: [1]}}]", ("cluster.server",)),
    "empty": ("", ("current-context", "is not set")),
    "a list": (f"[{TOKEN}]", ("object",)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_none(home: Path, name: str) -> None:
    text, words = BROKEN[name]
    file = home / ".kube" / "config"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        find_access(settings(), {"HOME": str(home)})
    assert str(file) in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value
    assert TOKEN not in str(caught.value)


def test_a_file_that_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):  # whoever runs the test
        find_access(settings(kubeconfig="/proc/self/mem"), {})


REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "insecure": (
        with_cluster(insecure_skip_tls_verify=True),
        ("insecure-skip-tls-verify", "certificate-authority-data", "tls-server-name"),
    ),
    "auth-provider": (
        with_user(auth_provider={"name": "gcp"}),
        ("auth-provider", "gke-gcloud-auth-plugin", "kubelogin"),
    ),
    "no cluster": (config(clusters=[]), ("no cluster 'c'",)),
    "no user": (config(users=[]), ("no user 'u'",)),
    "no server": (config(clusters=[{"name": "c", "cluster": {}}]), ("server", "is not set")),
    "authority": (with_cluster(certificate_authority_data="x!"), ("no", "base64")),
    "a key alone": (with_user(client_key_data=CODED), ("belong together",)),
    "no base64": (
        with_user(client_certificate_data="?", client_key_data=CODED),
        ("client-certificate-data", "base64"),
    ),
    "a file that is not there": (
        with_user(client_certificate="missing", client_key="missing"),
        ("cannot be read",),
    ),
    "a token of two lines": (with_user(token=f"{TOKEN}\n{TOKEN}"), ("a character",)),
    "groups of nobody": (
        with_user(token=TOKEN, as_groups=["ops"]),
        ("users[].user.as", "is missing"),
    ),
    "exec and token": (
        with_user(token=TOKEN, exec={"command": "x"}),
        ("exec", "beside a token"),
    ),
    "namespace": (
        config(contexts=[{"name": "ops", "context": {"cluster": "c", "namespace": "A/b"}}]),
        ("namespace",),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_honoured_is_refused(home: Path, name: str) -> None:
    content, words = REFUSED[name]
    refused(home, content, *words)


def test_certificates_as_data_and_as_files(home: Path) -> None:
    (home / ".kube" / "pem").write_text(PEM)
    data = found(home, with_user(client_certificate_data=CODED, client_key_data=CODED)).material
    files = found(home, with_user(client_certificate="pem", client_key="pem")).material
    for made in (data, files):
        assert (made.certificate, made.key) == (PEM.encode(), PEM.encode())
        assert "CERTIFICATE" not in repr(made)


def test_what_a_cluster_says_of_the_way(home: Path) -> None:
    access = found(
        home,
        with_cluster(
            certificate_authority_data=CODED,
            certificate_authority="goes second",
            tls_server_name="kubernetes.default",
            proxy_url="http://proxy.example:3128",
        ),
    )
    assert access.material.authorities == PEM
    assert access.material.server_name == "kubernetes.default"
    assert access.proxy == "http://proxy.example:3128"


def test_a_user_name_and_password(home: Path) -> None:
    access = found(home, with_user(username="ops", password="made up"))
    coded = base64.b64encode(b"ops:made up").decode()
    assert authorization(access) == f"Basic {coded}"


def test_nobody(home: Path) -> None:
    access = found(home, config(contexts=[{"name": "ops", "context": {"cluster": "c"}}]))
    assert authorization(access) is None
    assert "no credentials" in access.source.words


def test_impersonation(home: Path) -> None:
    access = found(
        home,
        with_user(
            token=TOKEN,
            as_="jane",
            as_uid="7",
            as_groups=["dev", "ops"],
            as_user_extra={"Example.com/scope": ["a", "b"]},
        ),
    )
    assert access.headers == (
        ("Impersonate-User", "jane"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-example.com%2Fscope", "a"),
        ("Impersonate-Extra-example.com%2Fscope", "b"),
    )


def test_endpoint_and_token_file_go_before_the_kubeconfig(home: Path) -> None:
    (home / "token").write_text("another")
    content = with_cluster(certificate_authority_data=CODED)
    access = found(home, content, endpoint="https://private.example")
    assert (access.server, access.material.authorities) == ("https://private.example", PEM)
    assert (
        authorization(found(home, content, token_file=str(home / "token"))) == "Bearer another"
    )


# -- the pod


def pod(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in {"token": TOKEN, "ca.crt": PEM, "namespace": "team\n", **files}.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


VARIABLES = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}


def test_the_service_account_of_the_pod(home: Path) -> None:
    folder = pod(home / "account")
    access = find_access(
        settings(service_account=str(folder)), {"HOME": str(home), **VARIABLES}
    )
    assert (access.server, access.namespace) == ("https://10.0.0.1:6443", "team")
    assert access.material.authorities == PEM
    assert authorization(access) == f"Bearer {TOKEN}"
    (folder / "token").write_text("rotated")
    assert authorization(access) == "Bearer rotated"


def test_an_ipv6_address_and_the_usual_port(home: Path) -> None:
    access = find_access(
        settings(service_account=str(pod(home / "account")), in_cluster=True),
        {"HOME": str(home), "KUBERNETES_SERVICE_HOST": "fd00::1"},
    )
    assert access.server == "https://[fd00::1]:443"


def test_a_kubeconfig_goes_before_the_pod_unless_that_is_asked_for(home: Path) -> None:
    write(home / ".kube" / "config", config())
    environ = {"HOME": str(home), **VARIABLES}
    folder = str(pod(home / "account"))
    assert "c.example" in find_access(settings(service_account=folder), environ).server
    chosen = find_access(settings(service_account=folder, in_cluster=True), environ)
    assert "10.0.0.1" in chosen.server


def test_no_pod(home: Path) -> None:
    environ = {"HOME": str(home), **VARIABLES}
    folder = str(pod(home / "account"))
    for keys, given in (
        ({"in_cluster": False, "service_account": folder}, environ),
        ({"service_account": str(home / "missing")}, environ),
        ({"service_account": folder}, {"HOME": str(home)}),
        ({"service_account": folder, "context": "ops"}, environ),
    ):
        with pytest.raises(ConfigError, match="no kubeconfig"):
            find_access(settings(**keys), given)
    with pytest.raises(ConfigError, match="KUBERNETES_SERVICE_HOST"):
        find_access(settings(in_cluster=True, service_account=folder), {})
    with pytest.raises(ConfigError, match=r"ca\.crt"):
        find_access(settings(in_cluster=True, service_account=str(home / "no")), environ)


def test_a_token_that_is_not_there(home: Path) -> None:
    folder = pod(home / "account", token="")
    access = find_access(
        settings(service_account=str(folder), in_cluster=True), {"HOME": "/", **VARIABLES}
    )
    with pytest.raises(Unauthenticated, match="automountServiceAccountToken"):
        access.source.find()
    (folder / "token").unlink()
    with pytest.raises(Unauthenticated):
        access.source.find()
    (folder / "token").mkdir()
    with pytest.raises(Denied, match="cannot be read"):
        access.source.find()


# -- settings


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"in_cluster": True, "context": "ops"}, "uses no kubeconfig"),
        ({"key": "a/b"}, "key"),
        ({"key": ".."}, "key"),
        ({"labels": {"team": "shop"}}, "tags"),
        ({"labels": {"example.com/team": "a b"}}, "value of a label"),
        ({"secret_prefix": "/x"}, "secret_prefix"),
        ({"namespace": "A"}, "namespace"),
        ({"in_cluster": "perhaps"}, "in_cluster"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_settings_that_cannot_be(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        settings(**keys)


def test_the_schema_of_such_a_target() -> None:
    schema = json_schema({"kubernetes": KubernetesSettings})
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema).is_valid
    target = {"backend": "kubernetes", "type": "Opaque", "labels": {"example.com/a": "b"}}
    assert valid({"production": {"primary": {**target, "in_cluster": True}}})
    assert valid({"production": {"primary": {**target, "in_cluster": "${IN_CLUSTER}"}}})
    assert not valid({"production": {"primary": {**target, "types": "Opaque"}}})


def test_settings_that_can_be() -> None:
    made = settings(
        key=".dockerconfigjson", labels={"example.com/part-of": ""}, in_cluster="auto"
    )
    assert isinstance(made, KubernetesSettings)
    assert made.type == "Opaque"
