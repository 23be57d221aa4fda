"""What is written comes back from its real reader, and from ours, byte for byte."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import dotenv
import hcl2
import pytest
import yaml
from hypothesis import assume, given

from skykeep.dialects import dotenv as dotenv_dialect
from skykeep.dialects import github_actions, kubernetes, table
from skykeep.errors import Invalid
from tests.dialects.consumers import (
    NASTY,
    SHELLS,
    TEXT,
    TEXTS,
    environment,
    outgoing,
    quick,
    read_back,
    started,
    variables,
)

TEXT_DIALECTS = sorted(table.WRITTEN.keys() - {"json", "yaml", "kubernetes"})


def fitting(dialect: str, texts: list[str]) -> tuple[list[str], str]:
    """The values that the dialect carries, and what is written of them."""
    kept = []
    for text in texts:
        try:
            table.written(dialect, outgoing([text]))
        except Invalid:
            continue
        kept.append(text)
    return kept, table.written(dialect, outgoing(kept))


@pytest.mark.parametrize("dialect", sorted(table.WRITTEN))
@quick
@given(TEXTS)
def test_our_reader_reads_what_we_write(dialect: str, texts: list[str]) -> None:
    kept, text = fitting(dialect, texts)
    found = table.read(dialect, text.encode(), "file")
    assert read_back(found) == variables(kept)


@pytest.mark.parametrize("dialect", ["shell", "yaml", "json", "kubernetes", "github-actions"])
@quick
@given(TEXT)
def test_these_carry_every_text(dialect: str, text: str) -> None:
    assert fitting(dialect, [text])[0] == [text]


@pytest.mark.parametrize("shell", sorted(SHELLS))
@started
@given(TEXTS)
def test_a_real_shell_reads_it(shell: str, tmp_path: Path, texts: list[str]) -> None:
    kept, text = fitting("fish" if shell == "fish" else "shell", [*texts, *NASTY])
    assert environment(shell, text, tmp_path) == variables(kept)


def test_fish_carries_all_but_its_own_characters() -> None:
    assert fitting("fish", NASTY)[0] == NASTY
    assert fitting("fish", ["\uf6aa", "\ufdd0", "\ue000"])[0] == ["\ue000"]


@quick
@given(TEXTS)
def test_python_dotenv_reads_it(tmp_path: Path, texts: list[str]) -> None:
    kept, text = fitting("dotenv", [*texts, *NASTY])
    file = tmp_path / ".env"
    file.write_bytes(text.encode())
    assert dotenv.dotenv_values(file, interpolate=False) == variables(kept)


@quick
@given(TEXT)
def test_dotenv_refuses_only_what_it_must(text: str) -> None:
    if dotenv_dialect.quoted(text) is None:
        assert text.endswith("\\") or {"\r", "$"} <= set(text)


@quick
@given(TEXTS)
def test_pyyaml_reads_it(texts: list[str]) -> None:
    assert yaml.safe_load(table.written("yaml", outgoing(texts))) == variables(texts)


@quick
@given(TEXTS)
def test_json_reads_it(texts: list[str]) -> None:
    assert json.loads(table.written("json", outgoing(texts))) == variables(texts)


@quick
@given(TEXTS)
def test_a_kubernetes_secret_is_read_by_pyyaml(texts: list[str]) -> None:
    document = yaml.safe_load(kubernetes.write(outgoing(texts), "db"))
    assert (document["kind"], document["metadata"]) == ("Secret", {"name": "db"})
    found = {name: base64.b64decode(text).decode() for name, text in document["data"].items()}
    assert found == variables(texts)


def hcl_text(literal: str) -> str:
    """The text of a string literal, by the escapes of HCL's specification.

    python-hcl2 holds the grammar and leaves the literal as it is written.
    """

    def plain(found: re.Match[str]) -> str:
        if found["code"]:
            return chr(int(found["code"][1:], 16))
        return {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}[found["one"]]

    assert literal[0] == literal[-1] == '"'
    return re.sub(r"\\(?:(?P<code>u[0-9a-f]{4}|U[0-9a-f]{8})|(?P<one>.))", plain, literal[1:-1])


@started
@given(TEXTS)
def test_python_hcl2_reads_it(texts: list[str]) -> None:
    kept, text = fitting("tfvars", [*texts, *NASTY])
    assert "${" not in text
    assert "%{" not in text
    found = hcl2.loads(text)
    assert {
        name: hcl_text(value) for name, value in found.items() if name.startswith("SK_")
    } == variables(kept)


def docker_reads(data: bytes) -> dict[str, str]:
    """As docker/cli's pkg/kvfile: bufio.ScanLines, left trim, comments, the first '='."""
    found = {}
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        text = line.removesuffix(b"\r").decode().lstrip()
        if text and not text.startswith("#"):
            name, _, value = text.partition("=")
            found[name] = value
    return found


@quick
@given(TEXTS)
def test_docker_reads_it(texts: list[str]) -> None:
    kept, text = fitting("docker", texts)
    assert docker_reads(text.encode()) == variables(kept)


def runner_reads(text: str) -> dict[str, str]:
    """As actions/runner's EnvFileKeyValuePairs on Linux."""
    found, lines = {}, text.split("\n")
    while lines and (line := lines.pop(0)):
        name, _, mark = line.partition("<<")
        end = lines.index(mark)
        found[name], lines = "\n".join(lines[:end]), lines[end + 1 :]
    return found


@quick
@given(TEXTS)
def test_the_runner_of_github_reads_it(texts: list[str]) -> None:
    assert runner_reads(github_actions.write(outgoing(texts))) == variables(texts)


@quick
@given(TEXT)
def test_a_mask_is_one_command_on_one_line(text: str) -> None:
    masks = github_actions.masks(outgoing([text]))
    if not text.strip():
        assert masks == ""
        return
    assert masks.endswith("\n")
    assert not {"\n", "\r"} & set(masks[:-1])
    plain = masks[len("::add-mask::") : -1]
    for escape, char in (("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        plain = plain.replace(escape, char)
    assert plain == text


def test_a_delimiter_that_is_in_the_value_is_not_used() -> None:
    text = github_actions.write(outgoing(["SKYKEEP_0\nSKYKEEP_1"]))
    assert text == "SK_V0<<SKYKEEP_2\nSKYKEEP_0\nSKYKEEP_1\nSKYKEEP_2\n"


def test_powershell() -> None:
    """No PowerShell is at hand here: its published rules are what is held."""
    assert table.written("powershell", outgoing(["it's $x `n"])) == (
        "$env:SK_V0 = 'it''s $x `n'\n"
    )
    text = table.written("powershell", outgoing(["\u2019é"]))
    assert text.isascii()
    assert "FromBase64String('4oCZw6k=')" in text
    with pytest.raises(Invalid, match="removes the variable"):
        table.written("powershell", outgoing([""]))


@pytest.mark.parametrize("dialect", TEXT_DIALECTS)
@pytest.mark.parametrize(
    ("value", "reason"), [(b"a\x00canary", "NUL"), (b"\xffcanary", "not UTF-8")]
)
def test_what_is_no_text_is_refused_by_name(dialect: str, value: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=f"'v/0' cannot be written as {dialect}: .*{reason}") as e:
        table.written(dialect, outgoing([value]))
    assert "canary" not in str(e.value)
    assert "skykeep get v/0" in e.value.hint
    assert e.value.__context__ is None


@pytest.mark.parametrize("dialect", ["json", "yaml", "kubernetes"])
def test_these_carry_binary(dialect: str) -> None:
    values = [b"\xff\x00\n", b"", b"\x00"]
    text = table.written(dialect, outgoing(values))
    items = table.read(dialect, text.encode(), "file")
    assert [item.fields[0][1].reveal() for item in items] == values


@pytest.mark.parametrize(
    ("dialect", "value", "reason"),
    [
        ("docker", "a\nb", "more than one line"),
        ("docker", "a\r", "carriage return"),
        ("docker", "x" * 65530, "64 KiB"),
        ("dotenv", "a b\\", "backslash"),
        ("tfvars", "e\u0301", "NFC"),
        ("fish", "\ufdd0", "keeps for itself"),
    ],
)
def test_what_a_dialect_cannot_carry_is_refused(dialect: str, value: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        table.written(dialect, outgoing([value]))


def test_names_that_are_kept_and_limits() -> None:
    values = outgoing(["x"])
    with pytest.raises(Invalid, match="cannot name a Kubernetes Secret"):
        kubernetes.write(values, "Db_1")
    with pytest.raises(Invalid, match="at most 1,048,576 bytes"):
        kubernetes.write(outgoing(["x" * 600_000, "x" * 600_000]))
    for key in ("GITHUB_TOKEN", "RUNNER_OS", "NODE_OPTIONS"):
        with pytest.raises(Invalid, match=key):
            github_actions.write([type(values[0])(key, "a/b", values[0].value)])


@quick
@given(TEXT)
def test_dotenv_keeps_a_text_without_quotes_as_it_is(text: str) -> None:
    """What knows no escapes at all still reads most values right."""
    assume(not set("'\r") & set(text) and "\\\\" not in text and not text.endswith("\\"))
    assert dotenv_dialect.quoted(text) == f"'{text}'"


def test_the_shells_that_were_met() -> None:
    """Bash and dash are everywhere that these tests run; the others may be skipped."""
    for shell in ("bash", "dash"):
        subprocess.run([shell, "-c", ":"], check=True)
