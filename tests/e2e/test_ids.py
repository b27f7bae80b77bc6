"""Users and groups at the limits of Linux: USER, ``run -u``, ``--chown``, in layers and in tars."""

from __future__ import annotations

import tarfile

import pytest

from e2e.command import Cli

LARGEST = 4294967294
OWNED = f"""\
FROM box
COPY --chown={LARGEST}:{LARGEST - 1} Dockerfile /a
COPY --link --chown=3000000000: Dockerfile /b
RUN chown {LARGEST}:2147483648 /etc && stat -c '%n %u %g' /a /b /etc
"""
USED = f"""\
FROM box
USER {LARGEST}:4000000000
RUN echo "$(id -u) $(id -g)"; touch /tmp/x
"""
OWNERS = {"a": (LARGEST, LARGEST - 1), "b": (3000000000,) * 2, "etc": (LARGEST, 2147483648)}


def test_files_of_the_largest_owners_are_kept_everywhere(cli: Cli):
    context = cli.context({"Dockerfile": OWNED})
    built = cli.attempt("build", "--progress=plain", "-t", "owned", context)
    if cli.prefix:
        assert built.returncode == 5
        assert f"may not give files to user {LARGEST} and group {LARGEST - 1}" in built.stderr
        assert "hint: build as root, or give your user subordinate IDs" in built.stderr
        return
    for name, (uid, gid) in OWNERS.items():
        assert f" /{name} {uid} {gid}\n" in built.all
    archive = cli.work / "owned.tar"
    cli("build", "-q", "-o", f"type=tar,dest={archive}", context)
    with tarfile.open(archive) as members:
        found = {name: members.getmember(name) for name in OWNERS}
    assert {name: (each.uid, each.gid) for name, each in found.items()} == OWNERS
    saved = cli.work / "saved.tar"
    cli("save", "-o", saved, "owned")
    other = cli.with_store("ids")
    other("load", "-i", saved)
    script = "stat -c '%n %u %g' /a /b /etc"
    said = other("run", "--rm", "owned", "sh", "-c", script).stdout.splitlines()
    assert said == [f"/{name} {uid} {gid}" for name, (uid, gid) in OWNERS.items()]


@pytest.mark.parametrize("isolation", ["embedded", "crun", "runc", "in-container"])
def test_processes_run_as_the_largest_users_or_the_error_names_them(cli: Cli, isolation: str, need):
    if isolation in {"crun", "runc"}:
        need(isolation)
    driver = f"--isolation={isolation}"
    context = cli.context({"Dockerfile": USED})
    built = cli.attempt("build", "--progress=plain", "--no-cache", driver, "-t", "used", context)
    ran = cli.attempt("run", "--rm", driver, "-u", "3000000000", "box", "id", "-u")
    if cli.prefix:
        assert (built.returncode, ran.returncode) == (5, 125)
        assert f"user {LARGEST} cannot be had here: this user namespace maps ids up to" in built.all
        assert "user 3000000000 cannot be had here" in ran.stderr
        assert "hint: take a smaller id, build as root" in ran.stderr
    elif isolation == "runc":
        assert (built.returncode, ran.returncode) == (5, 125)
        assert "uids and gids must be in range 0-2147483647" in built.all
        assert "hint: Use `--isolation embedded`" in ran.stderr
    else:
        assert f"{LARGEST} 4000000000" in built.all
        assert ran.stdout == "3000000000\n"


def test_ids_beyond_are_an_error_of_the_step_or_of_the_flag(cli: Cli):
    message = "uids and gids must be in range 0-4294967294, not 4294967295"
    for line in ("COPY --chown=4294967295 Dockerfile /", "USER 4294967295\nRUN true"):
        said = cli.attempt("build", cli.context({"Dockerfile": f"FROM box\n{line}\n"}))
        assert said.returncode not in {0, 70}
        assert message in said.stderr
        assert ">>> " + line.splitlines()[-1] in said.stderr
    assert message in cli.attempt("run", "--rm", "-u", "0:4294967295", "box", "true").stderr
