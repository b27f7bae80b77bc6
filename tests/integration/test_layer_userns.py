"""Unpacking and packing as root of a user namespace of one ID: devices and owners are noted."""

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
from jettison.fs.ownership import process_ownership
from jettison.layer.codec import pack_layer, unpack_layer
into = pathlib.Path(sys.argv[3])
try:
    with open(sys.argv[2], "rb") as stream:
        result, diff_id = unpack_layer(stream, "auto", into, process_ownership(), None)
except JettisonError as error:
    print(type(error).__name__, error.message, error.hint)
    raise SystemExit
print("notes", *result.notes, sep="|")
pieces = []
into.chmod(0o755)
pack_layer(into, process_ownership(), pieces.append, "none")
pathlib.Path(sys.argv[3] + ".tar").write_bytes(b"".join(pieces))
"""


@pytest.fixture
def inside(tmp_path):
    def run(*members):
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
            [*argv, tmp_path / "into"],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return result.stdout, tmp_path / "into"

    return run


def test_whiteouts_and_opaque_directories_work(inside):
    output, into = inside(
        member("d/.wh.gone", uid=0, gid=0),
        member("d/.wh..wh..opq", uid=0, gid=0),
        member("f", b"1", uid=0, gid=0),
    )
    assert output == "notes\n"
    assert os.getxattr(into / "d", "user.overlay.opaque") == b"y"
    with tarfile.open(f"{into}.tar") as tar:
        assert tar.getnames() == ["d", "d/.wh..wh..opq", "d/.wh.gone", "f"]
        assert tar.getmember("f").uid == 0


def test_devices_that_cannot_be_made_are_noted_and_packed_again(inside):
    output, into = inside(
        member("null", uid=0, gid=0, type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    )
    assert output == "notes\n"
    with tarfile.open(f"{into}.tar") as tar:
        null = tar.getmember("null")
        assert (null.type, null.devmajor, null.devminor) == (tarfile.CHRTYPE, 1, 3)


def test_owners_that_cannot_be_given_are_noted_and_packed_again(inside):
    output, into = inside(member("f", b"1", uid=1234, gid=56))
    assert output == "notes\n"
    assert (into / "f").read_bytes() == b"1"
    with tarfile.open(f"{into}.tar") as tar:
        assert (tar.getmember("f").uid, tar.getmember("f").gid) == (1234, 56)
