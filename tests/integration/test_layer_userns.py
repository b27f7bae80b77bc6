"""Unpacking and packing as root of a user namespace, where devices and other owners are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from layer_archives import archive, member

pytestmark = pytest.mark.needs_userns

SOURCE = Path(__file__).parents[2] / "src"

SCRIPT = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
from jettison.errors import JettisonError
from jettison.layer.codec import pack_layer, unpack_layer
into = pathlib.Path(sys.argv[3])
keep = len(sys.argv) < 5
try:
    with open(sys.argv[2], "rb") as stream:
        result, diff_id = unpack_layer(stream, "auto", into, None, keep_owners=keep)
except JettisonError as error:
    print(type(error).__name__, error.message, error.hint)
    raise SystemExit
print("notes", *result.notes, sep="|")
pieces = []
into.chmod(0o755)
pack_layer(into, pieces.append, "none")
pathlib.Path(sys.argv[3] + ".tar").write_bytes(b"".join(pieces))
"""


@pytest.fixture
def inside(tmp_path):
    def run(*members, options=()):
        program = shutil.which("unshare")
        works = (
            program
            and not subprocess.run(
                [program, "-Ur", "true"], check=False, capture_output=True
            ).returncode
        )
        if not works:
            if os.environ.get("CI"):
                pytest.fail("user namespaces do not work here")
            pytest.skip("user namespaces do not work here")
        (tmp_path / "a.tar").write_bytes(archive(*members))
        (tmp_path / "into").mkdir()
        argv = [program, "-Ur", sys.executable, "-c", SCRIPT, SOURCE, tmp_path / "a.tar"]
        result = subprocess.run(
            [*argv, tmp_path / "into", *options],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return result.stdout, tmp_path / "into"

    return run


def test_whiteouts_and_opaque_directories_work_and_devices_are_noted(inside):
    output, into = inside(
        member("d/.wh.gone", uid=0, gid=0),
        member("d/.wh..wh..opq", uid=0, gid=0),
        member("f", b"1", uid=0, gid=0),
        member("null", uid=0, gid=0, type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    )
    assert output == "notes|left out device `null`: it may not be made here\n"
    assert os.getxattr(into / "d", "user.overlay.opaque") == b"y"
    with tarfile.open(f"{into}.tar") as tar:
        assert tar.getnames() == ["d", "d/.wh..wh..opq", "d/.wh.gone", "f"]
        assert tar.getmember("f").uid == 0


def test_an_owner_that_is_not_mapped_is_a_clear_error(inside):
    output, _ = inside(member("f", b"1", uid=1234, gid=0))
    assert output.startswith("HostError cannot give `f` to 1234:0: the ID is not mapped here add")


def test_owners_can_be_given_up(inside):
    output, into = inside(member("f", b"1", uid=1234, gid=0), options=["lenient"])
    assert output == "notes|owners were not kept: this process may not set them\n"
    assert (into / "f").read_bytes() == b"1"
