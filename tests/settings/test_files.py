"""Which file is read, and what files that are no configuration get."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skykeep.settings.places import cache_dir, config_dir, data_dir, home
from tests.settings.conftest import Load, Mistakes


def write(path: Path, name: str) -> None:
    path.write_text(f"{name}: {{primary: {{backend: memory}}}}\n")


def test_look_up_order(loaded: Load, mistakes: Mistakes, directory: Path, home: Path) -> None:
    write(home / "skykeep.yaml", "user")
    assert loaded().name == "user"
    write(directory / "cloud_config.yaml", "cloud_config")
    assert loaded().name == "cloud_config"
    write(directory / "skykeep.yaml", "here")
    assert loaded().name == "here"
    write(directory / "variable.yaml", "variable")
    variable = {"SKYKEEP_CONFIG": "variable.yaml"}
    assert loaded(None, variable).name == "variable"
    write(directory / "flag.yaml", "flag")
    assert loaded(None, variable, config="flag.yaml").name == "flag"
    assert loaded(None, variable, config=directory / "flag.yaml").name == "flag"
    assert loaded(None, {"SKYKEEP_CONFIG": ""}).name == "here"


@pytest.mark.parametrize(
    ("environ", "flags", "message"),
    [
        ({}, {"config": "none.yaml"}, "none.yaml: there is no such file (named by --config)"),
        ({}, {"config": ""}, "'': there is no such file (named by --config)"),
        (
            {"SKYKEEP_CONFIG": "gone/none.yaml"},
            {},
            "gone/none.yaml: there is no such file (named by SKYKEEP_CONFIG)",
        ),
        ({}, {"config": "."}, ".: a file is expected; this is a directory"),
        ({}, {"config": "a\0b"}, "'a\\x00b': this is not a path"),
        ({}, {"config": "a" * 5000}, f"{'a' * 5000}: cannot be read: File name too long"),
    ],
)
def test_a_file_that_was_named_must_be_readable(
    mistakes: Mistakes, environ: dict[str, str], flags: dict[str, str], message: str
) -> None:
    assert mistakes(None, environ, **flags) == [message]


def test_a_directory_where_a_file_is_looked_up(mistakes: Mistakes, directory: Path) -> None:
    (directory / "skykeep.yaml").mkdir()
    assert mistakes() == [": a file is expected; this is a directory"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_unreadable(mistakes: Mistakes, directory: Path) -> None:
    write(directory / "skykeep.yaml", "a")
    (directory / "skykeep.yaml").chmod(0)
    assert mistakes() == [": cannot be read: Permission denied"]


def test_not_utf8(mistakes: Mistakes, directory: Path) -> None:
    (directory / "skykeep.yaml").write_bytes(b"a: 1\nb: \xff\n")
    assert mistakes() == [":2: the file is not UTF-8 text"]


def test_too_large(mistakes: Mistakes, loaded: Load) -> None:
    text = "# " + "x" * ((1 << 20) - 2)
    assert loaded(text).name is None
    assert mistakes(text + "x") == [": the file is larger than 1 MiB"]


def test_one_home_for_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"SKYKEEP_HOME": str(tmp_path)}
    assert home(environ) == config_dir(environ) == data_dir(environ) == tmp_path
    assert cache_dir(environ) == tmp_path / "cache"
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]
    assert data_dir({"SKYKEEP_HOME": "x"}) == Path.cwd() / "x"
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert data_dir({"SKYKEEP_HOME": "~/keep"}) == tmp_path / "me" / "keep"


def test_without_a_home_the_system_s_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
    monkeypatch.setenv("XDG_DATA_HOME", "/d")
    monkeypatch.setenv("XDG_CACHE_HOME", "/e")
    assert home({}) is None
    for place in (config_dir, data_dir, cache_dir):
        assert place({}) == place({"SKYKEEP_HOME": ""})
        assert place({}).name == "skykeep"
        assert not place({}).exists()


def test_a_home_of_nobody(mistakes: Mistakes) -> None:
    environ = {"SKYKEEP_HOME": "~no.such.user/x"}
    assert mistakes(None, environ) == [
        "SKYKEEP_HOME: the home directory that '~' stands for is not known"
    ]
