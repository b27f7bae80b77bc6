"""The driver that needs nothing installed: namespaces by our own helper.

In:  ``SandboxSpec``, streams.
Out: ``Running`` containers.

Source: see ``sandbox.init``. Measured: docs/adr/0002-sandbox.md.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from jettison.linux.cgroup import Group
from jettison.linux.userns import in_user_namespace
from jettison.sandbox.base import Opened, Streams
from jettison.sandbox.driver.root import root_of
from jettison.sandbox.driver.single_id import adapt_to_one_user
from jettison.sandbox.helper.client import Helper, RunningContainer, flags_of
from jettison.sandbox.helper.mount_points import clean_upper
from jettison.sandbox.spec import NetworkMode, SandboxSpec
from jettison.sandbox.wire import Show
from jettison.sandbox.wire_codec import Message


class EmbeddedRunning:
    """A container of the embedded driver.

    Args:
        spec: It.
        container: Of the helper.
        group: Its control group.
        join: Makes messages of processes that join it.
    """

    def __init__(
        self,
        spec: SandboxSpec,
        container: RunningContainer,
        group: Group,
        join: Callable[[SandboxSpec, Group], Message],
    ) -> None:
        self._spec = spec
        self._group = group
        self._container = container
        self._join = join
        self.lacked_pids = False
        self.out_of_memory = False
        self.opened: Opened | None = None
        self._refused_before = container.refused_pids

    def begin(self) -> bool:
        """See ``Running.begin``."""
        return self._container.begin_program()

    def execute(self, spec: SandboxSpec, streams: Streams) -> RunningContainer:
        """See ``Running.execute``."""
        return self._container.join(self._join(spec, self._group), streams)

    def open_root(self) -> int:
        """See ``Running.open_root``."""
        return root_of(lambda streams: self._container.join(Show(inside=None), streams))

    def wait(self) -> int:
        """See ``Running.wait``."""
        try:
            return self._container.wait()
        finally:
            refused = self._container.refused_pids - self._refused_before
            self.lacked_pids = (self._group.refused_pids or refused) > 0
            self.out_of_memory = self._group.killed_for_memory > 0
            self._group.remove()
            self.opened = self._container.finish_watching()
            clean_upper(self._spec, self._container.ready)

    def signal(self, number: int) -> None:
        """See ``Running.signal``."""
        self._container.signal(number)

    def kill(self) -> None:
        """See ``Running.kill``."""
        self._container.signal(signal.SIGKILL)


class EmbeddedSandbox:
    """The driver; one helper process serves all its containers.

    Args:
        single_id: This is a user namespace with one id (docs/adr/0006-sandbox-levels.md).
        landlock_abi: Version of Landlock, by default this kernel's.
    """

    moves_directories = False

    def __init__(self, *, single_id: bool = False, landlock_abi: int | None = None) -> None:
        self._landlock_abi = landlock_abi
        self.name = "single-id" if single_id else "embedded"
        self._helper = Helper()
        self._userns = in_user_namespace()

    def warm(self) -> None:
        """Start the helper in advance: the first container then starts as fast as the others."""
        self._helper.warm()

    def start(self, spec: SandboxSpec, streams: Streams) -> EmbeddedRunning:
        """See ``Sandbox.start``."""
        # Not needed by the helper, which starts while this is imported.
        from jettison.sandbox.driver.ids import check_ids
        from jettison.sandbox.helper import encode
        from jettison.sandbox.helper.limits import make_limits

        single_id = self.name == "single-id"
        if single_id:
            spec = adapt_to_one_user(spec)
        check_ids(spec)
        group = make_limits(spec)
        try:
            message = encode.container(
                spec,
                single_id=single_id,
                userns=self._userns,
                cgroup=group,
                landlock_abi=self._landlock_abi,
            )
            flags = flags_of(own_network=spec.network is NetworkMode.NONE)
            container = self._helper.start(
                message, streams, namespaces=flags, supervised=spec.fuse is not None
            )
        except BaseException:
            group.remove()
            raise
        return EmbeddedRunning(spec, container, group, self._joining)

    def _joining(self, spec: SandboxSpec, group: Group) -> Message:
        """Return the message for a process that joins a container."""
        from jettison.sandbox.driver.ids import check_ids
        from jettison.sandbox.helper import encode

        single_id = self.name == "single-id"
        if single_id:
            spec = adapt_to_one_user(spec)
        check_ids(spec)
        return encode.join(
            spec,
            single_id=single_id,
            userns=self._userns,
            cgroup=group,
            landlock_abi=self._landlock_abi,
        )

    def close(self) -> None:
        """End the helper and all containers."""
        self._helper.close()
