from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from skykeep.apps.cli import exchange_file
from skykeep.apps.cli.failures import Stop
from skykeep.errors import Denied, Invalid, NotFound
from tests.apps.cli.harness import Cli
from tests.dialects import foreign

CANARY = "canary-5f3a9c"


@pytest.fixture
def filled(cli: Cli) -> Cli:
    cli("set", "db/password", "p'1")
    cli("set", "db/user", "anna")
    cli("set", "api/token", "t")
    return cli


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- export


def test_export_writes_variables_as_run_makes_them(filled: Cli) -> None:
    assert filled("export", "db/", "--format", "shell").text == (
        "export DB_PASSWORD='p'\\''1'\nexport DB_USER='anna'\n"
    )
    assert filled("export", "db", "--format", "docker", "--strip-prefix").text == (
        "PASSWORD=p'1\nUSER=anna\n"
    )
    assert filled("export", "--format", "json").json == {
        "api/token": "t",
        "db/password": "p'1",
        "db/user": "anna",
    }
    assert "  name: db\n" in filled(
        "export", "db", "--format", "kubernetes", "--name", "db"
    ).text  # fmt: skip


def test_export_to_a_file_is_private_and_replaces(filled: Cli, tmp_path: Path) -> None:
    file = tmp_path / "out.env"
    file.write_text("old")
    file.chmod(0o644)
    link = tmp_path / "link"
    link.symlink_to(file)
    ended = filled("export", "db", "--format", "dotenv", "--output-file", str(link))
    assert (ended.out, "2 written" in ended.err) == (b"", True)
    assert file.read_text() == "DB_PASSWORD='p\\'1'\nDB_USER='anna'\n"
    assert link.is_symlink()
    assert mode(file) == 0o600


def test_a_value_that_does_not_fit_leaves_the_file(filled: Cli, tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("old")
    filled("set", "db/raw", "-", stdin=f"{CANARY}\x00".encode())
    ended = filled("export", "db", "--format", "fish", "--output-file", str(file), code=13)
    assert "'db/raw' cannot be written as fish: it has a NUL byte" in ended.err
    assert CANARY not in ended.err
    assert file.read_text() == "old"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_export_says_that_values_are_shown(filled: Cli) -> None:
    ended = filled("export", "api", "--format", "shell", terminal=True)
    assert "values are shown" in ended.err
    assert "values are shown" not in filled("export", "api", "--format", "shell").err


def test_what_export_refuses(filled: Cli) -> None:
    filled("set", "db/user.x", "1")
    filled("set", "db/user-x", "2")
    ended = filled("export", "db", "--format", "shell", code=14)
    assert "both want the variable DB_USER_X" in ended.err
    assert "--set" not in ended.err
    assert "db/user-x" in filled("export", "db", "--format", "yaml").text
    assert "under 'none'" in filled("export", "none", "--format", "json", code=10).err
    filled("export", "db", code=2)
    filled("export", "api", "--format", "json", "--name", "x", code=2)
    filled("export", "api", "--format", "json", "--output-file", "no/such", code=10)


def test_an_expired_secret_is_exported_with_a_warning(filled: Cli) -> None:
    filled("set", "old/one", "v", "--expires", "2020-01-01")
    ended = filled("export", "old", "--format", "docker")
    assert (ended.text, "'old/one' has expired" in ended.err) == ("OLD_ONE=v\n", True)


def test_github_actions_masks_before_it_writes(
    filled: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ENV", raising=False)
    command = ("export", "db", "--format", "github-actions")
    assert "GITHUB_ENV" in filled(*command, code=2).err
    file = tmp_path / "env"
    file.write_text("EARLIER=1\n")
    monkeypatch.setenv("GITHUB_ENV", str(file))
    assert filled(*command).text == "::add-mask::p'1\n::add-mask::anna\n"
    assert file.read_text().startswith("EARLIER=1\nDB_PASSWORD<<SKYKEEP_0\np'1\nSKYKEEP_0\n")
    answer = filled(*command, "--output", "json").json
    assert answer["text"].startswith("::add-mask::")
    filled(*command, "--output-file", str(tmp_path / "none" / "x"), code=11)


# -- import


def plan(cli: Cli, *args: str, code: int = 0) -> dict[str, str]:
    answer = cli("import", *args, "--output", "json", code=code).json
    return {step["name"]: step["state"] for step in answer["plan"]}


def test_a_plan_first_then_only_what_is_new_or_changed(filled: Cli, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"password='{CANARY}'\nuser=anna\nport=5432\n")
    command = ("import", str(file), "--prefix", "db/")
    ended = filled(*command, "--dry-run")
    assert ended.text.splitlines() == [
        "STATE      NAME         FROM",
        "changed    db/password  password",
        "unchanged  db/user      user",
        "new        db/port      port",
    ]
    assert "1 new, 1 changed, 1 unchanged" in ended.err
    assert CANARY not in ended.text + ended.err
    filled("get", "db/port", code=10)
    assert "add --yes" in filled(*command, code=2).err
    assert "2 written" in filled(*command, "--yes").err
    assert filled("get", "db/password").text == CANARY
    versions = filled("history", "db/user", "--output", "json").json["versions"]
    assert len(versions) == 1
    assert "0 written" in filled(*command).err  # nothing to do: nothing to agree to
    filled("get", "api/token")  # never deletes


def test_somebody_is_asked(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.env"
    file.write_text("A=1\n")
    ended = cli("import", str(file), stdin=b"n\n", terminal=True, code=1)
    assert "Write 1 secrets? [y/N]" in ended.err
    assert "0 written" in ended.err
    cli("import", str(file), stdin=b"y\n", terminal=True)
    assert cli("get", "A").text == "1"


def test_conflicts_stop_everything(filled: Cli, tmp_path: Path) -> None:
    filled("rm", "api/token")
    file = tmp_path / "x.json"
    file.write_text('{"api/token": "a", "b": "1", "b": "2", "c": "1", "d": "1", "d": "1"}')
    ended = filled("import", str(file), "--yes", code=14)
    assert "conflict  api/token  a deleted secret has the name" in ended.text
    assert "conflict  b          it is there twice" in ended.text
    assert "2 of 4 names are in conflict" in ended.err
    filled("get", "c", code=10)
    assert plan(filled, str(file), code=14)["d"] == "new"
    assert filled("import", str(file), "--output", "json", code=14).error["exit_code"] == 14


def test_what_can_never_be_kept_is_named_at_once(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.apps.cli import import_plan
    from skykeep.dialects.naming import Named
    from skykeep.interfaces.secret_value import SecretValue

    file = tmp_path / "x.json"
    file.write_text(json.dumps({"a" * 300: "v", "b" * 300: "v"}))
    ended = cli("import", str(file), "--yes", code=13)
    assert ended.err.count("a name has at most 255") == 2
    wanted = [Named("a", "a", SecretValue(b"")), Named("b", "b", SecretValue(b"123"))]
    with pytest.raises(Invalid, match=r"(?s)a: the store keeps no empty.*b: .*at most 2 bytes"):
        import_plan._check(wanted, 2, empty=False)


def test_what_somebody_else_wrote_meanwhile_stays(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skykeep.apps.cli.commands import import_

    file = tmp_path / "x.json"
    file.write_text('{"a": "1", "b": "1"}')
    cli("set", "b", "0")

    def agreed(count: int) -> bool:
        cli.process("set", "b", "other")
        return True

    monkeypatch.setattr(import_, "_agreed", agreed)
    ended = cli("import", str(file), "--output", "json", code=14)
    assert ended.json["written"] == 1
    assert cli("get", "b").text == "other"


def test_a_tree_of_env_files(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for name, text in {
        ".env": "A=1\n",
        "web/.env.test": "A=2\n",
        "web/prod.env": "B=3\n",
        "web/.env.example": "A=x\n",
        ".git/.env": "A=y\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert plan(cli, str(root), "--yes", "--prefix", "apps") == {
        "apps/A": "new", "apps/web/test/A": "new", "apps/web/prod/B": "new",
    }  # fmt: skip
    assert cli("get", "apps/web/test/A").text == "2"
    (root / "web" / "prod.env").write_text("B=${A}\n")
    assert "prod.env:1: " in cli("import", str(root), code=13).err
    empty = tmp_path / "empty"
    empty.mkdir()
    cli("import", str(empty), code=10)
    cli("import", str(root), "--format", "json", code=13)


@pytest.mark.parametrize(
    ("file", "data", "kept"),
    [
        ("x.xml", foreign.KEEPASS.encode(), ("Web-Mail/My-Site/password", "p<1>é")),
        ("x.json", foreign.BITWARDEN.encode(), ("Work/Servers/Gitlab/password", "p1")),
        ("x.1pux", foreign.one_pux(), ("Personal/Dropbox/password", "p1")),
        ("x.csv", foreign.ONE_PASSWORD_CSV.encode(), ("Forum-2/password", "p2")),
    ],
)
def test_foreign_exports(
    cli: Cli, tmp_path: Path, file: str, data: bytes, kept: tuple[str, str]
) -> None:
    name, value = kept
    path = tmp_path / file
    path.write_bytes(data)
    assert plan(cli, str(path), "--yes", "--prefix", "f")[f"f/{name}"] == "new"
    assert cli("get", f"f/{name}").text == value
    assert set(plan(cli, str(path), "--prefix", "f").values()) == {"unchanged"}


def test_standard_input_and_files_that_are_not_there(cli: Cli) -> None:
    cli("import", "-", "--format", "dotenv", "--yes", stdin=b"A=1\n")
    assert cli("get", "A").text == "1"
    assert "does not say" in cli("import", "-", stdin=b"A=1\n", code=13).err
    cli("import", "none.env", code=10)
    cli("import", "none", "--format", "pass", code=13)
    assert cli("import", "-", "--format", "dotenv", "--output", "json").json["plan"] == []


@pytest.fixture
def gpg_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key ring with one key; a short path, for gpg's socket lies in it."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = tempfile.mkdtemp(prefix="sk")
    monkeypatch.setenv("GNUPGHOME", home)
    make = (
        "--passphrase",
        "",
        "--quick-gen-key",
        "test@example.com",
        "default",
        "default",
        "never",
    )
    try:
        subprocess.run(["gpg", "--batch", "--quiet", *make], check=True, capture_output=True)
        yield home
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


def test_a_store_of_pass(
    cli: Cli, tmp_path: Path, gpg_home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    (store / "web").mkdir(parents=True)
    (store / ".gpg-id").write_text("test@example.com\n")
    encrypt = ["gpg", "--batch", "--quiet", "--trust-model", "always", "-r", "test@example.com"]
    for name, text in {"mail": "p1\n", "web/my site": "p2\nuser: anna\n"}.items():
        subprocess.run(
            [*encrypt, "-o", str(store / f"{name}.gpg"), "-e"],
            input=text.encode(),
            check=True,
            capture_output=True,
        )
    cli("import", str(store), "--yes")
    assert cli("get", "mail").text == "p1"
    assert cli("get", "web/my-site").text == "p2"
    assert cli("get", "web/my-site/notes").text == "user: anna\n"
    (store / "bad.gpg").write_bytes(b"x")
    assert "gpg does not decrypt" in cli("import", str(store), code=20).err
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "there is no gpg" in cli("import", str(store), code=13).err


@pytest.mark.parametrize(
    "dialect",
    ["dotenv", "yaml", "shell", "fish", "powershell", "docker", "kubernetes", "tfvars"],
)
def test_there_and_back(filled: Cli, tmp_path: Path, dialect: str) -> None:
    file = tmp_path / "file"
    options = ("--format", dialect, "--strip-prefix", "--output-file", str(file))
    filled("export", "db", *options)
    filled("import", str(file), "--format", dialect, "--prefix", "new", "--yes")
    password = "password" if dialect == "yaml" else "PASSWORD"
    assert filled("get", f"new/{password}").text == "p'1"


# -- inject


def test_inject(filled: Cli, tmp_path: Path) -> None:
    filled("set", "db/main", '{"user": "u", "ports": [1]}')
    filled("set", "db/user", "berta")
    template = tmp_path / "t.conf"
    template.write_bytes(
        b'\xff p={{ secret "db/password" }}\r\nu={{ secret "db/user" stage="previous" }}'
        b'{{ secret "db/user" version="2" }}{{ secret "db/main" key="ports.0" }}{{x}}'
    )
    wanted = b"\xff p=p'1\r\nu=annaberta1{{x}}"
    assert filled("inject", str(template)).out == wanted
    out = tmp_path / "out"
    assert "4 filled" in filled("inject", str(template), "-o", str(out)).err
    assert out.read_bytes() == wanted
    assert mode(out) == 0o600
    assert "content_base64" in filled("inject", str(template), "--output", "json").json
    assert filled("inject", "-", stdin=b"plain").out == b"plain"
    assert "values are shown" in filled("inject", str(template), terminal=True).err
    filled("inject", str(template), "-o", str(template), code=2)
    filled("inject", "none", code=10)


def test_all_that_is_missing_is_named_with_its_line(filled: Cli, tmp_path: Path) -> None:
    template = tmp_path / "t"
    template.write_text(
        '{{ secret "no/one" }}\n{{ secret "db/user" }}\n'
        '{{ secret "no/two" }} {{ secret "db/user" version="9" }}\n'
    )
    out = tmp_path / "out"
    ended = filled("inject", str(template), "-o", str(out), code=10)
    for place in (":1: ", "'no/one'", ":3: ", "'no/two'"):
        assert place in ended.err
    assert ended.err.count(f"{template}:3: ") == 2
    assert not out.exists()
    template.write_text('{{ secret "db/user" key="x" }}')
    assert f"{template}:1: " in filled("inject", str(template), code=13).err
    template.write_text('{{ secret "a//b" }}')
    filled("inject", str(template), code=13)


# -- what is never shown


@pytest.mark.parametrize("output", ["text", "json"])
def test_values_are_in_no_plan_error_or_log(
    filled: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    monkeypatch.setenv("SKYKEEP_LOG", "debug")
    filled("set", "bin/a", "-", stdin=f"{CANARY}\x00".encode())
    filled("set", "db/json", "-", stdin=json.dumps({CANARY: CANARY}).encode())
    out = str(tmp_path / "out")

    def quiet(*args: str, stdin: str = "", code: int = 0) -> None:
        ended = filled(*args, "--output", output, stdin=stdin.encode(), code=code)
        assert CANARY not in ended.text + ended.err

    quiet("export", "db", "--format", "yaml", "--output-file", out)
    for dialect in ("dotenv", "shell", "fish", "powershell", "docker", "tfvars"):
        quiet("export", "bin", "--format", dialect, code=13)
        quiet("import", "-", "--format", dialect, stdin=f"'{CANARY}", code=13)
    for dialect in ("json", "bitwarden", "yaml", "kubernetes", "keepass", "1password-csv"):
        quiet("import", "-", "--format", dialect, stdin=f'"{CANARY}', code=13)
    source = json.dumps({"a": CANARY, "api/token": CANARY})
    quiet("import", "-", "--format", "json", "--dry-run", stdin=source)
    quiet("import", "-", "--format", "json", stdin=source, code=2)
    quiet("import", "-", "--format", "json", "--yes", stdin=source)
    twice = f'{{"b": "{CANARY}", "b": "x"}}'
    quiet("import", "-", "--format", "json", "--yes", stdin=twice, code=14)
    quiet("inject", "-", "-o", out, stdin='{{ secret "a" }}')
    quiet("inject", "-", stdin='{{ secret "a" key="k" }}', code=13)
    quiet("inject", "-", stdin='{{ secret "db/json" key="k" }}{{ secret "a" }}', code=10)


# -- files with secrets in them


def test_files_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound):
        exchange_file.write(str(tmp_path / "none" / "x"), b"")
    with pytest.raises(Denied):
        exchange_file.write(str(tmp_path / "x\x00"), b"")
    exchange_file.write("/dev/null", b"x")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Stop, match="No space left"):
        exchange_file.write(str(tmp_path / "x"), b"")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Denied):
        exchange_file.read(str(tmp_path))
    monkeypatch.setattr(exchange_file, "_LONGEST", 2)
    (tmp_path / "x").write_bytes(b"123")
    with pytest.raises(Invalid):
        exchange_file.read(str(tmp_path / "x"))
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(Invalid):
        exchange_file.read("-")
