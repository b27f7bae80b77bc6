"""Mounts, made in a private namespace of a process of its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from jettison.linux.mount import mount, unescape
from jettison.linux.syscall import number, raw

_PRIVATE = (
    "import os, sys\n"
    "from jettison.linux import mount as m\n"
    "from jettison.linux.namespace import NEWNS, unshare\n"
    "unshare(NEWNS); m.propagate_one_way()\n"
    "place = os.fsencode(sys.argv[1])\n"
)


def run_privately(code: str, place) -> str:
    if os.geteuid():
        if os.environ.get("CI"):
            pytest.fail("root is missing")
        pytest.skip("root is missing")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", _PRIVATE + code, str(place)]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mountinfo_s_escapes_are_undone():
    assert unescape(rb"/a\040b\134c\011") == b"/a b\\c\t"
    assert unescape(b"/plain") == b"/plain"


@pytest.mark.needs_root
@pytest.mark.parametrize("how", ["_overlay_by_context", "_overlay_classic"])
def test_an_overlay_stacks_layers_with_any_names(how, tmp_path):
    code = (
        "names = [b'plain', b'co:lon', b'com,ma', b'back\\\\slash', b'sp ace']\n"
        "for name in (*names, b'm', b'upper:1', b'work,1'): os.mkdir(place + b'/' + name)\n"
        "for index, name in enumerate(names):\n"
        "    open(place + b'/' + name + b'/f%d' % index, 'w').close()\n"
        "    open(place + b'/' + name + b'/top', 'w').write(str(index))\n"
        "options = [(b'upperdir', place + b'/upper:1'), (b'workdir', place + b'/work,1')]\n"
        "lowers = [place + b'/' + name for name in names][::-1]\n"
        f"m.{how}(place + b'/m', lowers, options, [])\n"
        "print(sorted(os.listdir(place + b'/m')), open(place + b'/m/top').read())\n"
        "os.unlink(place + b'/m/f0')\n"
    )
    out = run_privately(code, tmp_path)
    assert out == "[b'f0', b'f1', b'f2', b'f3', b'f4', b'top'] 4\n"
    assert (tmp_path / "upper:1/f0").is_char_device()


@pytest.mark.needs_root
def test_names_that_do_not_fit_mount_s_page_are_an_error_that_says_so(tmp_path):
    code = (
        "lowers = [place + b'/' + b'x' * 200 + b'%d' % n for n in range(30)]\n"
        "try: m._overlay_classic(place, lowers, [], [])\n"
        "except OSError as error: print(error.errno, error)\n"
    )
    out = run_privately(code, tmp_path)
    assert out.startswith(f"{errno.E2BIG} ")
    assert "Linux 6.5" in out


@pytest.mark.needs_root
@pytest.mark.parametrize("old_kernel", [False, True])
def test_a_tree_of_mounts_becomes_read_only(old_kernel, tmp_path):
    code = (
        f"if {old_kernel}:\n"
        "    def refuse(name, *arguments, path=None):\n"
        "        raise OSError(38, name)\n"
        "    m.raw = refuse\n"
        "os.mkdir(place + b'/s p'); m.mount(b't', place, b'tmpfs', 0)\n"
        "os.mkdir(place + b'/s p'); m.mount(b't', place + b'/s p', b'tmpfs', m.MS_NOSUID)\n"
        "m.make_readonly(place)\n"
        "for path in (place, place + b'/s p'):\n"
        "    try: open(path + b'/x', 'w')\n"
        "    except OSError as error: print(error.errno)\n"
        "print(bool(os.statvfs(place + b'/s p').f_flag & os.ST_NOSUID))\n"
    )
    assert run_privately(code, tmp_path).split() == [str(errno.EROFS)] * 2 + ["True"]


def test_a_failed_call_names_itself_and_the_path():
    with pytest.raises(OSError, match="mount: ") as caught:
        mount(b"none", b"/does/not/exist", b"tmpfs")
    assert caught.value.filename == "/does/not/exist"


def test_unknown_calls_are_not_there():
    with pytest.raises(OSError, match="fly") as caught:
        raw("fly")
    assert caught.value.errno == errno.ENOSYS
    assert number("openat2") == 437
