"""What is peculiar to a directory of files."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from skykeep.errors import ConfigError, Denied, Invalid, NotFound, SkykeepError, Unavailable
from skykeep.interfaces.provider import OpenContext
from skykeep.providers.files import directory as module
from skykeep.providers.files.directory import Directory
from skykeep.providers.files.secrets import FilesSecrets, open_secrets
from skykeep.providers.files.settings import FilesSettings

pytestmark = pytest.mark.asyncio

OUTSIDE = "what lies outside"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").write_text(OUTSIDE)
    (tmp_path / "mount-2").mkdir()
    (tmp_path / "mount-2" / "a").write_text(OUTSIDE)
    (tmp_path / "mount").mkdir()
    return tmp_path / "mount"


def driver(root: Path, **settings: object) -> FilesSecrets:
    return FilesSecrets(
        msgspec.convert({"backend": "files", "path": str(root), **settings}, FilesSettings)
    )


def unmounted(root: Path) -> None:
    root.rmdir()


def mounted(root: Path) -> None:
    root.mkdir()
    (root / "a").write_text("a")


async def text(files: FilesSecrets, name: str) -> str:
    return (await files.get(name)).value.text()


async def names(files: FilesSecrets, prefix: str = "") -> list[str]:
    page = await files.list(prefix, cursor=None, limit=1000)
    assert page.cursor is None
    return [info.name for info in page.items]


async def both(files: FilesSecrets, name: str, kind: type[SkykeepError]) -> str:
    """What ``get`` says; ``describe`` must say the same."""
    said = []
    for work in (files.get, files.describe):
        with pytest.raises(kind) as caught:
            await work(name)
        assert OUTSIDE not in str(caught.value)
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


async def test_bytes_come_back_as_they_are(root: Path) -> None:
    (root / "a").write_bytes(b"\xef\xbb\xbfone\r\n\0\n")
    assert (await driver(root).get("a")).value.reveal() == b"\xef\xbb\xbfone\r\n\0\n"


async def test_the_version_changes_with_the_file(root: Path) -> None:
    files = driver(root)
    (root / "a").write_text("one")
    os.utime(root / "a", (1_700_000_000, 1_700_000_000))
    one = await files.get("a")
    assert one.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (await files.describe("a")).version == one.version
    os.utime(root / "a", ns=(0, 1_700_000_000_000_000_001))
    assert (await files.describe("a")).version != one.version


async def test_a_time_that_no_calendar_has() -> None:
    far = SimpleNamespace(st_ino=1, st_size=2, st_mtime=1e15, st_mtime_ns=10**24)
    assert module._file(cast("os.stat_result", far)).changed_at.year == 9999


@pytest.mark.parametrize(
    "target", ["../outside", "../mount-2/a", "{tmp}/outside", "/etc/passwd"]
)
async def test_links_that_lead_out_are_refused_and_not_listed(root: Path, target: str) -> None:
    (root / "a").symlink_to(target.format(tmp=root.parent))
    (root / "b").write_text("b")
    (root / "dir").symlink_to("../mount-2")
    files = driver(root)
    assert "leads out of the directory" in await both(files, "a", Denied)
    assert "leads out of the directory" in await both(files, "dir/a", Denied)
    assert "leads out of the directory" in await both(files, "native:a", Denied)
    assert await names(files) == ["b"]


async def test_links_within_are_followed(root: Path) -> None:
    (root / "dir").mkdir()
    (root / "dir" / "a").write_text("a")
    (root / "b").symlink_to("dir/a")
    (root / "c").symlink_to(root / "dir" / "a")
    (root / "d").symlink_to("dir")
    files = driver(root)
    assert await names(files) == ["b", "c", "d/a", "dir/a"]
    for name in ("b", "c", "d/a", "dir/a"):
        assert await text(files, name) == "a"


async def test_the_directory_itself_may_be_a_link(root: Path) -> None:
    (root / "a").write_text("a")
    (root.parent / "link").symlink_to("mount")
    files = driver(root.parent / "link")
    assert await text(files, "a") == "a"
    assert await names(files) == ["a"]


async def test_links_in_circles_end(root: Path) -> None:
    (root / "a").write_text("a")
    for name in ("b", "c", "d"):
        (root / name).symlink_to(".")
    (root / "e").symlink_to("e")
    (root / "dir").mkdir()
    (root / "dir" / "up").symlink_to("..")
    files = driver(root)
    assert await names(files) == ["a"]
    assert await text(files, "b/c/a") == "a"
    assert "cannot be opened" in await both(files, "e", Denied)


@pytest.mark.parametrize(
    "name",
    [
        "native:../outside",
        "native:x/../../outside",
        "native:/etc/passwd",
        "native:a//b",
        "native:a/",
        "native:..data/a",
        "native:..2026/a",
        "..data",
        "...",
    ],
)
async def test_names_that_would_leave_the_mount(root: Path, name: str) -> None:
    (root / "x").mkdir()
    (root / "..2026").mkdir()
    (root / "..2026" / "a").write_text(OUTSIDE)
    (root / "..data").symlink_to("..2026")
    (root / "...").write_text(OUTSIDE)
    files = driver(root)
    assert "no file of that name can be" in await both(files, name, NotFound)
    assert await names(files) == []


async def test_what_is_no_file_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "dir").mkdir()
    (root / "device").symlink_to(os.devnull)
    opened: list[str] = []
    files = driver(root)
    real = os.open

    def watched(path: os.PathLike[str], *args: int, **kwargs: int) -> int:
        opened.append(str(path))
        return real(path, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "open", watched)
        for name in ("pipe", "dir", "device", "native:."):
            assert "is not a regular file" in await both(files, name, NotFound)
    assert opened == []
    assert await names(files) == []


async def test_a_pipe_that_takes_the_place_of_the_file_is_not_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").write_text("a")
    about = (root / "a").stat()
    (root / "a").unlink()
    os.mkfifo(root / "a")
    monkeypatch.setattr(Directory, "_regular", lambda self, path, name: about)
    with pytest.raises(NotFound, match="is not a regular file"):
        await driver(root).get("a")


async def test_a_link_that_is_swapped_behind_the_look_is_found_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").symlink_to("../outside")
    about = (root.parent / "outside").stat()
    monkeypatch.setattr(Directory, "_regular", lambda self, path, name: about)
    with pytest.raises(Denied, match="leads out"):
        await driver(root).get("a")


async def test_large_files(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_VALUE_BYTES", 8)
    files = driver(root)
    (root / "a").write_bytes(b"x" * 8)
    assert await text(files, "a") == "x" * 8
    (root / "a").write_bytes(b"x" * 9)
    with pytest.raises(Invalid, match=f"'{root}/a' has more than 8 bytes"):
        await files.get("a")
    assert await names(files) == ["a"]


async def test_a_file_that_grows_while_it_is_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_VALUE_BYTES", 8)
    (root / "a").write_bytes(b"x" * 7)  # 8 when its size is taken, 9 when it is read
    real = os.fstat

    def then_it_grows(descriptor: int) -> os.stat_result:
        about = real(descriptor)
        with (root / "a").open("ab") as file:
            file.write(b"y")
        return about

    monkeypatch.setattr(os, "fstat", then_it_grows)
    with pytest.raises(Invalid, match="more than 8 bytes"):
        await driver(root).get("a")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.EACCES, Denied),
        (errno.EPERM, Denied),
        (errno.ELOOP, Denied),
        (errno.ENOENT, NotFound),
        (errno.ENOTDIR, NotFound),
        (errno.ESTALE, Unavailable),
        (errno.EIO, Unavailable),
        (errno.ETIMEDOUT, Unavailable),
        (errno.EMFILE, Unavailable),
        (errno.ENAMETOOLONG, Invalid),
    ],
)
async def test_failures_of_the_file_system(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[SkykeepError]
) -> None:
    (root / "a").write_text("a")

    def fail(*args: object, **kwargs: object) -> int:
        raise OSError(code, os.strerror(code))

    files = driver(root)
    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(kind, match=f"'{root}/a'") as caught:
        await files.get("a")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert await names(files) == ["a"]  # what may not be read is there all the same
    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(kind):
        await files.list("", cursor=None, limit=10)


async def test_a_directory_that_is_not_mounted_and_then_is(root: Path) -> None:
    unmounted(root)
    files = driver(root)
    said = await both(files, "a", NotFound)
    assert said == (f"there is no secret 'a': there is no directory '{root}'; is it mounted?")
    with pytest.raises(NotFound, match="is it mounted"):
        await files.list("", cursor=None, limit=10)
    mounted(root)
    assert await text(files, "a") == "a"


async def test_the_path_is_shown_whole(root: Path) -> None:
    deep = root / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    assert str(deep / "a") in await both(driver(deep), "a", NotFound)


async def test_files_whose_names_are_not_portable(root: Path) -> None:
    (root / "tls key.pem").write_text("key")
    (root / "a").write_text("a")
    files = driver(root)
    assert await names(files) == ["a"]
    assert await text(files, "native:tls key.pem") == "key"


async def test_given_files(root: Path) -> None:
    (root / "api_keys").write_text("1")
    (root / "b").write_text("2")
    files = driver(root, files={"llm-shield/api-keys": "api_keys", "gone": "not-there"})
    assert await names(files) == ["b", "llm-shield/api-keys"]
    assert await text(files, "llm-shield/api-keys") == "1"
    assert await text(files, "native:api_keys") == "1"
    with pytest.raises(NotFound, match="gives that file to 'llm-shield/api-keys'"):
        await files.get("api_keys")  # one file, one name
    with pytest.raises(NotFound, match=f"there is no file '{root}/not-there'"):
        await files.get("gone")


async def test_given_files_are_under_the_prefix(root: Path) -> None:
    (root / "api_keys").write_text("1")
    (root / "shop").mkdir()
    (root / "shop" / "b").write_text("2")
    files = driver(root, files={"keys": "api_keys"}, secret_prefix="shop/")
    assert await names(files) == ["b", "keys"]
    assert await text(files, "keys") == "1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"a//b": "x"}, "is not a name"),
        ({"native:a": "x"}, "is a native name"),
        ({"a": ""}, "is not empty"),
        ({"a": "x\n"}, "control characters"),
        ({"a": "../x"}, "is no path within the directory"),
        ({"a": "/x"}, "is no path within the directory"),
        ({"a": "..data/x"}, "is no path within the directory"),
        ({"a": "x", "b": "x"}, "two names have the same file"),
    ],
)
async def test_wrong_files(root: Path, given: dict[str, str], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        driver(root, files=given)


async def test_wrong_paths(root: Path, tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError, match="is no path of a directory"):
        driver(Path("a\0b"))
    settings = FilesSettings(backend="files", path="~nobody-of-that-name/secrets")
    with pytest.raises(ConfigError, match="home directory"):
        await open_secrets(settings, OpenContext("primary (files)", {}, lambda: tmp_path))
