"""Layers are read and compressed once, whoever wants them: an image, a registry, a cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import jettison
from jettison.cli.cache_flags import cache_exports
from jettison.cli.outputs import parse_output
from jettison.image import commit
from jettison.layer import codec


@pytest.mark.needs_root
@pytest.mark.parametrize(
    ("output", "cache"),
    [("", ",mode=max"), ("", ",compression=zstd"), ("type=oci,dest={}/image.tar", "")],
    ids=["cache", "cache with zstd", "archive and cache"],
)
def test_a_layer_is_packed_once(
    output: str, cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/file").write_text("content\n" * 1000)
    (tmp_path / "context/Dockerfile").write_text("FROM scratch\nCOPY file /file\n")
    packed = []
    for module in (commit, codec):
        real: Any = module.pack

        def counted(root: Any, *args: Any, _real: Any = real, **options: Any) -> Any:
            packed.append(root)
            return _real(root, *args, **options)

        monkeypatch.setattr(module, "pack", counted)
    outputs = [parse_output(output.format(tmp_path))] if output else []
    flags = {"cache_to": (f"type=local,dest={tmp_path}/cache{cache}",)}
    with jettison.open_session(root=str(tmp_path / "store")) as session:
        jettison.build(
            tmp_path / "context", tags=["app"], session=session, progress="quiet",
            outputs=outputs, cache_to=cache_exports(flags),
        )  # fmt: skip
    assert len(packed) == 1
    assert (tmp_path / "cache/index.json").exists()
