"""Images whose layers are others than the steps made: one layer, eStargz, exact times; twice built."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from host_tools import tool
from other_user import somebody
from scratch_rig import Scratch

TEXT = """FROM busybox AS made
RUN mkdir /d && echo old >/d/kept && echo gone >/d/gone && echo x >/d/replaced
FROM made
COPY --chown=1:2 file /file
RUN rm /d/gone && echo new >/d/replaced && ln /file /hard && chmod 4755 /d/kept
RUN rm -r /tmp && mkdir /tmp && echo y >/tmp/y
ENV A=b
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    made = Scratch(tmp_path_factory.mktemp("forms"), tool("busybox"))
    (made.context / "file").write_text("content")
    (made.context / "file").chmod(0o644)
    yield made
    shutil.rmtree(made.directory, ignore_errors=True)


def layout(place: Scratch, name: str, text: str, *flags: str, attributes: str = "") -> Path:
    out = place.directory / name
    flags = ("-o", f"type=oci,tar=false,dest={out}{attributes}", *flags)
    done = place.build(text, *flags)
    assert done.returncode == 0, done.stderr
    return out


def document(out: Path, digest: str) -> dict[str, Any]:
    return dict(json.loads(blob(out, digest).read_bytes()))


def blob(out: Path, digest: str) -> Path:
    return out / "blobs" / digest.replace(":", "/")


def opened(out: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the manifest and the config of a layout."""
    (entry,) = json.loads((out / "index.json").read_text())["manifests"]
    manifest = document(out, entry["digest"])
    return manifest, document(out, manifest["config"]["digest"])


def files(place: Scratch, name: str, text: str, *flags: str) -> dict[str, tuple[Any, ...]]:
    """Return what an image shows, as `type=tar` writes it, without times."""
    out = place.directory / name
    done = place.build(text, "-o", f"type=tar,dest={out}", *flags)
    assert done.returncode == 0, done.stderr
    found = {}
    with tarfile.open(out) as tar:
        for each in tar:
            data = tar.extractfile(each).read() if each.isreg() else b""  # type: ignore[union-attr]
            found[each.name] = (each.type, each.mode, each.uid, each.gid, each.linkname, data)
    return found


def test_squash_makes_one_layer_that_shows_the_same(place: Scratch) -> None:
    base = layout(place, "base", TEXT.partition("FROM made\n")[0])
    context = ("--build-context", f"base=oci-layout://{base}")
    text = "FROM base\n" + TEXT.partition("FROM made\n")[2]
    plain = opened(layout(place, "plain", text, *context))
    out = layout(place, "squashed", text, "--squash", *context)
    manifest, config = opened(out)
    below = len(opened(base)[0]["layers"])
    assert manifest["layers"][:below] == plain[0]["layers"][:below]
    assert len(manifest["layers"]) == below + 1 < len(plain[0]["layers"])
    assert config["config"] == plain[1]["config"]
    told = [each for each in config["history"] if not each.get("empty_layer")]
    assert len(told) == len(manifest["layers"])
    assert told[-1]["comment"] == "merge of 3 layers"
    with tarfile.open(blob(out, manifest["layers"][-1]["digest"])) as tar:
        names = {each.name.rstrip("/") for each in tar}
    assert {"d/.wh.gone", "d/replaced", "d/kept", "file", "hard", "tmp/y"} <= names
    assert files(place, "b.tar", text, "--squash", *context) == files(place, "a", text, *context)


def test_a_squashed_image_runs_and_is_explained(place: Scratch) -> None:
    done = place.build(TEXT, "-t", "squashed", "--squash", "--report=full")
    assert done.returncode == 0, done.stderr
    assert place.run("run", "--rm", "squashed", "cat", "/d/replaced").stdout == "new\n"
    again = place.build(TEXT, "-t", "squashed", "--squash")
    assert "nothing to run" in again.stderr
    assert place.run("history", "squashed").returncode == 0


def test_estargz_layers_have_tables_and_the_image_runs(place: Scratch) -> None:
    out = layout(place, "estargz", TEXT, "-t", "lazy", attributes=",compression=estargz")
    manifest, config = opened(out)
    assert len(manifest["layers"]) == len(config["rootfs"]["diff_ids"])
    for layer in manifest["layers"]:
        assert layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"]
        assert layer["mediaType"].endswith("tar+gzip")
        data = gzip.decompress(blob(out, layer["digest"]).read_bytes())
        assert layer["annotations"]["io.containers.estargz.uncompressed-size"] == str(len(data))
        assert b"stargz.index.json" in data
    plain = files(place, "plain.tar", TEXT)
    fresh = Scratch(place.directory / "fresh", str(place.context / "busybox"))
    context = ("--build-context", f"lazy=oci-layout://{out}")
    fresh.dockerfile("FROM lazy\n", base=False)
    tarred = fresh.directory / "tar"
    done = fresh.run("build", *context, "-o", f"type=tar,dest={tarred}", fresh.context)
    assert done.returncode == 0, done.stderr
    with tarfile.open(tarred) as tar:
        assert set(tar.getnames()) == set(plain)  # the tables are no files
    assert place.run("run", "--rm", "lazy", "cat", "/d/replaced").stdout == "new\n"
    saved = place.directory / "saved.tar"
    assert place.run("save", "-o", saved, "lazy").returncode == 0
    assert place.run("fsck").stdout == "clean\n"


def test_layers_of_a_base_get_tables_if_that_is_forced(place: Scratch) -> None:
    base = layout(place, "given", TEXT.partition("FROM made\n")[0])
    context = ("--build-context", f"base=oci-layout://{base}")
    marks = []
    for force in ("false", "true"):
        attributes = f",compression=estargz,force-compression={force}"
        text = "FROM base\nCOPY file /file\n"
        manifest, _ = opened(layout(place, f"f-{force}", text, *context, attributes=attributes))
        marks.append(["annotations" in each for each in manifest["layers"]])
    assert set(marks[0][:-1]) == {False}
    assert marks[0][-1]
    assert all(marks[1])


def reproducible(place: Scratch, name: str, *flags: str, **env: str) -> tuple[str, set[int]]:
    out = place.directory / name
    output = ("-o", f"type=oci,tar=false,dest={out}")
    done = place.build(TEXT, "--reproducible", *output, *flags, env=env)
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads((out / "index.json").read_text())["manifests"]
    times = set()
    for layer in opened(out)[0]["layers"]:
        data = gzip.decompress(blob(out, layer["digest"]).read_bytes())
        with tarfile.open(fileobj=BytesIO(data)) as tar:
            times |= {int(each.mtime) for each in tar if "/.wh." not in f"/{each.name}"}
    return entry["digest"], times


@pytest.fixture
def users_place(place: Scratch) -> Iterator[Scratch]:
    """A store and a context of another user, in a directory that all may enter."""
    user = somebody()
    directory = Path(tempfile.mkdtemp(prefix="jettison-forms-"))
    directory.chmod(0o755)
    os.chown(directory, user.pw_uid, user.pw_gid)
    made = Scratch(directory, str(place.context / "busybox"), user)
    shutil.copy(place.context / "file", made.context / "file")
    made.give(made.context)
    yield made
    shutil.rmtree(directory, ignore_errors=True)


def test_reproducible_images_have_one_time_wherever_they_are_built(
    place: Scratch, users_place: Scratch
) -> None:
    for each, when in ((place, 1000), (users_place, 2_000_000_000)):
        os.utime(each.context / "file", (when, when))
        os.utime(each.context / "busybox", (when, when))
    found = [
        reproducible(place, "r1", "--snapshotter", "overlay"),
        reproducible(users_place, "r2", "--snapshotter", "copy", TZ="Asia/Tokyo"),
    ]
    assert found[0] == found[1]
    assert found[0][1] == {0}
    assert reproducible(place, "r3", SOURCE_DATE_EPOCH="1500000000")[1] == {1_500_000_000}
    assert reproducible(place, "r4", "--source-date-epoch", "77")[1] == {77}


def test_levels_that_depend_on_the_processor_are_refused(place: Scratch) -> None:
    output = "type=oci,dest=/dev/null,compression-level=2"
    done = place.build(TEXT, "--reproducible", "-o", output)
    assert done.returncode == 125
    assert "depend on the processor" in done.stderr


def test_an_image_is_built_twice_to_see_that_it_is_the_same(place: Scratch) -> None:
    done = place.build(TEXT, "--verify-reproducible", "-t", "verified")
    assert done.returncode == 0, done.stderr
    assert "building again without the cache" in done.stderr
    again = place.build(TEXT, "--verify-reproducible", "-t", "verified")
    assert again.returncode == 0, again.stderr
    assert "nothing to run" in again.stderr


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("head -c 9 /dev/urandom | md5sum >/out/id", "`/out/id` has other bytes in line 1"),
        (
            "f=/cache/n; echo x >>$f; wc -l <$f >/out/n",
            "`/out/n` has other bytes in line 1: `2`, then `1`",
        ),
    ],
)
def test_the_first_file_that_differs_is_shown(place: Scratch, step: str, said: str) -> None:
    text = "FROM busybox\nRUN mkdir /out\nRUN --mount=type=cache,target=/cache "
    if "/cache" in step:
        assert place.build(f"{text}{step}\n").returncode == 0
        step += " # once more"
    done = place.build(f"{text}{step}\n", "--verify-reproducible", "-t", "different")
    assert done.returncode == 28
    assert said in done.stderr
    assert "layer 5 of `RUN" in done.stderr
    assert "different" not in place.run("images").stdout


def test_a_mirror_has_what_the_image_has_and_nothing_else(place: Scratch) -> None:
    out = place.directory / "mirror"
    (out / "d/deep").mkdir(parents=True)
    (out / "d/deep/stale").write_text("")
    (out / "stale").symlink_to("/etc/passwd")
    output = f"type=local,dest={out},mode=delete"
    refused = place.build(TEXT, "-o", output)
    assert refused.returncode == 125
    assert "--allow buildx.local.delete" in refused.stderr
    done = place.build(TEXT, "-o", output, "--allow", "buildx.local.delete")
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(out / "d")) == ["kept", "replaced"]
    assert not os.path.lexists(out / "stale")
    for dest in (place.context, "/", place.directory):
        output = f"type=local,dest={dest},mode=delete"
        done = place.build(TEXT, "-o", output, "--allow", "buildx.local.delete")
        assert done.returncode == 125, dest
        assert "does not empty" in done.stderr


def test_an_output_has_a_time_of_its_own(place: Scratch) -> None:
    one, other = place.directory / "t1", place.directory / "t2"
    outputs = (
        *("-o", f"type=oci,tar=false,dest={one},source-date-epoch=86400"),
        *("-o", f"type=oci,tar=false,dest={other},source-date-epoch=172800"),
    )
    assert place.build(TEXT, *outputs).returncode == 0
    created = [opened(each)[1]["created"] for each in (one, other)]
    assert created == ["1970-01-02T00:00:00Z", "1970-01-03T00:00:00Z"]


def test_attributes_without_a_meaning_are_said(place: Scratch) -> None:
    output = "type=oci,dest=/dev/null,name-canonical=true,unpack=true,oci-artifact=true,store=false"
    done = place.build(TEXT, "-o", output)
    assert done.returncode == 0, done.stderr
    for name in ("name-canonical", "unpack", "oci-artifact"):
        assert f"`{name}` of output `type=oci` changes nothing" in done.stderr
    assert "`store`" not in done.stderr


def test_an_image_that_is_not_stored_gets_no_name(place: Scratch) -> None:
    done = place.build(TEXT, "-o", "type=image,name=unkept,store=false")
    assert done.returncode == 0, done.stderr
    assert "unkept" not in place.run("images").stdout
