"""The sandbox contract for an unprivileged user: the suite runs in a user namespace of that user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jettison
from fuse_device import DEVICE, with_fuse_for_all
from other_user import becoming, interpreter, somebody
from turns import ALL_LEVELS

SUITES = (
    "tests/contract/test_sandbox.py",
    "tests/hostile/test_network.py",
    "tests/hostile/test_set_user_id.py",
    "tests/hostile/test_streams.py",
    "tests/hostile/test_devices.py",
)
SECONDS = 400
_ENTER = """
import sys
from jettison.linux import userns
userns.enter()
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Return a function that runs code as an unprivileged user, and a directory of that user."""
    if "JETTISON_USERNS" in os.environ:
        pytest.skip("this is the inner run")
    user = somebody()
    as_user = becoming(user)
    if as_user and DEVICE.exists():
        as_user = [*with_fuse_for_all(tmp_path_factory.mktemp("fuse")), *as_user]
    python = interpreter(as_user)
    home = subprocess.run(
        [*as_user, "mktemp", "-d"], check=True, capture_output=True, text=True
    ).stdout.strip()
    paths = [str(Path(jettison.__file__).parent.parent), *sys.path]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONDONTWRITEBYTECODE": "1",
    } | ({"CI": os.environ["CI"]} if "CI" in os.environ else {})

    def run(code: str, *argv: str, **more) -> subprocess.CompletedProcess[str]:
        command = [*as_user, python, "-c", code, *argv]
        environ = environment | more.pop("env", {})
        return subprocess.run(
            command,
            env=environ,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            **more,
        )

    yield run, Path(home), user
    # Files of subordinate ids can only be removed inside the namespace.
    run("import sys\nfrom jettison.linux import userns\nuserns.enter()\nimport shutil\n"
        "shutil.rmtree(sys.argv[1], ignore_errors=True)", home)  # fmt: skip


@pytest.mark.slow
@pytest.mark.needs_userns
@pytest.mark.parametrize("kind", ["ids", "single-id"] if ALL_LEVELS else ["ids"])
def test_the_suites_pass_in_the_namespace_of_a_user(session, kind):
    """All in one run for a user with subordinate ids, and for one without."""
    run, home, _ = session
    root = Path(__file__).parents[2]
    enter, path = _ENTER, os.environ["PATH"]
    if kind == "single-id":
        path, alone = "/nowhere", "userns.MAPPER_DIRECTORIES = (); userns.enter()"
        enter = enter.replace("userns.enter()", alone)
    result = run(
        enter, *(str(root / suite) for suite in SUITES), "-q", "-p", "no:cacheprovider",
        f"--basetemp={home}/pytest-{kind}", f"--rootdir={root}", "-c", str(root / "pyproject.toml"),
        env={"PATH": path},
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
    assert " passed" in result.stdout


@pytest.mark.needs_userns
def test_the_user_is_root_over_borrowed_ids(session):
    run, home, user = session
    code = (
        "import os\n"
        "from jettison.linux import userns\n"
        "pid = os.getpid()\n"
        "userns.enter()\n"
        "assert userns.in_user_namespace() and userns.is_rootless()\n"
        f"open('{home}/mine', 'w').close()\n"
        f"open('{home}/other', 'w').close()\n"
        f"os.chown('{home}/other', 1000, 1000)\n"
        "print(os.getuid(), userns.outer_ids(), os.environ['JETTISON_USERNS'])\n"
    )
    result = run(code)
    assert result.stdout == f"0 ({user.pw_uid}, {user.pw_gid}) ids\n", result.stderr
    assert (home / "mine").stat().st_uid == user.pw_uid
    assert (home / "other").stat().st_uid not in {user.pw_uid, 1000}


@pytest.mark.needs_userns
def test_entering_keeps_process_arguments_and_exit_status(session):
    run, _, _ = session
    code = (
        "import os, sys\n"
        "from jettison.linux import userns\n"
        "print(os.getpid(), sys.argv[1:], flush=True)\n"
        "userns.enter()\n"
        "sys.exit(7)\n"
    )
    result = run(code, "a b", "ü")
    first, second = result.stdout.splitlines()
    assert first == second
    assert result.returncode == 7


_TELL = "print(os.environ['JETTISON_USERNS'], userns.has_single_id(), userns.shortfall())\n"


@pytest.mark.needs_userns
def test_without_newuidmap_the_user_is_alone_and_the_reason_names_the_package(session):
    run, _, _ = session
    code = (
        "import os\n"
        "from jettison.linux import userns\n"
        "userns.MAPPER_DIRECTORIES = ()\n"
        "userns.enter()\n" + _TELL
    )
    result = run(code, env={"PATH": "/nowhere"})
    assert result.stdout.startswith("single-id True"), result.stderr
    assert "`newuidmap` is not installed" in result.stdout
    assert "`uidmap`" in result.stdout


@pytest.mark.needs_userns
def test_with_ids_that_are_not_lent_the_user_is_alone_and_the_reason_is_newuidmap_s(session):
    run, _, _ = session
    code = (
        "import os\n"
        "from jettison.linux import subids, userns\n"
        "subids.require = lambda kind, uid: [(1, 65536)]\n"
        "userns.enter()\n" + _TELL
    )
    result = run(code)
    assert result.stdout.startswith("single-id True"), result.stderr
    assert "`newuidmap` failed" in result.stdout


@pytest.mark.needs_userns
def test_without_a_namespace_the_driver_says_that_clone_is_refused(session):
    run, home, _ = session
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from jettison.fs.ownership import KernelOwnership\n"
        "from jettison.sandbox.probe import probe\n"
        "from jettison.sandbox.select import make\n"
        "print(probe(make('embedded', KernelOwnership()), Path(sys.argv[1])))\n"
    )
    result = run(code, str(home))
    assert "works=False" in result.stdout, result.stderr
    assert "clone: Operation not permitted" in result.stdout
    assert result.stderr == ""
