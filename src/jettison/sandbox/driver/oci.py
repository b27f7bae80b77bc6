"""The driver that starts crun or runc.

In:  ``SandboxSpec``, streams; the path of a runtime.
Out: ``Running`` containers.

The root and everything of layers is mounted by the helper in a private mount namespace, in which
the runtime then runs as process 1 of a private process namespace: nothing of it can stay behind.

On disk: a bundle directory per container beside its work directory, while it runs; the runtime's
log and mount points. The runtime's config, which has the environment and so may have
secrets, is in memory only.
"""

from __future__ import annotations

import json
import os
import re
import signal
import tempfile
from pathlib import Path

from jettison.errors import SandboxUnavailableError
from jettison.fs.remove import remove_tree
from jettison.linux.cgroup import Group
from jettison.linux.namespace import NEWNS, NEWPID
from jettison.linux.text import printable
from jettison.linux.userns import in_user_namespace
from jettison.sandbox.base import Joined, Opened, Streams
from jettison.sandbox.driver.bundle import make_bundle
from jettison.sandbox.driver.ids import check_ids
from jettison.sandbox.driver.root import root_of
from jettison.sandbox.driver.terminal import host_terminal
from jettison.sandbox.helper import encode
from jettison.sandbox.helper.client import Helper, RunningContainer
from jettison.sandbox.helper.limits import make_limits
from jettison.sandbox.helper.mount_points import clean_upper
from jettison.sandbox.spec import SandboxSpec
from jettison.sandbox.wire import Inside, Show

_NOT_FOUND = 127
_ABSENT = r"not found in \$?PATH|no such file"
_NOT_EXECUTABLE = 126
_CGROUPS = Path("/sys/fs/cgroup")


class OciRunning:
    """A container of an OCI runtime."""

    def __init__(
        self,
        spec: SandboxSpec,
        container: RunningContainer,
        bundle: Path,
        stderr: int,
        group: Group,
        landlock_abi: int | None,
    ) -> None:
        self._spec = spec
        self._container = container
        self._bundle = bundle
        self._stderr = stderr
        self._group = group
        self._landlock_abi = landlock_abi
        self.lacked_pids = False
        self.out_of_memory = False
        self.opened: Opened | None = None
        self._refused_before = container.refused_pids

    def begin(self) -> bool:
        """See ``Running.begin``."""
        return self._container.begin_setup()

    def execute(self, spec: SandboxSpec, streams: Streams) -> Joined:
        """See ``Running.execute``: it joins as in a container of our own."""
        check_ids(spec)
        message = encode.join(
            spec,
            single_id=False,
            userns=in_user_namespace(),
            cgroup=self._joined_group(),
            landlock_abi=self._landlock_abi,
            inside=self._inside(),
        )
        return self._container.join(message, streams)

    def open_root(self) -> int:
        """See ``Running.open_root``."""
        show = Show(inside=self._inside())
        return root_of(lambda streams: self._container.join(show, streams))

    def _inside(self) -> Inside:
        pending = self._bundle / "files/state" / self._bundle.name / "exec.fifo"
        return Inside(root=os.fsencode(self._spec.root.upper), pending=os.fsencode(pending))

    def _joined_group(self) -> Group:
        """Return the control group of the container; runc has made its own."""
        made = [*self._group.directories, *_cgroups(self._bundle.name)]
        return Group(tuple(each for each in made if each.is_dir()))

    def wait(self) -> int:
        """See ``Running.wait``."""
        try:
            code = self._container.wait()
            problem = _last_error(self._bundle / "log")
            if code and problem:
                return self._explain(problem)
            return code
        finally:
            os.close(self._stderr)
            clean_upper(self._spec, self._container.ready)
            remove_tree(self._bundle)
            _remove_cgroups(self._bundle.name)
            refused = self._container.refused_pids - self._refused_before
            self.lacked_pids = (self._group.refused_pids or refused) > 0
            self.out_of_memory = self._group.killed_for_memory > 0
            self._group.remove()
            self.opened = self._container.finish_watching()

    def signal(self, number: int) -> None:
        """See ``Running.signal``."""
        self._container.signal(number)

    def kill(self) -> None:
        """See ``Running.kill``."""
        self._container.signal(signal.SIGKILL)

    def _explain(self, problem: str) -> int:
        """Tell a program that cannot be started from a container that cannot be made."""
        name = self._spec.argv[0]
        code, text = 0, ""
        if str(self._spec.root.upper) in problem:
            pass  # a mount point, say: programs are named by paths of the container
        elif "/" in name and re.search(
            r"not found in \$?PATH|no such file", problem, re.IGNORECASE
        ):
            code, text = _NOT_FOUND, f"stat {name}: no such file or directory"
        elif re.search(r"executable file.*not found in \$?PATH", problem):
            code, text = _NOT_FOUND, "executable file not found in $PATH"
        elif "permission denied" in problem.lower() and ("exec" in problem or name in problem):
            code, text = _NOT_EXECUTABLE, "permission denied"
        elif "is a directory" in problem.lower():
            code, text = _NOT_EXECUTABLE, "is a directory"
        if not code:
            raise SandboxUnavailableError(
                f"the container runtime failed: {problem}",
                hint="Use `--isolation embedded`, which needs no runtime.",
            )
        os.write(self._stderr, f'exec: "{printable(name)}": {printable(text)}\n'.encode())
        return code


class OciSandbox:
    """The driver; one helper process serves all its containers.

    Args:
        runtime: Absolute path of crun or runc, or of a program with their interface.
        landlock_abi: Version of Landlock, by default this kernel's.
    """

    moves_directories = False

    def __init__(self, runtime: Path, *, landlock_abi: int | None = None) -> None:
        self._landlock_abi = landlock_abi
        self.name = f"oci:{runtime.name}"
        self._runtime = runtime
        self._helper = Helper()
        self._userns = in_user_namespace()

    def warm(self) -> None:
        """Start the helper in advance."""
        self._helper.warm()

    def start(self, spec: SandboxSpec, streams: Streams) -> OciRunning:
        """See ``Sandbox.start``; the runtime connects its terminal with one in the container."""
        with host_terminal(spec, streams) as given:
            return self._start(spec, given)

    def _start(self, spec: SandboxSpec, streams: Streams) -> OciRunning:
        if spec.init:
            raise SandboxUnavailableError(
                f"`{self.name}` has no init process",
                hint="Use `--isolation embedded`, which has one built in.",
            )
        check_ids(spec)
        # Beside the work directory it is collected with the rest when the builder is killed.
        place = spec.root.work.parent if spec.root.work is not None else None
        directory = Path(tempfile.mkdtemp(prefix="jettison-bundle-", dir=place))
        group = Group()
        try:
            cgroup = "" if self._is_crun or self._userns else f"/{directory.name}"
            # runc makes groups of its own; the limits are in its config.
            group = make_limits(spec) if not cgroup else group
            bundle = make_bundle(
                spec,
                str(directory),
                userns=self._userns,
                cgroup=cgroup,
                console=spec.terminal_size if spec.terminal else None,
                command=self._command(directory),
                hide_cgroups=self._is_crun and (_CGROUPS / "unified").is_dir(),
            )
            message = encode.runtime(
                spec,
                bundle,
                userns=self._userns,
                cgroup=group,
                landlock_abi=self._landlock_abi,
            )
            container = self._helper.start(
                message, streams, namespaces=NEWNS | NEWPID, supervised=spec.fuse is not None
            )
        except BaseException:
            remove_tree(directory)
            group.remove()
            raise
        stderr = os.dup(streams.stderr)
        return OciRunning(spec, container, directory, stderr, group, self._landlock_abi)

    def close(self) -> None:
        """End the helper and all containers."""
        self._helper.close()

    @property
    def _is_crun(self) -> bool:
        return "crun" in self._runtime.name

    def _command(self, bundle: Path) -> list[str]:
        hidden = bundle / "files"
        log = f"{bundle}/log"
        if ":" in log and "crun" in self._runtime.name:
            log = f"file:{log}"  # else what is before the colon is taken for the kind of log
        command = [str(self._runtime), "--root", f"{hidden}/state", "--log", log]
        command += ["--log-format", "json"]
        if self._is_crun:
            command += ["--cgroup-manager", "disabled"]
        elif self._userns:
            command += ["--rootless", "true"]
        return [*command, "run", "--no-new-keyring", "--bundle", str(hidden), bundle.name]


def _last_error(log: Path) -> str:
    """Return the message of the last error in a runtime's log; empty if there is none."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("level") == "error":
            return str(entry.get("msg", ""))
    return ""


def _remove_cgroups(name: str) -> None:
    """Remove control groups that a killed runtime left; they hold no process any more."""
    for directory in _cgroups(name):
        try:
            directory.rmdir()
        except OSError:
            continue


def _cgroups(name: str) -> list[Path]:
    """Return where a runtime may have made control groups of a name."""
    return [found / name for found in [_CGROUPS, *_CGROUPS.glob("*/")]]
