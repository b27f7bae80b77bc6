"""Caches that lie, are damaged or lack something: steps run instead, and the image is right."""

from __future__ import annotations

import json
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from cache_rig import CacheDirectory, digest
from host_tools import tool
from jettison.remote.record import CacheRecord
from scratch_rig import Scratch

TEXT = """
RUN echo modules > /modules
COPY one /src/one
RUN cat /modules /src/one > /program
"""


def prepared(scratch: Scratch) -> Scratch:
    (scratch.context / "one").write_text("one\n")
    return scratch


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good cache."""
    scratch = prepared(Scratch(tmp_path_factory.mktemp("good"), tool("busybox")))
    at = scratch.directory / "cache"
    done = scratch.build(TEXT, "--no-checks", "--cache-to", f"type=local,dest={at},mode=max")
    assert done.returncode == 0, done.stderr
    return at


class Victim(NamedTuple):
    """A machine with an empty store that reads a copy of the cache, which is to be spoilt."""

    scratch: Scratch
    directory: CacheDirectory

    def build(self, *flags: str, edit: str = "two\n") -> str:
        """Build with a file changed, so that layers of the cache are read; return what was said.

        The image is as if there were no cache.
        """
        (self.scratch.context / "one").write_text(edit)
        at = f"type=local,src={self.directory.root}"
        done = self.scratch.build(TEXT, "-t", "app", "--no-checks", "--cache-from", at, *flags)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "Traceback" not in said
        shown = self.scratch.run("run", "--rm", "app", "cat", "/program", "/modules")
        assert shown.stdout == "modules\n" + edit + "modules\n", shown.stderr + said
        return said


@pytest.fixture
def victim(scratch: Scratch, cache: Path) -> Victim:
    at = scratch.directory / "cache"
    shutil.copytree(cache, at)
    return Victim(prepared(scratch), CacheDirectory(at))


def is_modules(record: CacheRecord) -> bool:
    return "modules > /modules" in record.name


def test_a_good_cache_is_used(victim: Victim) -> None:
    said = victim.build()
    assert "WARN" not in said
    assert "2 steps ran" in said


LIES: dict[str, Callable[[CacheRecord], dict[str, object]]] = {
    "content": lambda _: {"content": digest("another content")},
    "tar": lambda _: {"diff_id": digest("another tar")},
    "name": lambda _: {"layer": "content:" + digest("another layer")},
    "clock": lambda each: {"clock_ns": each.clock_ns + 3600 * 10**9},
    "blob": lambda _: {"blob": digest("no blob")},
    "size": lambda each: {"blob_bytes": each.blob_bytes + 1},
    "compression": lambda _: {"media_type": "application/vnd.oci.image.layer.v1.tar+zstd"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_record_that_lies_about_a_layer_ends_in_a_step_that_runs(
    victim: Victim, lie: str
) -> None:
    victim.directory.change(
        lambda each: msgspec.structs.replace(each, **LIES[lie](each)) if is_modules(each) else each
    )
    said = victim.build()
    assert "WARN" in said, said
    assert "the step that made it runs again" in said


def test_a_record_of_another_layer_s_blob_ends_in_a_step_that_runs(victim: Victim) -> None:
    records = victim.directory.records()
    install = next(each for name, each in records.items() if "--install" in name)
    victim.directory.change(
        lambda each: (
            msgspec.structs.replace(
                each, diff_id=install.diff_id, blob=install.blob, blob_bytes=install.blob_bytes
            )
            if is_modules(each)
            else each
        )
    )
    assert "the step that made it runs again" in victim.build()


@pytest.mark.parametrize("damage", ["missing", "changed", "truncated"])
def test_a_blob_that_is_not_what_it_was_ends_in_a_step_that_runs(
    victim: Victim, damage: str
) -> None:
    (record,) = (each for each in victim.directory.records().values() if is_modules(each))
    path = victim.directory.blob(record.blob)
    data = path.read_bytes()
    spoilt = {
        "changed": data[:40] + bytes([data[40] ^ 1]) + data[41:],
        "truncated": data[:20],
    }
    path.unlink()
    if damage != "missing":
        path.write_bytes(spoilt[damage])
    said = victim.build("--cache-to", f"type=local,dest={victim.directory.root},mode=max")
    assert "the step that made it runs again" in said
    # And what was lost is there again, for the next machine.
    victim.scratch.store = victim.scratch.directory / "next"
    said = victim.build(edit="three\n")
    assert "WARN" not in said
    assert "2 steps ran" in said


def test_an_index_or_records_that_are_damaged_are_a_warning(victim: Victim) -> None:
    good = {path: path.read_bytes() for path in victim.directory.root.rglob("*") if path.is_file()}
    index, root = victim.directory.index_path, victim.directory.root
    notes = victim.directory.manifests()[0]["annotations"]
    records = victim.directory.blob(notes["vnd.jettison.cache.records"])  # type: ignore[index]
    cases = {
        root / "index.json": lambda data: data[: len(data) // 2],
        index: lambda data: data[:-40],
        records: lambda data: data[:-10],
    }
    for number, (path, damage) in enumerate(cases.items()):
        path.write_bytes(damage(good[path]))
        victim.scratch.store = victim.scratch.directory / f"store{number}"
        said = victim.build()
        assert "WARN: local cache" in said, said
        assert "6 steps ran" in said
        path.write_bytes(good[path])


def test_a_claimed_layer_gives_no_name_to_a_base_image_s(victim: Victim) -> None:
    """A cache that says of the tar of a base image that it is another layer changes no key of it."""
    archive = victim.scratch.directory / "base.tar"
    text = "FROM busybox\nRUN echo base > /base\n"
    made = victim.scratch.build(text, "-o", f"type=oci,dest={archive}", "-t", "base", "--no-checks")
    assert made.returncode == 0, made.stderr
    with tarfile.open(archive) as tar:
        blobs = {each.name: tar.extractfile(each).read() for each in tar if each.isfile()}  # type: ignore[union-attr]
    entry = json.loads(blobs["index.json"])["manifests"][0]["digest"].replace(":", "/")
    manifest = json.loads(blobs[f"blobs/{entry}"])
    config = json.loads(blobs["blobs/" + manifest["config"]["digest"].replace(":", "/")])
    victim.directory.change(
        lambda each: msgspec.structs.replace(each, diff_id=config["rootfs"]["diff_ids"][-1])
    )
    victim.scratch.store = victim.scratch.directory / "fresh"
    assert victim.scratch.run("load", "-i", archive).returncode == 0
    victim.build()
    done = victim.scratch.build("FROM base\nRUN cat /base > /seen\n", "-t", "next", base=False)
    assert done.returncode == 0, done.stderr
    assert victim.scratch.run("run", "--rm", "next", "cat", "/seen").stdout == "base\n"


def test_random_damage_never_makes_a_wrong_image(victim: Victim) -> None:
    chance = random.Random(20)
    files = sorted(path for path in victim.directory.root.rglob("*") if path.is_file())
    good = {path: path.read_bytes() for path in files}
    for number in range(3):
        for path in chance.sample(files, 3):
            data = bytearray(good[path])
            if data:
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            path.write_bytes(bytes(data))
        victim.scratch.store = victim.scratch.directory / f"store{number}"
        victim.build(edit=f"{number}\n")
        for path, data in good.items():
            path.write_bytes(data)


def test_links_and_pipes_in_a_cache_directory_lead_nowhere(victim: Victim) -> None:
    (record,) = (each for each in victim.directory.records().values() if is_modules(each))
    path = victim.directory.blob(record.blob)
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert "the step that made it runs again" in victim.build()
