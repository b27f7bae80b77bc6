"""One suite for every sandbox driver: what a container sees, does and leaves behind.

It runs as root (or as root of a user namespace); ``test_sandbox_rootless`` starts it once more for
an unprivileged user.
"""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import stat
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from contract import sandbox_rig
from contract.sandbox_rig import OLD, Rig, drivers_here, make_base, variant
from jettison.container.foreground import Attachment, run_attached
from jettison.errors import HostError, SandboxUnavailableError, UsageError
from jettison.linux.process import CAPABILITIES, capability_mask
from jettison.linux.seccomp_profile import parse_profile
from jettison.linux.userns import in_user_namespace
from jettison.sandbox.base import Streams
from jettison.sandbox.spec import (
    DEFAULT_CAPABILITIES,
    BindMount,
    ContainerLimits,
    FileMount,
    NetworkMode,
    OverlayMount,
    Root,
    RootKind,
    SandboxSpec,
    TmpfsMount,
)

pytestmark = pytest.mark.needs_root

GRANTED = capability_mask(DEFAULT_CAPABILITIES) & ~capability_mask(("CAP_NET_RAW",))
"""What root has where the network is shared."""


base, rig = sandbox_rig.base, sandbox_rig.rig
driver = sandbox_rig.driver_of(drivers_here())


def is_oci(rig: Rig) -> bool:
    return rig.sandbox.name.startswith("oci")


def until(condition, what: str) -> None:
    """Poll for something another process does; fail after ten seconds."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def processes_with(marker: str) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                line = Path(f"/proc/{entry}/cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in line:
                found.append(int(entry))
    return found


# -- what the process gets ---------------------------------------------------------------------


def test_the_exit_code_is_the_program_s(rig):
    assert rig.sh("exit 42").code == 42


def test_success_leaves_nothing_in_the_layer(rig):
    result = rig.run("/bin/true")
    assert (result.code, result.changes()) == (0, [])


def test_output_is_passed_on_byte_by_byte_and_streams_stay_apart(rig):
    result = rig.sh(r"printf '\377\000\303\251 ü'; printf 'oh\n' >&2")
    assert result.stdout == b"\xff\x00\xc3\xa9 " + "ü".encode()
    assert result.stderr == b"oh\n"


def test_standard_input_is_the_caller_s(rig):
    assert rig.run("/bin/cat", stdin=b"\x00abc").stdout == b"\x00abc"


def test_the_environment_is_exactly_the_spec_s(rig):
    env = ("PATH=/bin", "B=2", "A=ü \n1", "EMPTY=")
    result = rig.run("env", env=env)
    seen = result.text.replace("HOME=/\n", "") if is_oci(rig) else result.text
    assert seen == "PATH=/bin\nB=2\nA=ü \n1\nEMPTY=\n"


def test_arguments_may_be_any_bytes_but_zero(rig):
    word = os.fsdecode(b"a b\n\xc3\xa9'\"$")
    assert rig.run("printf", "%s", word).stdout == os.fsencode(word)


def test_bytes_that_are_no_text_pass_in_arguments_and_environment(rig):
    if is_oci(rig):
        pytest.skip("config.json is UTF-8")
    result = rig.run("sh", "-c", 'printf %s "$1$X"', "-", "\udcff", env=("PATH=/bin", "X=\udcfe"))
    assert result.stdout == b"\xff\xfe"


def test_it_starts_in_its_working_directory(rig):
    assert rig.run("pwd", cwd="/home").lines == ["/home"]


def test_a_working_directory_that_is_missing_is_an_error(rig):
    if is_oci(rig):
        pytest.skip("runtimes make it")
    with pytest.raises(SandboxUnavailableError, match="working directory"):
        rig.run("pwd", cwd="/nowhere")


def test_it_is_root_by_default(rig):
    assert rig.sh("id -u; id -g; id -G").lines == ["0", "0", "0"]


def test_it_becomes_the_user_and_the_groups_of_the_spec(rig):
    result = rig.sh("id -u; id -g; id -G", uid=1000, gid=1001, groups=(7, 1002))
    assert result.lines[:2] == ["1000", "1001"]
    assert sorted(map(int, result.lines[2].split())) == [7, 1001, 1002]


def status(rig: Rig, field: str, **more) -> int:
    result = rig.run("grep", f"{field}:", "/proc/self/status", **more)
    return int(result.text.split()[1], 16)


@pytest.mark.parametrize("field", ["CapEff", "CapPrm", "CapBnd"])
def test_root_has_the_default_capabilities(rig, field):
    assert status(rig, field) == GRANTED
    whole = status(rig, field, network=NetworkMode.HOST)
    assert whole == capability_mask(DEFAULT_CAPABILITIES)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("CapEff", 0),
        ("CapPrm", 0),
        ("CapInh", 0),
        ("CapAmb", 0),
        ("CapBnd", GRANTED),
    ],
)
def test_other_users_have_capabilities_in_the_bounding_set_only(rig, field, expected):
    assert status(rig, field, uid=1000, gid=1000) == expected


def test_a_capability_can_be_taken_away(rig):
    assert status(rig, "CapBnd", capabilities=("CAP_CHOWN",)) == 1


def test_an_unknown_capability_is_the_user_s_mistake(rig):
    with pytest.raises(UsageError, match="CAP_FLY"):
        rig.run("true", capabilities=("CAP_FLY",))


def test_new_privileges_are_allowed_so_that_sudo_works(rig):
    assert status(rig, "NoNewPrivs") == 0


def test_dangerous_system_calls_are_filtered(rig):
    assert status(rig, "Seccomp") == 2
    result = rig.sh("unshare -U true || echo refused")
    assert result.lines == ["refused"]
    assert b"Operation not permitted" in result.stderr


def test_a_profile_takes_the_place_of_the_filter(rig):
    text = """{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}"""
    profile = parse_profile(text, DEFAULT_CAPABILITIES, os.uname().machine, (6, 1))
    script = "echo one; mkdir /tmp/d || echo refused; unshare -m true && echo mine"
    result = rig.sh(script, seccomp=profile, capabilities=(*DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"))
    assert result.lines == ["one", "refused", "mine"]
    assert b"No space left on device" in result.stderr


def test_a_privileged_container_has_every_capability_and_no_filter(rig):
    if in_user_namespace() and "runc" in rig.sandbox.name:
        pytest.skip("runc makes devices, which a user namespace may not")
    mask = status(rig, "CapEff", privileged=True)
    for name in ("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"):
        assert mask >> CAPABILITIES.index(name) & 1
    result = rig.sh("mkdir /m && mount -t tmpfs none /m && touch /m/x && echo ok", privileged=True)
    assert result.lines == ["ok"]


def test_signals_it_ignores_are_those_of_a_fresh_program(rig):
    internal = 3 << 31  # 32 and 33 are libc's and may come from whoever started the tests
    assert status(rig, "SigIgn") & ~internal == 0
    assert status(rig, "SigBlk") & ~internal == 0


@pytest.mark.parametrize("watched", [(), ("/etc",)])
def test_only_three_descriptors_are_open(rig, watched):
    started = rig.start("ls", "/proc/self/fd", watched=watched)
    assert started.finish().lines == ["0", "1", "2", "3"]  # 3 is ls reading


def test_the_file_mode_mask_is_022(rig):
    assert rig.sh("umask").lines == ["0022"]


def test_resource_limits_are_set(rig):
    limits = ContainerLimits(ulimits=(("nofile", 64, 128), ("core", 0, 0)))
    assert rig.sh("ulimit -n; ulimit -Hn; ulimit -c", limits=limits).lines == ["64", "128", "0"]


def test_memory_is_limited(rig):
    limits = ContainerLimits(memory_bytes=32 << 20)
    try:
        fine = rig.sh("echo ok", limits=limits)
    except HostError:
        assert in_user_namespace()
        return
    assert fine.lines == ["ok"]
    script = "head -c 100m /dev/zero | tail -c 90m | wc -c"
    result = rig.run("busybox", "sh", "-c", script, limits=limits)
    assert result.lines != [str(90 << 20)]
    assert not list(Path("/sys/fs/cgroup").glob(f"*/jettison-{os.getpid()}-*"))


def test_an_unknown_resource_limit_is_the_user_s_mistake(rig):
    with pytest.raises(UsageError, match="luck"):
        rig.run("true", limits=ContainerLimits(ulimits=(("luck", 1, 1),)))


# -- programs that cannot be started -------------------------------------------------------------


def assert_refused(rig: Rig, result, code: int, text: str) -> None:
    """Check exit code and text; runtimes write a line of their own before."""
    assert result.code == code
    if is_oci(rig):
        assert result.stderr.decode().endswith(text + "\n")
    else:
        assert result.stderr.decode() == text + "\n"


def test_a_program_that_is_not_on_path_is_exit_code_127(rig):
    text = 'exec: "foo": executable file not found in $PATH'
    assert_refused(rig, rig.run("foo", "bar"), 127, text)


def test_a_missing_shell_is_exit_code_127(rig):
    text = 'exec: "/no/sh": stat /no/sh: no such file or directory'
    assert_refused(rig, rig.run("/no/sh", "-c", "true"), 127, text)


def test_a_file_without_execute_permission_is_exit_code_126(rig):
    text = 'exec: "/etc/passwd": permission denied'
    assert_refused(rig, rig.run("/etc/passwd"), 126, text)


def test_a_file_that_is_no_program_is_an_error(rig, tmp_path):
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "junk").write_bytes(b"\x00\x01")
    (layer / "junk").chmod(0o755)
    result = rig.run("/junk", root=rig.root(layer))
    assert result.code == (1 if is_oci(rig) else 126)
    assert b"exec format error" in result.stderr.lower()


def test_a_relative_program_is_found_on_the_path_of_the_container(rig, tmp_path):
    layer = tmp_path / "layer"
    (layer / "opt").mkdir(parents=True)
    (layer / "opt/hello").write_text("#!/bin/sh\necho hi\n")
    (layer / "opt/hello").chmod(0o755)
    result = rig.run("hello", env=("PATH=/nope:/opt",), root=rig.root(layer))
    assert result.lines == ["hi"]


# -- isolation ------------------------------------------------------------------------------------


def test_it_sees_its_own_processes_only(rig):
    result = rig.sh("ls /proc | grep -c '^[0-9]'; echo $$")
    assert int(result.lines[0]) <= 3
    assert result.lines[1] == "1"


def test_the_host_name_is_its_own(rig):
    before = os.uname().nodename
    assert rig.sh("cat /proc/sys/kernel/hostname", hostname="step-7").lines == ["step-7"]
    assert os.uname().nodename == before


def test_without_a_network_there_is_loopback_only_and_it_is_up(rig):
    result = rig.sh("ls /sys/class/net; cat /sys/class/net/lo/flags", network=NetworkMode.NONE)
    assert result.lines[0] == "lo"
    assert int(result.lines[1], 16) & 1


def test_the_host_s_network_is_shared(rig):
    result = rig.sh("grep -c : /proc/net/dev")
    assert int(result.text) == Path("/proc/net/dev").read_text().count(":")


def test_kernel_paths_are_hidden_or_write_protected(rig):
    result = rig.sh(
        "cat /proc/keys /proc/timer_list 2>/dev/null | wc -c; ls /sys/firmware | wc -l;"
        "echo 1 > /proc/sys/kernel/core_pattern; echo 1 > /sys/power/state; true"
    )
    assert result.lines == ["0", "0"]
    assert result.stderr.count(b"Read-only file system") == 2


def test_devices_are_the_usual_ones(rig):
    result = rig.sh(
        "for d in null zero full random urandom tty ptmx; do test -c /dev/$d || echo no $d; done;"
        "for d in pts shm mqueue fd/; do test -d /dev/$d || echo no $d; done;"
        "for d in fd stdin stdout stderr; do test -L /dev/$d || echo no $d; done;"
        "echo x > /dev/null && test -r /dev/urandom && stat -c %a /dev/shm; ls /dev/sda /dev/kmsg"
    )
    assert result.lines == ["1777"]


def test_shared_memory_has_the_size_of_the_spec(rig):
    limits = ContainerLimits(shm_bytes=3 << 20)
    assert "size=3072k" in rig.sh("grep /dev/shm /proc/mounts", limits=limits).text


def test_a_mount_takes_the_place_of_shared_memory(rig):
    mounts = (TmpfsMount("/dev/shm", 5 << 20),)
    lines = rig.sh("grep ' /dev/shm ' /proc/mounts", mounts=mounts).lines
    assert len(lines) == 1
    assert "size=5120k" in lines[0]


def test_a_read_only_root_cannot_be_written_but_mounts_can(rig):
    mounts = (TmpfsMount("/scratch"),)
    result = rig.sh("echo > /x; echo > /scratch/x && echo ok", readonly_root=True, mounts=mounts)
    assert result.lines == ["ok"]
    assert b"Read-only file system" in result.stderr


def test_the_working_directory_cannot_lead_to_the_host(rig):
    for number in range(3, 12):
        try:
            result = rig.run("ls", "..", cwd=f"/proc/self/fd/{number}")
        except SandboxUnavailableError:
            continue
        assert b"busybox-host" not in result.stdout
        assert result.code in {0, 126, 127}
        assert "boot" not in result.lines


def test_the_interpreter_of_the_helper_cannot_be_written(rig):
    if is_oci(rig):
        pytest.skip("it has no init")
    result = rig.sh("echo x >> /proc/1/exe || echo refused", init=True)
    assert result.lines == ["refused"]


def test_the_file_of_the_interpreter_is_read_only_behind_the_helper(rig):
    rig.sandbox.warm()
    path = f"/proc/{rig.helper._pid}/exe"

    def is_protected() -> bool:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)

    until(is_protected, "the helper protected its interpreter")
    with pytest.raises(OSError, match=r"busy|Read-only|denied"):
        os.open(path, os.O_WRONLY)


# -- mounts -------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "source"
    (path / "sub").mkdir(parents=True)
    (path / "file").write_text("from the host\n")
    (path / "sub/deep").write_text("deep\n")
    return path


def test_a_bind_mount_can_be_written(rig, source):
    result = rig.sh("cat /data/file; echo new > /data/made", mounts=(BindMount(source, "/data"),))
    assert result.lines == ["from the host"]
    assert (source / "made").read_text() == "new\n"
    assert result.changes() == []


def test_a_read_only_bind_mount_cannot_be_written_anywhere(rig, source):
    mounts = (BindMount(source, "/data", readonly=True),)
    result = rig.sh("echo > /data/made; echo > /data/sub/made; rm /data/file; true", mounts=mounts)
    assert result.stderr.count(b"Read-only file system") == 3
    assert sorted(os.listdir(source)) == ["file", "sub"]


def test_a_file_can_be_mounted(rig, source):
    mounts = (BindMount(source / "file", "/opt/conf", readonly=True),)
    result = rig.sh("cat /opt/conf", mounts=mounts)
    assert (result.lines, result.changes()) == (["from the host"], [])


def test_a_file_cannot_be_mounted_over_a_directory(rig, source):
    with pytest.raises(SandboxUnavailableError):
        rig.run("true", mounts=(BindMount(source / "file", "/etc"),))


def test_writes_to_a_copied_up_directory_are_lost(rig, source):
    mounts = (BindMount(source, "/data", copy_up=True),)
    script = "rm /data/file; echo new > /data/made; cat /data/sub/deep /data/made; ls /data"
    assert rig.sh(script, mounts=mounts).lines == ["deep", "new", "made", "sub"]
    assert sorted(os.listdir(source)) == ["file", "sub"]


def test_writes_to_a_copied_up_file_are_lost(rig, source):
    mounts = (BindMount(source / "file", "/conf", copy_up=True),)
    assert rig.sh("echo more >> /conf; cat /conf", mounts=mounts).lines == ["from the host", "more"]
    assert (source / "file").read_text() == "from the host\n"


@pytest.fixture
def stack(tmp_path) -> tuple[Path, Path]:
    lower, upper = tmp_path / "stack-0", tmp_path / "stack-1"
    (lower / "srv/www").mkdir(parents=True)
    (lower / "srv/www/a").write_text("old\n")
    (lower / "srv/www/gone").write_text("gone\n")
    (upper / "srv/www").mkdir(parents=True)
    (upper / "srv/www/a").write_text("new\n")
    os.mknod(upper / "srv/www/gone", stat.S_IFCHR, 0)
    return lower, upper


def test_a_path_in_a_stack_of_layers_can_be_mounted(rig, stack):
    mounts = (OverlayMount(stack, "/srv/www", "/in"),)
    result = rig.sh("ls /in; cat /in/a; echo x > /in/b", mounts=mounts)
    assert result.lines == ["a", "new"]
    assert b"Read-only file system" in result.stderr
    assert result.changes() == []


def test_a_file_in_a_single_layer_can_be_mounted(rig, stack):
    mounts = (OverlayMount(stack[:1], "srv/www/a", "/in/file"),)
    assert rig.sh("cat /in/file", mounts=mounts).lines == ["old"]


def test_writes_to_a_stack_are_lost(rig, stack):
    mounts = (OverlayMount(stack, "/", "/in", readonly=False),)
    assert rig.sh("echo x > /in/srv/b; cat /in/srv/b", mounts=mounts).lines == ["x"]
    assert not (stack[1] / "srv/b").exists()


def test_a_tmpfs_has_its_size_and_mode(rig):
    mounts = (TmpfsMount("/t", size_bytes=1 << 20, mode=0o700),)
    result = rig.sh("stat -c %a /t; grep ' /t ' /proc/mounts", mounts=mounts)
    assert "size=1024k" in result.lines[1]
    if "runc" not in rig.sandbox.name:  # which gives it the mode of the directory below
        assert result.lines[0] == "700"


def test_a_secret_is_a_file_with_owner_and_mode_that_leaves_nothing(rig):
    mounts = (FileMount("/run/secrets/key", b"s3cr3t\x00", 0o440, 1000, 7),)
    result = rig.sh("stat -c '%a %u %g' /run/secrets/key; cat /run/secrets/key", mounts=mounts)
    assert result.stdout == b"440 1000 7\ns3cr3t\x00"
    assert result.changes() == []
    paths = [path for path in rig.place.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not any(b"s3cr3t" in path.read_bytes() for path in paths)


def test_mounts_are_made_in_order(rig, source):
    mounts = (TmpfsMount("/a"), BindMount(source, "/a/b"), FileMount("/a/b/file", b"last\n", 0o444))
    assert rig.sh("cat /a/b/file; ls /a/b", mounts=mounts).lines == ["last", "file", "sub"]


def test_hosts_and_resolv_conf_are_those_of_the_spec(rig):
    result = rig.sh("cat /etc/hosts /etc/resolv.conf", hosts=b"1.2.3.4 db\n", resolv_conf=b"# x\n")
    assert result.lines == ["1.2.3.4 db", "# x"]
    assert result.changes() == []


def test_mount_points_leave_no_trace_and_no_new_time(rig, source):
    mounts = (BindMount(source, "/etc/deep/er"), FileMount("/home/f", b""), TmpfsMount("/new/dir"))
    result = rig.sh("stat -c %Y / /etc /home", mounts=mounts, hosts=b"", root=rig.root())
    assert result.lines == [str(OLD // 10**9)] * 3
    assert result.changes() == []
    assert result.upper.stat().st_mtime_ns == OLD


def test_changes_next_to_mount_points_stay(rig):
    mounts = (TmpfsMount("/cache/pip"),)
    result = rig.sh("echo x > /etc/new; echo y > /cache/kept", hosts=b"", mounts=mounts)
    assert result.changes() == ["cache", "cache/kept", "etc", "etc/new"]
    assert (result.upper / "etc").stat().st_mtime_ns > OLD


def test_a_changed_directory_that_held_a_mount_point_stays(rig):
    result = rig.sh("chmod 700 /etc", hosts=b"")
    assert result.changes() == ["etc"]
    assert stat.S_IMODE((result.upper / "etc").stat().st_mode) == 0o700


def test_a_mount_point_below_a_dangling_link_is_made_at_its_target(rig):
    result = rig.sh("cat /run/x/secret", mounts=(FileMount("/var/run/x/secret", b"hi\n"),))
    assert (result.lines, result.changes()) == (["hi"], [])


def test_a_hostile_link_does_not_lead_a_mount_out_of_the_root(rig, tmp_path):
    layer, outside = tmp_path / "layer", tmp_path / "outside"
    layer.mkdir()
    outside.mkdir()
    (layer / "link").symlink_to(f"../../../../../../..{outside}")
    mounts = (FileMount("/link/file", b"inside\n"),)
    result = rig.sh(f"cat {outside}/file", root=rig.root(layer), mounts=mounts)
    assert result.lines == ["inside"]
    assert os.listdir(outside) == []


def test_a_root_that_links_its_proc_elsewhere_is_refused(rig, tmp_path):
    layer = tmp_path / "layer"
    layer.mkdir()
    (layer / "proc").symlink_to("/etc")
    if "crun" in rig.sandbox.name:
        pytest.skip("crun follows the link below the root")
    with pytest.raises(SandboxUnavailableError):
        rig.run("true", root=rig.root(layer))


def test_a_container_cannot_lead_the_clean_up_out_of_its_root(rig, tmp_path):
    outside = tmp_path / "outside"
    (outside / "dir").mkdir(parents=True)
    script = f"mv /hold /moved; mkdir -p /x; ln -s {outside} /hold; true"
    mounts = (TmpfsMount("/hold/dir"),)
    rig.sh(script, mounts=mounts)
    assert (outside / "dir").is_dir()


# -- what is left ---------------------------------------------------------------------------------


def test_changes_are_in_the_upper_directory_in_overlay_form(rig):
    result = rig.sh("rm /etc/passwd; rm -r /home; mkdir /home; echo x > /etc/motd")
    assert result.changes() == ["etc", "etc/motd", "etc/passwd", "home"]
    gone = (result.upper / "etc/passwd").lstat()
    assert stat.S_ISCHR(gone.st_mode)
    assert gone.st_rdev == 0
    name = "user.overlay.opaque" if in_user_namespace() else "trusted.overlay.opaque"
    assert os.getxattr(result.upper / "home", name) == b"y"


def test_a_directory_can_be_the_root(rig, tmp_path):
    root = Root(RootKind.DIRECTORY, make_base(tmp_path / "tree"))
    result = rig.sh("echo x > /made; rm /etc/passwd; ls /etc", root=root)
    assert result.code == 0
    assert (root.upper / "made").read_text() == "x\n"
    assert not (root.upper / "etc/passwd").exists()
    assert not (root.upper / "proc").exists()


def test_an_empty_stack_of_layers_is_an_empty_root(rig, tmp_path):
    root = rig.root()
    root = Root(RootKind.OVERLAY, root.upper, root.work)
    result = rig.run("/bin/sh", root=root)
    assert result.code == 127
    assert result.changes() == []


@pytest.mark.parametrize("count", [300, 620])
def test_hundreds_of_layers_are_one_root(rig, tmp_path, count):
    lowers = []
    for number in range(count):
        layer = tmp_path / f"a-layer-with-a-rather-long-name-{number}"
        layer.mkdir()
        (layer / f"f{number}").write_text("")
        (layer / "last").write_text(f"{number}\n")
        lowers.append(layer)
    os.mknod(lowers[-1] / "f0", stat.S_IFCHR, 0)
    result = rig.sh("ls / | grep -c ^f; cat /last", root=rig.root(*lowers))
    assert result.lines == [str(count - 1), str(count - 1)]


def test_a_root_can_be_used_again(rig):
    root = rig.root()
    rig.sh("echo one > /x", root=root)
    assert rig.sh("cat /x", root=root).lines == ["one"]


def test_background_processes_end_with_the_program(rig):
    marker = f"9{os.getpid()}1"
    assert rig.sh(f"sleep {marker} & sleep 0").code == 0
    assert processes_with(marker) == []


def test_kill_leaves_no_process_and_no_mount(rig):
    marker = f"9{os.getpid()}2"
    before = Path("/proc/self/mountinfo").read_text()
    started = rig.start("/bin/sh", "-c", f"sleep {marker} & echo up; sleep {marker}")
    until(lambda: started.output() == b"up\n", "it started")
    started.running.kill()
    assert started.finish().code == 137
    assert processes_with(marker) == []
    assert Path("/proc/self/mountinfo").read_text() == before


def test_kill_right_after_the_start_works(rig):
    started = rig.start("/bin/sleep", "1000")
    started.running.kill()
    assert started.finish().code == 137


def test_signals_reach_the_program(rig):
    script = "trap 'echo got; exit 3' TERM; echo up; while :; do sleep 0.01; done"
    started = rig.start("/bin/sh", "-c", script)
    until(lambda: started.output() == b"up\n", "it started")
    started.running.signal(signal.SIGTERM)
    result = started.finish()
    assert (result.code, result.lines) == (3, ["up", "got"])


def test_signals_after_the_end_do_nothing(rig):
    started = rig.start("/bin/true")
    started.finish()
    started.running.signal(signal.SIGTERM)
    started.running.kill()


def test_many_containers_run_at_the_same_time(rig):
    results = []

    def work(number: int) -> None:
        results.append((number, rig.sh(f"echo {number}; exit {number}").code))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(number, number) for number in range(12)]


def test_nothing_outlives_a_builder_that_is_killed(rig, tmp_path):
    marker = f"9{os.getpid()}3"
    root = rig.root()
    code = (
        "import sys; from pathlib import Path\n"
        "from contract.sandbox_rig import make_driver\n"
        "from jettison.sandbox.base import Streams\n"
        "from jettison.sandbox.spec import *\n"
        "name, base, upper, work, marker = sys.argv[1:]\n"
        "root = Root(RootKind.OVERLAY, Path(upper), Path(work), (Path(base),))\n"
        "spec = SandboxSpec(root=root, argv=('/bin/sleep', marker), env=())\n"
        "make_driver(name).start(spec, Streams(0, 1, 2)).wait()\n"
    )
    paths = map(str, (rig.base, root.upper, root.work))
    argv = [sys.executable, "-c", code, variant(rig.sandbox), *paths, marker]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    builder = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=environment)
    with builder:
        until(lambda: len(processes_with(marker)) > 1, "it started")
        builder.kill()
    until(lambda: processes_with(marker) == [], "everything ended")


def test_a_helper_that_died_is_replaced(rig):
    if is_oci(rig):
        pytest.skip("the same helper")
    assert rig.run("true").code == 0
    helper = rig.helper
    os.kill(helper._pid, signal.SIGKILL)
    until(lambda: Path(f"/proc/{helper._pid}/stat").read_text().split()[2] == "Z", "it died")
    assert rig.run("true").code == 0


# -- jettison run -----------------------------------------------------------------------------------


def test_an_init_reaps_orphans_and_passes_signals_on(rig):
    if is_oci(rig):
        with pytest.raises(SandboxUnavailableError, match="init"):
            rig.run("true", init=True)
        return
    script = (
        "test $$ -gt 1 || echo is init; (true & true) ; sleep 0.05;"
        "trap 'exit 5' TERM; ps | grep -c Z; echo up; while :; do sleep 0.01; done"
    )
    started = rig.start("/bin/sh", "-c", script, init=True)
    until(lambda: b"up\n" in started.output(), "it started")
    started.running.signal(signal.SIGTERM)
    result = started.finish()
    assert result.code == 5
    assert "is init" not in result.lines


class UserTerminal:
    """A terminal with somebody who types an answer when the container asks for it."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        self.read, self.write = os.pipe()
        self.seen = b""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("4H", 33, 111, 0, 0))

    def run(self, rig: Rig, script: str, answer: bytes) -> int:
        argv = ("/bin/sh", "-c", script)
        spec = SandboxSpec(root=rig.root(), argv=argv, env=("PATH=/bin",), terminal=True)
        attachment = Attachment(interactive=True, stdin=self.slave, stdout=self.write)
        typist = threading.Thread(target=self._type, args=(answer,))
        typist.start()
        try:
            return run_attached(rig.sandbox, spec, attachment)
        finally:
            os.close(self.write)
            typist.join()
            for descriptor in (self.master, self.slave, self.read):
                os.close(descriptor)

    def _type(self, answer: bytes) -> None:
        while data := os.read(self.read, 4096):
            before, self.seen = self.seen, self.seen + data
            if b"ready" in self.seen and b"ready" not in before:
                os.write(self.master, answer)


def test_a_terminal_has_the_size_of_the_user_s_and_is_the_session_s(rig):
    terminal = UserTerminal()
    script = "test -t 0 && test -t 1 && stty size && test -c /dev/console && echo tty > /dev/tty"
    assert terminal.run(rig, script, b"") == 0
    assert b"33 111" in terminal.seen
    assert b"tty" in terminal.seen


def test_what_is_typed_reaches_a_container_with_a_terminal(rig):
    terminal = UserTerminal()
    assert terminal.run(rig, "echo ready; read line; echo got $line; exit 4", b"hello\n") == 4
    assert b"got hello" in terminal.seen


def test_control_c_reaches_a_container_with_a_terminal(rig):
    terminal = UserTerminal()
    script = "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 0.01; done"
    assert terminal.run(rig, script, b"\x03") == 6
    assert b"caught" in terminal.seen


def test_a_terminal_needs_standard_input_to_be_one(rig):
    spec = SandboxSpec(root=rig.root(), argv=("true",), env=(), terminal=True)
    read, write = os.pipe()
    try:
        with pytest.raises(UsageError, match="terminal"):
            run_attached(rig.sandbox, spec, Attachment(interactive=True, stdin=read, stdout=write))
    finally:
        os.close(read)
        os.close(write)


def test_streams_of_the_caller_stay_open(rig):
    null = os.open(os.devnull, os.O_RDWR)
    spec = SandboxSpec(root=rig.root(), argv=("/bin/true",), env=())
    assert rig.sandbox.start(spec, Streams(null, null, null)).wait() == 0
    os.close(null)


def test_no_descriptor_is_lost(rig):
    rig.run("true")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        rig.run("true")
    assert len(os.listdir("/proc/self/fd")) == before


# -- what is opened ----------------------------------------------------------------------------


@pytest.fixture
def app(tmp_path) -> Path:
    """A layer with files."""
    layer = tmp_path / "app-layer"
    for name in ("app/a", "app/b", "app/stat", "app/moved", "app/sub/c", "app/listed/d", "other/e"):
        (layer / name).parent.mkdir(parents=True, exist_ok=True)
        (layer / name).write_text(name)
    return layer


OPENING = """
cat /app/a /other/e > /dev/null
cd /app/sub; while read x; do :; done < c
test -f /app/stat && [ -s /app/stat ]
mv /app/moved /app/z
ls /app/listed > /dev/null
echo x > /app/b
(cat /app/a &) ; echo x > /app/new
"""


def test_what_is_opened_in_watched_directories_is_noticed(rig, app):
    watched = ("/app", "/app/listed", "/app/sub")
    started = rig.start("/bin/sh", "-c", OPENING, root=rig.root(app), watched=watched)
    assert started.finish().code == 0
    opened = started.running.opened
    assert opened.files == {"/app/a", "/app/b", "/app/new", "/app/sub/c"}
    assert opened.listed == {"/app/listed"}
    assert (opened.directories, opened.is_whole) == (set(watched), True)


def test_a_directory_that_cannot_be_watched_is_told(rig, app):
    started = rig.start("/bin/true", root=rig.root(app), watched=("/app", "/app/a", "/nowhere"))
    assert started.finish().code == 0
    opened = started.running.opened
    assert (opened.directories, opened.files, opened.is_whole) == ({"/app"}, set(), False)


def test_nothing_is_watched_unless_it_is_asked_for(rig):
    started = rig.start("/bin/true")
    started.finish()
    assert started.running.opened is None
