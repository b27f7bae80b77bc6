"""The examples at every sandbox level that this machine can be brought to: equal layers.

The reference is what root builds with the embedded driver, in another store and place, at another
time; with ``--reproducible`` the tars of layers are equal to the last byte.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from e2e.rig import EXAMPLES, Jettison
from host_tools import tool
from jettison.sandbox.spec import DEFAULT_CAPABILITIES
from level_rig import NOBODY_S_UID, Level, Machine, subordinate_uid
from turns import ALL_LEVELS

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_network,
    pytest.mark.slow,
    pytest.mark.xdist_group("bases"),
]

SOMEBODY = -1
"""Stands for a user with subordinate ids."""
LEVELS = {
    level.name: level
    for level in (
        Level("crun", isolation="crun"),
        Level("runc", isolation="runc"),
        Level("subordinate ids", uid=SOMEBODY),
        Level("subordinate ids, crun", uid=SOMEBODY, isolation="crun"),
        Level("no runtime", uid=SOMEBODY, without=("crun", "runc")),
        Level("one user", uid=NOBODY_S_UID),
        Level("container", contained=True, capabilities=DEFAULT_CAPABILITIES),
        Level("container that may chroot only", contained=True, capabilities=("CAP_SYS_CHROOT",)),
    )
}
CASES = [  # what differs most; `integration/test_levels.py` has every level, and smaller builds
    ("node-yarn", "subordinate ids, crun"),
]
if ALL_LEVELS:  # a quarter of an hour more
    CASES = [
        (example, name)
        for example in ("go", "node", "node-yarn", "python-poetry")
        for name in LEVELS
    ]
SAYS = {
    "one user": "sandbox `single-id`",
    "container": "sandbox `in-container`",
    "container that may chroot only": "sandbox `in-container`",
}


@pytest.fixture(scope="module")
def machine(base_contexts: list[str]) -> Iterator[Machine]:
    layout = base_contexts[1].partition("oci-layout://")[2].partition("@")[0]
    with tempfile.TemporaryDirectory(prefix="levels-") as place:
        os.chmod(place, 0o755)
        yield Machine(Path(place), [EXAMPLES, Path(layout)])


@pytest.mark.parametrize(("example", "name"), CASES)
def test_an_example_has_the_same_layers_at_every_level(
    example: str,
    name: str,
    machine: Machine,
    base_contexts: list[str],
    jettison: Jettison,
    tmp_path: Path,
) -> None:
    level = LEVELS[name]
    if level.isolation:
        tool(level.isolation)
    if level.uid == SOMEBODY:
        level = msgspec.structs.replace(level, uid=subordinate_uid())
    home = machine.home(level.uid)
    try:
        flags = ["--ca-bundle", "host", "--metadata-file", f"{home}/facts.json", *base_contexts]
        flags.append("--reproducible")
        code, said = machine.run(level, home, "build", *flags, str(EXAMPLES / example))
        assert code == 0, said
        assert SAYS.get(name, "") in said
        built = json.loads((home / "facts.json").read_text())["jettison"]
    finally:
        shutil.rmtree(home)
    facts = tmp_path / "facts"
    expected = jettison.build(EXAMPLES / example, "reference", facts, "--reproducible")
    # What the build made is named by its tar: times are compared as well. The store of the
    # reference made the base images itself, so that it has other names for them.
    own = [name for name in expected["contents"] if name.startswith("diff:")]
    assert len(built["contents"]) == len(expected["contents"])
    assert len(own) > 1
    assert built["contents"][-len(own) :] == own


def test_where_no_runtime_is_installed_none_is_found(machine: Machine) -> None:
    level = msgspec.structs.replace(LEVELS["no runtime"], uid=subordinate_uid())
    code, said = machine.run(level, machine.home(level.uid), "doctor")
    assert code == 0, said
    lines = [line.split() for line in said.splitlines()]
    found = {line[2]: line[3:] for line in lines if line[1:2] == ["sandbox"]}
    assert found["oci:crun"] == found["oci:runc"] == ["not", "installed"]
