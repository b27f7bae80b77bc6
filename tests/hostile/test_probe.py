"""``--probe`` starts what nobody has looked at: it reaches nothing outside, and asks nobody else."""

from __future__ import annotations

import shutil
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from host_tools import tool
from level_rig import Level, Machine, subordinate_uid
from scratch_rig import BASE
from turns import ALL_LEVELS

pytestmark = pytest.mark.needs_root

_ATTACKS = """FROM busybox AS reaching
COPY reach.sh /
CMD ["sh", "/reach.sh", "PORT"]

FROM scratch AS misleading
COPY --from=busybox /bin /bin
COPY root /
ENV PATH=/bin
CMD ["sleep", "20"]
"""
_REACH = """wget -q -T 1 -O /dev/null http://127.0.0.1:$1/ && echo REACHED
wget -q -T 1 -O /dev/null http://$(route -n | grep ^0 | tr -s ' ' | cut -d ' ' -f 2):$1/ && echo OUT
exit 9
"""

LEVELS: dict[str, Callable[[], Level]] = {
    "embedded": lambda: Level("", isolation="embedded", snapshotter="overlay"),
    "crun": lambda: Level("", isolation="crun"),
    "runc": lambda: Level("", isolation="runc"),
    "single-id": lambda: Level("", isolation="single-id"),
    "user": lambda: Level("", uid=subordinate_uid()),
}


class _Host(socketserver.BaseRequestHandler):
    """A server of the host, which nothing in a probe may reach."""

    asked = 0

    def handle(self) -> None:
        _Host.asked += 1
        self.request.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Host) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def machine(port: int) -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="probes-") as name:
        place = Path(name)
        place.chmod(0o755)
        context = place / "context"
        (context / "root").mkdir(parents=True)
        shutil.copy(tool("busybox"), context / "busybox")
        (context / "root/proc").symlink_to("/proc/1/root/proc")
        (context / "reach.sh").write_text(_REACH)
        (context / "Dockerfile").write_text(BASE + _ATTACKS.replace("PORT", str(port)))
        yield Machine(place, [context])


@pytest.mark.parametrize("name", LEVELS if ALL_LEVELS else ("user", "crun"))
def test_a_probe_reaches_nothing_and_asks_the_container_only(
    machine: Machine, port: int, name: str
) -> None:
    level = LEVELS[name]()
    if level.isolation in {"crun", "runc"}:
        tool(level.isolation)
    home = machine.home(level.uid)
    context = str(machine.place / "context")
    before = _Host.asked
    argv = ("build", "--progress=plain", "--no-checks", "--target")
    code, said = machine.run(level, home, *argv, "reaching", "--probe=5s", context)
    assert code == 27, said
    assert "ended with status 9" in said
    assert "REACHED" not in said
    code, said = machine.run(level, home, *argv, "misleading", f"--probe=http://:{port}/", context)
    assert code != 0, said
    assert "answered" not in said
    assert "Traceback" not in said
    assert _Host.asked == before


def test_without_namespaces_nothing_is_started(machine: Machine, port: int) -> None:
    level = Level("", isolation="in-container")
    context = str(machine.place / "context")
    argv = ("build", "--progress=plain", "--target", "reaching", "--probe", context)
    code, said = machine.run(level, machine.home(0), *argv)
    assert code not in {0, 70}, said
    assert "it cannot take the network away" in said
    assert "REACHED" not in said
