"""The first difference of two layers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jettison.image.compare import Open, first_difference


def layer(*members: tuple[str, bytes | None, dict[str, Any]]) -> Open:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data, fields in members:
            made = tarfile.TarInfo(name)
            made.size = len(data or b"")
            for key, value in fields.items():
                setattr(made, key, value)
            tar.addfile(made, io.BytesIO(data or b""))

    @contextmanager
    def opened() -> Iterator[io.BytesIO]:
        yield io.BytesIO(out.getvalue())

    return opened


def one(data: bytes = b"", **fields: Any) -> Open:
    return layer(("same", b"", {}), ("dir/file", data, fields), ("last", b"", {}))


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (one(b"a\nb 1\n"), one(b"a\nb 2\n"), "has other bytes in line 2: `b 1`, then `b 2`"),
        (one(b"\xff\0"), one(b"\xff\1"), "has other bytes from byte 1"),
        (one(b"ab"), one(b"abc"), "(2 and 3 bytes)"),
        (one(mode=0o644), one(mode=0o600), "has the mode 0644, then 0600"),
        (one(uid=1), one(uid=2, gid=3), "belongs to 1:0, then to 2:3"),
        (one(mtime=5), one(mtime=6), "has the time 5, then 6 (seconds since 1970)"),
        (one(), one(type=tarfile.DIRTYPE), "is a file, then a directory"),
        (
            one(type=tarfile.SYMTYPE, linkname="a"),
            one(type=tarfile.SYMTYPE, linkname="b"),
            "points at `a`, then at `b`",
        ),
    ],
)
def test_it_says_what_is_different(before: Open, after: Open, what: str) -> None:
    found = first_difference(before, after)
    assert found is not None
    assert found.path == "/dir/file"
    assert what in found.what


def test_files_of_one_layer_alone_are_found_on_both_sides() -> None:
    more = layer(("same", b"", {}), ("dir/file", b"", {}), ("last", b"", {}), ("new", b"", {}))
    added, gone = first_difference(one(), more), first_difference(more, one())
    assert added is not None
    assert gone is not None
    assert (added.path, added.what) == ("/new", "is in the second build only")
    assert (gone.path, gone.what) == ("/new", "is in the first build only")


def test_equal_layers_have_none_and_another_order_is_one() -> None:
    assert first_difference(one(b"x"), one(b"x")) is None
    a, b = ("a", b"", {}), ("b", b"", {})
    found = first_difference(layer(a, b), layer(b, a))
    assert found is not None
    assert "order" in found.what
