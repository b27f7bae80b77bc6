"""The comparison itself: it describes what is there, and finds every kind of difference."""

from __future__ import annotations

import copy
import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance import images
from image_rig import LayoutFiles

Json = dict[str, Any]
KIND = "application/vnd.oci.image"
TEXT = hashlib.sha256(b"text").hexdigest()


def tar(*members: tuple[str, str, str]) -> bytes:
    """Return a layer of (name, kind, target or content)."""
    kinds = {"d": tarfile.DIRTYPE, "f": tarfile.REGTYPE, "l": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, text in members:
            member = tarfile.TarInfo(name)
            member.type, member.mtime = kinds[kind], 1000
            member.mode = 0o755 if kind == "d" else 0o644
            data = text.encode() if kind == "f" else b""
            member.size = len(data)
            member.linkname = "" if kind == "f" else text
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def layout(place: Path, config: Json, history: list[Json], *layers: bytes) -> Path:
    files = LayoutFiles(place)
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "history": history,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers],
        },
    }
    manifest = {
        "schemaVersion": 2,
        "config": files.json(document, f"{KIND}.config.v1+json"),
        "layers": [files.blob(each, f"{KIND}.layer.v1.tar") for each in layers],
    }
    files.index(files.json(manifest, f"{KIND}.manifest.v1+json"))
    return place


BASE_LAYER = tar(("etc", "d", ""), ("etc/a", "f", "text"), ("gone", "d", ""), ("gone/x", "f", ""))
LAYER = tar(
    ("etc/b", "f", "text"),
    ("etc/c", "h", "etc/b"),
    ("etc/l", "l", "b"),
    ("etc/resolv.conf", "f", "of the builder"),
    (".wh.gone", "f", ""),
)
BASE_CONFIG = {"Env": ["PATH=/bin", "A=1"], "Cmd": ["sh"]}
CONFIG = {"Env": ["PATH=/bin", "A=2", "B=3"], "Cmd": ["sh"], "User": "u"}
BASE_HISTORY = [{"created_by": "base"}]
HISTORY = [*BASE_HISTORY, {"created_by": "COPY"}, {"created_by": "USER u", "empty_layer": True}]
CASE: Json = {"name": "x", "check_mtime": ["etc/l"]}


@pytest.fixture
def bases(tmp_path: Path) -> dict[str, Path]:
    return {"base": layout(tmp_path / "base", BASE_CONFIG, BASE_HISTORY, BASE_LAYER)}


@pytest.fixture
def image(tmp_path: Path) -> images.Image:
    return images.Image(layout(tmp_path / "image", CONFIG, HISTORY, BASE_LAYER, LAYER))


def test_an_image_is_described_by_what_it_changes_of_its_base(image, bases) -> None:
    owner = {"mode": "0644", "uid": 0, "gid": 0}
    file = {"type": "file", **owner, "size": 4, "sha256": TEXT}
    link = {"type": "symlink", **owner, "mode": "0777", "target": "b", "mtime": 1000}
    assert images.describe(CASE, image, bases) == {
        "base": "base",
        "layers": 1,
        "config": CONFIG,
        "history": [
            {"created_by": "COPY", "empty_layer": False},
            {"created_by": "USER u", "empty_layer": True},
        ],
        "tree": [
            {"path": "etc/b", **file},
            {"path": "etc/c", **file, "hardlink_to": "etc/b"},
            {"path": "etc/l", **link},
        ],
        "deleted": ["gone"],
    }


def test_an_image_conforms_to_its_own_description(image, bases) -> None:
    case = {**CASE, "expected": images.describe(CASE, image, bases)}
    assert images.compare(case, image, bases) == []


CHANGES = {
    "layers": lambda golden: golden.update(layers=2),
    "user": lambda golden: golden["config"].update(User="v"),
    "lacks a key": lambda golden: golden["config"].update(StopSignal="9"),
    "has a key": lambda golden: golden["config"].pop("User"),
    "variable": lambda golden: golden["config"]["Env"].append("C=4"),
    "order of variables": lambda golden: golden["config"]["Env"].__setitem__(
        slice(1, 3), ["B=3", "C=2"]
    ),
    "history": lambda golden: golden["history"][0].update(empty_layer=True),
    "entries of history": lambda golden: golden["history"].pop(),
    "mode": lambda golden: golden["tree"][0].update(mode="0600"),
    "owner": lambda golden: golden["tree"][0].update(uid=1),
    "content": lambda golden: golden["tree"][0].update(sha256="0" * 64),
    "hard link": lambda golden: golden["tree"][1].pop("hardlink_to"),
    "target": lambda golden: golden["tree"][2].update(target="c"),
    "time": lambda golden: golden["tree"][2].update(mtime=1001),
    "a file more": lambda golden: golden["tree"].pop(0),
    "a file less": lambda golden: golden["tree"].append({**golden["tree"][0], "path": "z"}),
    "not deleted": lambda golden: golden["deleted"].append("etc/a"),
    "deleted": lambda golden: golden["deleted"].clear(),
    "author": lambda golden: golden.update(author="somebody"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_kind_of_difference_is_found(change, image, bases) -> None:
    golden = copy.deepcopy(images.describe(CASE, image, bases))
    change(golden)
    assert images.compare({**CASE, "expected": golden}, image, bases) != []


def test_what_is_volatile_may_differ(image, bases) -> None:
    golden = images.describe(CASE, image, bases)
    golden["tree"][0]["sha256"] = "0" * 64
    case = {**CASE, "volatile": ["etc"], "expected": golden}
    assert images.compare(case, image, bases) == []


@contextmanager
def builds(tmp_path: Path, *contents: str | None) -> Iterator[list[images.Image | None]]:
    yield [
        None
        if text is None
        else images.Image(layout(tmp_path / str(number), {}, [{}], tar(("r", "f", text))))
        for number, text in enumerate(contents)
    ]


def test_a_sequence_tells_which_files_are_the_same_again(tmp_path: Path) -> None:
    with builds(tmp_path, "a", "a", None, "b") as made:
        told = images.describe_steps({"watch": ["r"]}, made)
        assert told == [{}, {"same": {"r": 0}}, {"error": True}, {"differ": {"r": 1}}]
        steps = [{"expected": each} for each in told]
        assert images.compare_steps({"steps": steps}, made) == []
        for number, wrong in (
            (0, {"error": True}),
            (1, {"differ": {"r": 0}}),
            (2, {}),
            (3, {"same": {"r": 1}}),
            (3, {"content": {"r": "a"}}),
            (3, {"equal": [["r", "s"]]}),
        ):
            changed = [*steps[:number], {"expected": wrong}, *steps[number + 1 :]]
            assert images.compare_steps({"steps": changed}, made) != [], wrong
