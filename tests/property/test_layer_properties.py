"""Random trees and archives: what goes through the layer codecs comes out the same."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jettison.errors import JettisonError
from jettison.fs.overlay_form import make_opaque, make_whiteout
from jettison.layer.codec import pack_layer, unpack_layer
from jettison.layer.header import DIRECTORY, FILE, KINDS, SYMLINK, TarEntry, format_entry
from jettison.layer.names import clean_name
from jettison.layer.pack import pack
from jettison.layer.pax import format_pax, parse_pax
from jettison.layer.reader import TarReader
from jettison.layer.unpack import unpack
from layer_archives import facts
from ownership_rig import OWNERSHIP

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="sets owners")

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

names = st.binary(min_size=1, max_size=60).filter(
    lambda name: not set(name) & {0, 0x2F} and name not in {b".", b".."} and b".wh." not in name
)
modes = st.integers(0, 0o7777)
owners = st.one_of(st.integers(0, 3), st.sampled_from([1000, 0o7777777, 0o7777777 + 1, 2**31]))
times = st.integers(-(2**31) + 1, 2**34 - 1)
contents = st.one_of(st.binary(max_size=40), st.integers(0, 3_000).map(lambda n: b"x" * n))


@st.composite
def trees(draw):
    """Draw {path: what to make}, parents before their children."""
    tree = {}
    directories = [b""]
    for _ in range(draw(st.integers(0, 12))):
        parent = draw(st.sampled_from(directories))
        path = parent + draw(names)
        if path in tree or path + b"/" in directories:
            continue
        kind = draw(st.sampled_from(["file", "directory", "symlink", "whiteout", "opaque", "link"]))
        if kind in {"directory", "opaque"}:
            directories.append(path + b"/")
        files = [name for name, made in tree.items() if made[0] in {"file", "symlink"}]
        if kind == "link" and not files:
            kind = "file"
        extra = {
            "file": contents,
            "symlink": st.binary(min_size=1, max_size=150).filter(lambda t: 0 not in t),
            "link": st.sampled_from(files or [b""]),
        }.get(kind, st.none())
        tree[path] = (kind, draw(extra), draw(modes), draw(owners), draw(owners), draw(times))
    return tree


def make(root, tree):
    for path, (kind, extra, _, _, _, _) in tree.items():
        place = os.fsencode(root) + b"/" + path
        if kind == "file":
            Path(os.fsdecode(place)).write_bytes(extra)
        elif kind == "symlink":
            os.symlink(extra, place)
        elif kind == "whiteout":
            make_whiteout(os.fsdecode(place))
        elif kind == "link":
            os.link(os.fsencode(root) + b"/" + extra, place, follow_symlinks=False)
        else:
            os.mkdir(place)
            if kind == "opaque":
                make_opaque(os.fsdecode(place))
    for path, (kind, _, mode, uid, gid, time) in reversed(tree.items()):
        place = os.fsencode(root) + b"/" + path
        if kind in {"whiteout", "link"}:
            continue
        os.chown(place, uid, gid, follow_symlinks=False)
        if kind != "symlink":
            os.chmod(place, mode)
        os.utime(place, (time, time), follow_symlinks=False)


@quick
@given(trees(), st.sampled_from(["none", "gzip", "zstd"]))
def test_unpack_is_the_inverse_of_pack(tree, compression):
    with tempfile.TemporaryDirectory() as base:
        upper, into = Path(base, "upper"), Path(base, "into")
        upper.mkdir()
        into.mkdir()
        make(upper, tree)
        blob = []
        diff_id = pack_layer(upper, OWNERSHIP, blob.append, compression)
        stream = io.BytesIO(b"".join(blob))
        unpack_layer(stream, compression, into, OWNERSHIP, diff_id)
        assert facts(into) == facts(upper)
        again = []
        assert pack_layer(into, OWNERSHIP, again.append, compression) == diff_id
        assert again == blob or b"".join(again) == b"".join(blob)


@quick
@given(trees())
def test_the_order_of_creation_does_not_matter(tree):
    with tempfile.TemporaryDirectory() as base:
        found = []
        by_depth = sorted(tree.items(), key=lambda item: (item[0].count(b"/"), item[0][::-1]))
        links_last = sorted(by_depth, key=lambda item: item[1][0] == "link")
        for number, items in enumerate((tree.items(), links_last)):
            upper = Path(base, str(number))
            upper.mkdir()
            make(upper, dict(items))
            pieces = []
            pack(upper, OWNERSHIP, pieces.append)
            found.append(b"".join(pieces))
        assert found[0] == found[1]


entries = st.builds(
    lambda name, kind, mode, uid, gid, data, time, link, xattrs: (
        TarEntry(
            name + b"/" if kind == DIRECTORY else name,
            kind,
            mode,
            uid,
            gid,
            len(data) if kind == FILE else 0,
            time * 10**9,
            link if kind == SYMLINK else b"",
            xattrs=xattrs,
            stored_size=len(data) if kind == FILE else 0,
        ),
        data if kind == FILE else b"",
    ),
    st.lists(names, min_size=1, max_size=6).map(b"/".join),
    st.sampled_from([FILE, DIRECTORY, SYMLINK]),
    modes,
    owners,
    owners,
    contents,
    times,
    st.binary(min_size=1, max_size=300).filter(lambda target: 0 not in target),
    st.dictionaries(st.sampled_from(["user.a", "user.b=c%3D", "user.ü"]), st.binary(max_size=99)),
)


@quick
@given(st.lists(entries, max_size=8))
def test_reading_is_the_inverse_of_writing(pairs):
    data = b"".join(
        format_entry(entry) + content + bytes(-len(content) % 512) for entry, content in pairs
    )
    reader = TarReader(io.BytesIO(data + bytes(1024)))
    found = []
    for entry in reader:
        facts_only = {"offset": 0, "xattrs": dict(sorted(entry.xattrs.items()))}
        found.append((_changed(entry, **facts_only), b"".join(reader.data())))
    assert found == [
        (_changed(entry, xattrs=dict(sorted(entry.xattrs.items()))), content)
        for entry, content in pairs
    ]


def _changed(entry, **changes):
    return TarEntry(
        **{field: changes.get(field, getattr(entry, field)) for field in TarEntry.__struct_fields__}
    )


@quick
@given(st.lists(entries, max_size=6))
def test_the_standard_library_agrees(pairs):
    data = b"".join(
        format_entry(entry) + content + bytes(-len(content) % 512) for entry, content in pairs
    )
    with tarfile.open(fileobj=io.BytesIO(data + bytes(1024))) as tar:
        found = [
            (
                os.fsencode(info.name),
                info.mode,
                info.uid,
                info.gid,
                info.size,
                os.fsencode(info.linkname),
            )
            for info in tar
        ]
    assert found == [
        (entry.name.rstrip(b"/"), entry.mode, entry.uid, entry.gid, entry.size, entry.link)
        for entry, _ in pairs
    ]


@quick
@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=30).filter(lambda key: not set(key) & {0, 0x3D}),
        st.binary(max_size=2000).filter(lambda value: 0 not in value),
        max_size=5,
    )
)
def test_pax_records_come_back(records):
    found = dict(parse_pax(format_pax(records), 0))
    charset = found.pop(b"hdrcharset", None)
    assert found == {key: value for key, value in records.items() if key != b"hdrcharset"}
    assert charset in {None, b"BINARY", records.get(b"hdrcharset")}


@quick
@given(st.binary(max_size=300))
def test_clean_names_are_clean_or_refused(name):
    try:
        cleaned = clean_name(name)
    except JettisonError:
        return
    assert not cleaned.startswith(b"/")
    assert not cleaned.endswith(b"/")
    assert not {b"", b".", b".."} & set(cleaned.split(b"/")) or cleaned == b""
    assert clean_name(cleaned) == cleaned


hostile_names = st.lists(
    st.sampled_from([b"a", b"b", b"..", b".", b"", b".wh.a", b".wh..wh..opq", b".wh.", b"link"]),
    min_size=1,
    max_size=5,
).map(b"/".join)


@settings(parent=quick, max_examples=50)
@given(
    st.lists(
        st.tuples(hostile_names, st.sampled_from(sorted(KINDS)), hostile_names, modes), max_size=12
    )
)
def test_no_archive_writes_outside_its_root(members):
    data = b""
    for name, kind, link, mode in members:
        data += format_entry(TarEntry(name, kind, mode, 0, 0, 0, 0, link, (1, 3)))
    with tempfile.TemporaryDirectory() as base:
        for name in ("a", "b", "link"):
            Path(base, name).write_text("outside")
        into = Path(base, "x", "y", "into")
        into.mkdir(parents=True)
        before = facts(base)
        with contextlib.suppress(JettisonError):
            unpack(io.BytesIO(data + bytes(1024)), into, OWNERSHIP)
        inside = "x/y/into"
        after = {name: fact for name, fact in facts(base).items() if not name.startswith(inside)}
        before.pop(inside)
        # Making the root's entries changes no time but the root's own.
        assert after == before
        for name in ("a", "b", "link"):
            assert Path(base, name).read_text() == "outside"


@settings(parent=quick, max_examples=66)
@given(st.binary(max_size=2000), st.integers(0, 1500), st.binary(max_size=30))
def test_damaged_archives_never_raise_anything_else(noise, place, patch):
    good = b"".join(
        [
            format_entry(TarEntry(b"long/" * 40, FILE, 0o644, 0, 0, 3, 0, stored_size=3)),
            b"abc".ljust(512, b"\0"),
            format_entry(TarEntry(b"l", SYMLINK, 0o777, 0, 0, 0, 0, b"target")),
            bytes(1024),
        ]
    )
    damaged = good[:place] + patch + good[place + len(patch) :]
    for data in (noise, damaged, noise + good):
        reader = TarReader(io.BytesIO(data))
        try:
            for _ in reader:
                b"".join(reader.data())
        except JettisonError:
            continue
