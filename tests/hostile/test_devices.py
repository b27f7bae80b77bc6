"""Devices of the host cannot be opened in a container, and its nodes not be changed.

The suite runs as root, and in ``contract/test_sandbox_rootless.py`` once more for other users.
"""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import sandbox_rig
from contract.sandbox_rig import drivers_here, make_base, variant
from host_tools import lacking
from jettison.errors import HostError
from jettison.linux import device_group
from jettison.linux.device_group import DeviceGroup, make_device_group, restrict_devices
from jettison.linux.userns import in_user_namespace
from jettison.sandbox.helper.client import Helper
from jettison.sandbox.select import IN_CONTAINER, SINGLE_ID
from jettison.sandbox.spec import (
    DEFAULT_CAPABILITIES,
    BindMount,
    ContainerLimits,
    DeviceNode,
    FileMount,
    OverlayMount,
    TmpfsMount,
)
from scratch_rig import Scratch

pytestmark = pytest.mark.needs_root

_CONTENT = b"what a disk of the host holds"
_WITHOUT_MKNOD = tuple(name for name in DEFAULT_CAPABILITIES if name != "CAP_MKNOD")
_PLACES = ("/", "/dev/", "/bound/", "/scratch/", "/dev/shm/", "/stack/")
_OPENED = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty")}


@contextlib.contextmanager
def _loop(directory: Path) -> Iterator[tuple[int, int]]:
    """Yield the number of a block device of the host with a known content."""
    image = directory / "disk"
    image.write_bytes(_CONTENT.ljust(1 << 20, b"\0"))
    found = subprocess.run(
        ["losetup", "--show", "-f", image], capture_output=True, text=True, check=False
    )
    if found.returncode:
        lacking("loop devices")
    name = found.stdout.strip()
    try:
        number = os.stat(name).st_rdev
        yield os.major(number), os.minor(number)
    finally:
        subprocess.run(["losetup", "-d", name], check=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Iterator[tuple[int, int]]:
    if in_user_namespace():
        yield 7, 0  # it need not be there: nobody may make nodes
        return
    with _loop(tmp_path_factory.mktemp("disk")) as number:
        yield number


@pytest.fixture(scope="module")
def base(tmp_path_factory, disk) -> Path:
    """A layer with a node for everybody."""
    path = make_base(tmp_path_factory.mktemp("base"))
    (path / "bin/head").symlink_to("busybox")
    (path / "bin/dd").symlink_to("busybox")
    (path / "bin/chown").symlink_to("busybox")
    (path / "nodes").mkdir()
    _make_node(path / "nodes/disk", disk)
    return path


def _make_node(path: Path, disk: tuple[int, int]) -> None:
    if not in_user_namespace():
        os.mknod(path, 0o666 | stat.S_IFBLK, os.makedev(*disk))
        path.chmod(0o666)


rig = sandbox_rig.rig
driver = sandbox_rig.driver_of(name for name in drivers_here() if name != IN_CONTAINER)


def _mounts(tmp_path: Path, disk: tuple[int, int]) -> tuple:
    """Return a mount of each kind, two of them with the node."""
    for name in ("bound", "bound/below", "layer"):
        (tmp_path / name).mkdir()
    (tmp_path / "one").touch()
    _make_node(tmp_path / "bound/disk", disk)
    _make_node(tmp_path / "layer/disk", disk)
    return (
        BindMount(tmp_path / "bound", "/bound"),
        BindMount(tmp_path / "bound", "/kept", readonly=True),
        BindMount(tmp_path / "bound", "/copied", copy_up=True),
        BindMount(tmp_path / "one", "/one"),
        OverlayMount((tmp_path / "layer",), "/", "/stack", readonly=False),
        TmpfsMount("/scratch"),
        FileMount("/run/secrets/s", b"secret"),
        FileMount("/dev/secret", b"secret"),
    )


@pytest.mark.parametrize("capabilities", [DEFAULT_CAPABILITIES, _WITHOUT_MKNOD])
def test_no_way_leads_to_a_disk_of_the_host(rig, tmp_path, disk, capabilities):
    mounts = _mounts(tmp_path, disk)
    major, minor = disk
    script = "".join(
        f"mknod -m 666 {place}d b {major} {minor} && echo made;"
        f"head -c 29 {place}d; test -e {place}d && echo overwritten > {place}d;"
        for place in _PLACES
    )
    script += "for p in /nodes /bound /kept /copied /stack; do head -c 29 $p/disk;"
    script += "chmod 604 $p/disk; head -c 29 $p/disk; done; true"
    for uid in (0, 1000):
        result = rig.sh(script, mounts=mounts, capabilities=capabilities, uid=uid)
        assert result.code == 0
        assert _CONTENT not in result.stdout
        assert b"overwritten" not in result.stdout
        if rig.sandbox.name == SINGLE_ID:
            assert set(result.lines) <= {"made"}  # it is pretended there
            continue
        made = uid == 0 and not in_user_namespace() and "CAP_MKNOD" in capabilities
        assert result.lines == ["made"] * (len(_PLACES) if made else 0)
    if not in_user_namespace():
        with open(f"/dev/loop{minor}", "rb") as device:
            assert device.read(len(_CONTENT)) == _CONTENT


def test_nodes_that_a_step_makes_are_in_its_layer(rig):
    if in_user_namespace():
        pytest.skip("nobody may make nodes in a user namespace")
    change = "" if "fuse" in variant(rig.sandbox) else "&& chmod 600 /nodes/disk"  # it opens it
    result = rig.sh(f"mknod -m 640 /d b 9 3 && mknod -m 604 /c c 8 4 {change}")
    assert result.code == 0
    found = [os.lstat(result.upper / name) for name in "dc"]
    assert [stat.filemode(each.st_mode) for each in found] == ["brw-r-----", "crw----r--"]
    assert [each.st_rdev for each in found] == [os.makedev(9, 3), os.makedev(8, 4)]
    if change:
        assert stat.S_IMODE(os.lstat(result.upper / "nodes/disk").st_mode) == 0o600


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("readonly_root", [False, True])
def test_every_mount_is_without_devices(rig, tmp_path, disk, readonly_root, terminal):
    # A mount that is missing here because it is new fails, since all are looked at.
    mounts = _mounts(tmp_path, disk)
    more = {"hosts": b"#\n", "resolv_conf": b"#\n", "readonly_root": readonly_root}
    if terminal:
        leader, follower = os.openpty()
        try:
            spec = rig.start("/bin/cat", "/proc/self/mountinfo", mounts=mounts, **more)
        finally:
            os.close(leader)
            os.close(follower)
        result = spec.finish()
    else:
        result = rig.run("/bin/cat", "/proc/self/mountinfo", mounts=mounts, **more)
    seen = {}
    for line in result.lines:
        fields = line.split()
        flags = fields[5].split(",")
        assert not any(field.startswith(("shared:", "master:")) for field in fields), line
        seen[fields[4]] = flags
    assert set(seen) >= {"/", "/proc", "/dev", "/dev/shm", "/sys", "/etc/hosts", "/bound", "/kept"}
    assert set(seen) >= {"/one", "/copied", "/stack", "/scratch", "/run/secrets/s", "/dev/secret"}
    opened = {path for path, flags in seen.items() if "nodev" not in flags}
    hidden = {path for path in opened if path.startswith(("/proc/", "/sys/"))}
    assert opened - hidden == {*_OPENED, "/dev/pts"}
    script = "".join(f"test -c {path} || test -d {path} || echo {path};" for path in hidden)
    script += "".join(f"head -c 1 {path};" for path in hidden)
    assert rig.sh(script).stdout == b"", "only what is empty hides a path of the kernel"


def test_the_usual_devices_work(rig):
    result = rig.sh(
        "echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c;"
        "echo x 2>&1 > /dev/full | grep -c space; stat -c '%a %t:%T' /dev/null /dev/tty"
    )
    assert result.lines == ["3", "3", "1", "666 1:3", "666 5:0"]


def test_changes_of_devices_do_not_reach_the_host(rig):
    before = {path: os.stat(path) for path in (*_OPENED, "/dev/ptmx")}
    hidden = "/proc/keys /proc/timer_list /proc/kcore"
    result = rig.sh(
        f"for d in {' '.join(sorted(_OPENED))} {hidden}; do chmod 4777 $d; chown 12:12 $d;"
        "touch -d '2001-01-01 00:00:00' $d; chmod 666 $d; done; echo x > /dev/null && echo works"
    )
    assert result.lines[-1] == "works"
    for path, facts in before.items():
        now = os.stat(path)
        same = ("st_mode", "st_uid", "st_gid")
        assert [getattr(now, name) for name in same] == [getattr(facts, name) for name in same]
        # Terminals tell by their times that somebody uses them, so that these may change.
        assert now.st_mtime_ns >= facts.st_mtime_ns
    # Nor another container.
    assert rig.sh("stat -c %a:%u /dev/null").lines in (["666:0"], ["666:65534"])


def test_the_host_s_devices_may_be_mounted_and_only_the_usual_ones_opened(rig, disk):
    number = disk[1]
    script = f"echo x > /dev/null && head -c 1 /dev/zero | wc -c; head -c 29 /dev/loop{number}"
    result = rig.sh(script, mounts=(BindMount(Path("/dev"), "/dev"),))
    assert result.lines == ["1"]
    script = f"head -c 29 /host/dev/loop{number}; head -c 1 /host/dev/zero; ls /host/dev/null"
    result = rig.sh(script, mounts=(BindMount(Path("/"), "/host"),))
    assert result.lines == ["/host/dev/null"]


def test_what_the_host_mounts_later_does_not_appear_in_a_container(rig, tmp_path):
    if in_user_namespace():
        pytest.skip("mounts of the host are root's")
    source = tmp_path / "source"
    (source / "later").mkdir(parents=True)
    subprocess.run(["mount", "--bind", source, source], check=True)
    subprocess.run(["mount", "--make-shared", source], check=True)
    try:
        started = rig.start(
            "/bin/sh", "-c", "echo > /b/begun; while test ! -e /b/go; do sleep 0.02; done;"
            "ls /b/later; grep -c /b/later /proc/self/mountinfo; true",
            mounts=(BindMount(source, "/b"),),
        )  # fmt: skip
        while not (source / "begun").exists():
            pass
        subprocess.run(["mount", "-t", "tmpfs", "later", source / "later"], check=True)
        (source / "later/file").touch()
        (source / "go").touch()
        assert started.finish().lines == ["0"]
    finally:
        subprocess.run(["umount", "-R", source], check=True)


def test_a_privileged_container_has_the_host_s_devices_by_its_own_nodes(rig, disk):
    before = os.stat(f"/dev/loop{disk[1]}") if not in_user_namespace() else None
    if before is None:
        result = rig.sh("echo x > /dev/null && echo works", privileged=True)
        assert result.lines == ["works"]
        return
    result = rig.sh(
        f"head -c 29 /dev/loop{disk[1]}; echo; mknod /d b {disk[0]} {disk[1]} && head -c 29 /d;"
        f"echo; head -c 29 /nodes/disk; echo; stat -c %a /dev/loop{disk[1]};"
        f"chmod 4777 /dev/loop{disk[1]} /dev/null",
        privileged=True,
    )
    text = _CONTENT.decode()
    assert result.lines == [text, text, text, f"{stat.S_IMODE(before.st_mode):o}"], result.stderr
    assert result.code == 0
    assert os.stat(f"/dev/loop{disk[1]}").st_mode == before.st_mode
    assert stat.S_IMODE(os.stat("/dev/null").st_mode) == 0o666


def test_a_device_that_is_given_is_the_only_one_more(rig, disk):
    if in_user_namespace():
        pytest.skip("there are no disks for users")
    name = f"/dev/loop{disk[1]}"
    given = (DeviceNode(Path(name), "/dev/given"),)
    before = os.stat(name).st_mode
    script = (
        "head -c 29 /dev/given; echo; chmod 4777 /dev/given;"
        f"mknod /d b {disk[0]} {disk[1]}; head -c 29 /d; mknod /e b {disk[0]} {disk[1] + 1};"
        "head -c 1 /e; echo done"
    )
    for limits in (ContainerLimits(), ContainerLimits(64 << 20)):
        result = rig.sh(script, devices=given, limits=limits)
        assert result.lines == [_CONTENT.decode(), "done"], result.stderr
    assert os.stat(name).st_mode == before


def test_a_limited_container_is_kept_from_devices_as_well(rig, disk):
    if in_user_namespace():
        pytest.skip("see tests of limits for users")
    result = rig.sh(
        f"mknod /d b {disk[0]} {disk[1]} && head -c 29 /d; echo done",
        limits=ContainerLimits(64 << 20),
    )
    assert result.lines == ["done"]


# -- control groups -----------------------------------------------------------------------------


def _opens(group: DeviceGroup, *paths: str) -> list[str]:
    """Return what a process in a group may open."""
    code = (
        "import os, sys\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "for path in sys.argv[2:]:\n"
        "    try: os.open(path, os.O_RDONLY | os.O_NOCTTY)\n"
        "    except PermissionError: continue\n"
        "    print(path)\n"
        "os.mknod(sys.argv[2] + '-made', 0o60600, os.makedev(7, 0))\n"
        "os.unlink(sys.argv[2] + '-made')\n"
    )
    argv = [sys.executable, "-c", code, str(group.directory / "cgroup.procs"), *paths]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def _groups() -> dict[str, DeviceGroup | str]:
    name = f"jettison-{os.getpid()}-test"
    found: dict[str, DeviceGroup | str] = {"v1 or v2": make_device_group(name)}
    unified = Path("/sys/fs/cgroup/unified", name)
    try:
        unified.mkdir()
        restrict_devices(unified, unified=True)
    except OSError as error:
        found["v2"] = str(error)
        return found
    return found | {"v2": DeviceGroup(unified, unified=True)}


def test_a_control_group_lets_the_usual_devices_be_opened_and_every_node_be_made(tmp_path, disk):
    if in_user_namespace():
        pytest.skip("device control groups are root's")
    node, null = tmp_path / "disk", tmp_path / "null"
    _make_node(node, disk)
    os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    tried = 0
    for group in _groups().values():
        if isinstance(group, str):
            continue
        tried += 1
        try:
            assert _opens(group, str(node), "/dev/null", str(null), "/dev/loop-control") == [
                "/dev/null",
                str(null),
            ]
        finally:
            group.remove()
        assert not group.directory.exists()
    if not tried:
        lacking("device control groups")


def test_the_program_for_version_2_has_the_rules_of_version_1():
    program = device_group.rules_program()
    assert len(program) % 8 == 0
    for major, minor in device_group.USUAL_DEVICES:
        assert _ask(program, 2, 2, major, 7 if minor is None else minor) == 1
    given = device_group.rules_program([("b", 7, 4, "rwm"), ("c", 10, 1, "rwm")])
    for access, kind, major, minor, answer in [
        (6, 1, 7, 4, 1), (6, 1, 7, 5, 0), (6, 1, 8, 4, 0), (2, 2, 10, 1, 1), (2, 2, 7, 4, 0),
        (2, 2, 1, 3, 1),
    ]:  # fmt: skip
        assert _ask(given, access, kind, major, minor) == answer, (access, kind, major, minor)
    for access, kind, major, minor, answer in [
        (2, 1, 1, 3, 0), (2, 2, 1, 11, 0), (4, 1, 7, 0, 0), (6, 2, 10, 1, 0), (1, 1, 7, 0, 1),
        (1, 2, 9, 9, 1), (3, 1, 7, 0, 0), (6, 2, 1, 3, 1), (4, 2, 137, 0, 0), (2, 2, 3, 1, 0),
    ]:  # fmt: skip
        assert _ask(program, access, kind, major, minor) == answer, (access, kind, major, minor)


def _ask(program: bytes, access: int, kind: int, major: int, minor: int) -> int:
    """Run a program of the few instructions that are used."""
    context = {0: access << 16 | kind, 4: major, 8: minor}
    registers, here = [0] * 11, 0
    while True:
        code, both, jump = program[here], program[here + 1], program[here + 2 : here + 4]
        offset = int.from_bytes(jump, "little", signed=True)
        value = int.from_bytes(program[here + 4 : here + 8], "little", signed=True)
        target, source = both & 15, both >> 4
        here += 8
        match code:
            case 0x61:
                registers[target] = context[offset]
            case 0xBC:
                registers[target] = registers[source]
            case 0x74:
                registers[target] >>= value
            case 0x54:
                registers[target] &= value
            case 0xB7:
                registers[target] = value
            case 0x05:
                here += 8 * offset
            case 0x15:
                here += 8 * offset * (registers[target] == value)
            case 0x55:
                here += 8 * offset * (registers[target] != value)
            case 0x95:
                return registers[0]
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


def test_the_helper_is_in_a_group_that_goes_with_it():
    if in_user_namespace() or isinstance(group := make_device_group("jettison-0-t"), str):
        pytest.skip("there are no device control groups here")
    group.remove()
    helper = Helper()
    helper.warm()
    made = helper._spawning.devices
    assert str(helper._pid) in (made.directory / "cgroup.procs").read_text().split()
    helper.close()
    assert not made.directory.exists()


# -- whole builds -------------------------------------------------------------------------------


@pytest.fixture
def nodes(request, disk) -> Scratch:
    """A context with a tar that has nodes."""
    if in_user_namespace():
        pytest.skip("builds enter a user namespace themselves")
    scratch = request.getfixturevalue("scratch")
    with tarfile.open(scratch.context / "x.tar", "w") as tar:
        entry = tarfile.TarInfo("n/disk")
        entry.type, entry.mode = tarfile.BLKTYPE, 0o666
        entry.devmajor, entry.devminor = disk
        tar.addfile(entry)
    return scratch


_LEVELS = [
    ("embedded", "overlay"), ("embedded", "fuse-overlayfs"), ("embedded", "copy"),
    ("crun", "overlay"), ("runc", "overlay"), ("in-container", "copy"),
]  # fmt: skip


@pytest.mark.parametrize(("isolation", "snapshotter"), _LEVELS)
def test_a_build_cannot_read_a_disk(nodes, disk, isolation, snapshotter):
    if isolation == "in-container" and isinstance(
        group := make_device_group(f"jettison-{os.getpid()}-t"), str
    ):
        pytest.skip(f"this level has a control group or nothing: {group}")
    read = "head -c 29"
    done = nodes.build(
        "FROM busybox AS n\nADD x.tar /\n"
        "FROM busybox\nCOPY --from=n /n /n\nADD x.tar /y\n"
        f"RUN ! {read} /n/disk && ! {read} /y/n/disk\n"
        "USER 1000\n"
        f"RUN ! {read} /n/disk && ! {read} /y/n/disk\n"
        "USER 0\n"
        f"RUN --mount=from=n,target=/m ! {read} /m/n/disk\n"
        f"RUN --mount=type=cache,target=/c mknod /c/d b {disk[0]} {disk[1]} && ! {read} /c/d\n"
        f"RUN mknod /d b {disk[0]} {disk[1]} && ! {read} /d && ! echo x > /d\n",
        "--no-cache", f"--isolation={isolation}", f"--snapshotter={snapshotter}", "-t", "x",
        "-o", f"type=tar,dest={nodes.directory}/x.tar",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with tarfile.open(nodes.directory / "x.tar") as tar:
        assert [tar.getmember(name).type for name in ("d", "n/disk", "y/n/disk")] == [
            tarfile.BLKTYPE
        ] * 3


def test_an_entitlement_is_the_only_way_round(nodes, disk):
    run = f"RUN --security=insecure head -c 29 /dev/loop{disk[1]} > /found; mknod /d b 7 1\n"
    # A step beside it has no more rights than ever.
    other = f"RUN mknod /d b {disk[0]} {disk[1]} && ! head -c 29 /d\n"
    text = f"FROM busybox\n{run}{other.replace('/d ', '/e ').replace(' /d', ' /e')}"
    assert nodes.build(text, "--no-cache").returncode != 0
    done = nodes.build(
        text, "--no-cache", "--allow=security.insecure", "-o",
        f"type=local,dest={nodes.directory}/out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (nodes.directory / "out/found").read_bytes() == _CONTENT


def test_run_keeps_to_it_without_a_capability_too(nodes, disk):
    assert nodes.build("FROM busybox\nADD x.tar /\n", "-t", "x").returncode == 0
    script = f"mknod /d b {disk[0]} {disk[1]}; head -c 29 /d; head -c 29 /n/disk; head -c 29 /v/d"
    volume = nodes.directory / "volume"
    volume.mkdir()
    _make_node(volume / "d", disk)
    flags = ("-v", f"{volume}:/v", "--network", "none")
    for more in ((), ("--cap-drop", "MKNOD")):
        done = nodes.run("run", "--rm", *flags, *more, "x", "/bin/sh", "-c", script)
        assert done.stdout == "", done.stderr
        assert "not permitted" in done.stderr.lower() or "denied" in done.stderr.lower()
    done = nodes.run("run", "--rm", "--privileged", *flags, "x", "/bin/sh", "-c", script)
    assert done.stdout == 3 * _CONTENT.decode(), done.stderr


def test_a_device_that_is_given_for_reading_cannot_be_written(rig):
    if rig.sandbox.name in {"single-id", "in-container"}:
        pytest.skip("it gives no devices, or has no control group of devices")
    node = DeviceNode(Path("/dev/loop-control"), "/dev/loop-control", "r")
    script = (
        "exec 3< /dev/loop-control && echo read; (exec 4> /dev/loop-control) || echo not written"
    )
    if in_user_namespace():  # nobody lends a control group of devices to a user
        with pytest.raises(HostError, match="there is no control group of devices"):
            rig.sh(script, devices=(node,))
        return
    result = rig.sh(script, devices=(node,))
    assert result.lines == ["read", "not written"]
    assert b"Operation not permitted" in result.stderr
