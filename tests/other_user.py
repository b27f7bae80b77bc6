"""Who else than root can run something here: users with subordinate ids, and how to become them."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence

from host_tools import lacking, tool
from jettison.linux.subids import WANTED, read_ranges


def with_subordinate_ids(
    users: Iterable[pwd.struct_passwd],
) -> Iterator[pwd.struct_passwd]:
    """Yield those that are not root and were lent enough ids."""
    for user in users:
        ranges = [read_ranges(f"/etc/sub{kind}", user.pw_uid) for kind in ("uid", "gid")]
        if user.pw_uid and all(sum(n for _, n in each) >= WANTED for each in ranges):
            yield user


def somebody() -> pwd.struct_passwd:
    """Return a user with subordinate ids: this one, or one that root can become."""
    tool("newuidmap")
    named = os.environ.get("JETTISON_TEST_USER")
    if os.geteuid():
        users = [pwd.getpwuid(os.geteuid())]
    else:
        users = [pwd.getpwnam(named)] if named else pwd.getpwall()
    return next(with_subordinate_ids(users), None) or lacking("a user with subordinate ids")


def becoming(user: pwd.struct_passwd) -> list[str]:
    """Return the words that run a command as a user, in the same process; none for this one."""
    if os.geteuid() == user.pw_uid:
        return []
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    # setpriv itself still has root's rights when it looks its program up; env has not.
    return [tool("setpriv"), *ids, tool("env")]


def interpreter(become: Sequence[str]) -> str:
    """Return a Python of this version that may be run after some words."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        command = [*become, program, "-c", ""]
        if (
            os.path.exists(program)
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        ):
            return program
    return lacking(f"a {version} that another user may execute")
