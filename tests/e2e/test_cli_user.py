"""What a user without root does beside builds: shells in failed steps, fsck, several kinds of owners."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from e2e.command import Cli

FAILING = """\
FROM box
RUN chown app /tmp && mkdir -p /home/app && chown app:app /home/app
USER app
WORKDIR /home/app
RUN --mount=type=cache,target=/cache,uid=1000 echo half > partial; echo kept > /cache/c; exit 3
"""

NUMBERS = itertools.count(1)


@pytest.fixture
def store(cli: Cli) -> Cli:
    """A store of its own with ``box``."""
    number = next(NUMBERS)
    other = cli.with_store(f"user-{number}")
    other._directories = 100_000 * number
    archive = cli.work / "box.tar"
    if not archive.exists():
        cli("save", "-o", archive, "box")
    other("load", "-i", archive)
    return other


def layers(cli: Cli, kind: str) -> list[Path]:
    place = Path(cli.env["JETTISON_ROOT"]) / kind
    return sorted(place.iterdir()) if place.exists() else []


@pytest.mark.parametrize("isolation", ["embedded", "crun"])
def test_a_shell_opens_where_a_step_failed(store: Cli, isolation: str, need):
    if isolation != "embedded":
        need(isolation)
    driver = f"--isolation={isolation}"
    failed = store.attempt("build", "-q", driver, store.context({"Dockerfile": FAILING}))
    assert failed.returncode == 1
    script = "id -u; pwd; cat partial /cache/c; stat -c %u partial; echo more > more"
    said = store("debug", "shell", driver, "--step", "half", "sh", "-c", script)
    assert said.stdout.split() == ["1000", "/home/app", "half", "kept", "1000"]
    typed = store.raw("debug", "shell", driver, stdin=b"cat more; exit 7\n")
    assert (typed.returncode, typed.stdout) == (7, b"more\n")
    assert store("fsck").returncode == 0
    store("build", "-q", store.context({"Dockerfile": "FROM box\nRUN true\n"}))
    assert "no failed step is kept" in store.attempt("debug", "shell", "true").stderr


def test_a_build_opens_the_shell_itself(store: Cli):
    context = store.context({"Dockerfile": FAILING})
    done = store.raw("build", "-q", "--on-error=shell", context, stdin=b"id -u; cat partial\n")
    assert done.returncode == 1
    assert done.stdout.split() == [b"1000", b"half"]


def test_fsck_finds_and_repairs_damage_in_layers_of_other_users(store: Cli):
    text = "FROM box\nRUN echo of-app > /file && chown app:app /file && chmod 600 /file\n"
    context = store.context({"Dockerfile": text})
    lost = store("build", "-q", context).stdout.strip()
    assert store("fsck").returncode == 0
    (file,) = [
        path / "fs/file" for path in layers(store, "snapshots") if (path / "fs/file").exists()
    ]
    owner = file.stat()
    if os.geteuid() == 0 and store.prefix:
        assert owner.st_uid not in {0, 1000, store.work.stat().st_uid}  # a subordinate one
    if os.geteuid() != 0:
        pytest.skip("only root can damage the file of another user")
    file.write_text("of-bug\n")
    damaged = store.attempt("fsck")
    assert damaged.returncode == 1
    assert "layer" in damaged.all
    store.attempt("fsck", "--repair")
    assert "is gone: pull or build it again" in store.attempt("fsck").all
    store("build", "-q", context)  # whose files have other times: it is another image
    store("rmi", lost)
    assert store("fsck").returncode == 0


def test_layers_with_both_kinds_of_owners_are_told_and_pruned(store: Cli):
    if os.geteuid() == 0 and not store.prefix:
        pytest.skip("root has one kind of owners")
    text = "FROM box\nRUN echo {} > /file && chown app /file\n"
    store("build", "-q", store.context({"Dockerfile": text.format("x")}))
    alone = {"JETTISON_ISOLATION": "single-id"}
    store("build", "-q", store.context({"Dockerfile": text.format("y")}), env=alone)
    ours, others = layers(store, "snapshots"), layers(store, "snapshots-recorded")
    assert ours
    assert others
    sizes = [line.split()[1] for line in store("du").stdout.splitlines()[1:-1]]
    assert sizes.count("2B") == 2
    store("prune", "--all", "--force")
    kept = {path.name for path in layers(store, "snapshots")}
    assert len(layers(store, "snapshots")) < len(ours)
    assert {path.name for path in layers(store, "snapshots-recorded")} <= kept
    store("rmi", "box")
    store("build", "-q", store.context({"Dockerfile": "FROM scratch\nCOPY Dockerfile /\n"}))
    store("prune", "--all", "--force", env=alone)  # from the other side as well
    assert layers(store, "snapshots") == []
    assert layers(store, "snapshots-recorded") == []
    store("fsck")
    assert not list((Path(store.env["JETTISON_ROOT"]) / "trash").iterdir())
