"""``BlockingModelStore``: the same without an event loop."""

from __future__ import annotations

from pathlib import Path

import pytest

import skykeep


def test_without_an_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKYKEEP_HOME", str(tmp_path / "home"))
    path = tmp_path / "m.onnx"
    path.write_bytes(b"weights")
    with skykeep.open_blocking() as cloud, skykeep.BlockingModelStore(cloud) as models:
        assert models.push("m", "1", path).latest
        assert models.pull("m").is_relative_to(tmp_path / "home" / "cache" / "models")
        assert models.load("m") == b"weights"


def test_environments_that_share_a_cache_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKYKEEP_HOME", str(tmp_path / "home"))
    config = tmp_path / "skykeep.yaml"
    config.write_text(
        f"object_storage: {{model_cache: {{directory: {tmp_path / 'cache'}}}}}\n"
        f"one: {{primary: {{backend: local, objects: {tmp_path / 'one'}}}}}\n"
        "two:\n"
        "  primary: {backend: local}\n"
        f"  objects: {{backend: local, objects: {tmp_path / 'two'}}}\n"
    )
    asked = [("one", None), ("two", None), ("two", "team")]
    path = tmp_path / "m.bin"
    for env, namespace in asked:
        path.write_text(f"{env} {namespace}")
        with (
            skykeep.open_blocking(config=config, env=env, namespace=namespace) as cloud,
            skykeep.BlockingModelStore(cloud) as models,
        ):
            models.push("m", "1", path)
            models.pull("m", "1")
    for env, namespace in asked:
        with (
            skykeep.open_blocking(config=config, env=env, namespace=namespace) as cloud,
            skykeep.BlockingModelStore(cloud) as models,
        ):
            found = models.fetch("m", "1")
            assert found.downloaded == 0
            assert found.path.read_text() == f"{env} {namespace}"
    assert len(list((tmp_path / "cache" / "trees").iterdir())) == 3
