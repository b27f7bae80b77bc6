"""COPY, ADD and WORKDIR of the build corpora, without a store, a cache or a sandbox.

The cases whose stages start from scratch and run nothing: plans are solved layer by layer, and
the files of the result are compared with the golden trees.
"""

from __future__ import annotations

import base64
import hashlib
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from conformance import contexts, corpora
from conformance.differences import DIFFERENCES
from jettison.copier.destination import examine
from jettison.copier.mkdir import write_directory
from jettison.copier.select import select
from jettison.copier.write import write
from jettison.errors import JettisonError
from jettison.frontend.base import CompileRequest
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.fs.tree import Tree
from jettison.oci.platform import Platform
from jettison.plan.graph import Plan
from jettison.plan.op import CopyOp, ImageOp, LocalOp, MkdirOp
from jettison.snapshot.stack import StackTree
from jettison.source.ignore import find_ignore_file
from jettison.source.local import LocalTree
from ownership_rig import OWNERSHIP

Json = dict[str, Any]

TOPICS = ("copy", "add", "dockerignore", "users", "heredoc", "multistage")
CREATED_NS = 1_700_000_000 * 10**9
LINUX = Platform(os="linux", architecture="amd64")


def _needs_more(case: Json) -> bool:
    text = case["dockerfile"]
    bases = re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)", text)
    stages = {name.lower() for name in re.findall(r"(?im)^\s*FROM\s.*\sAS\s+(\S+)", text)}
    others = [each for each in bases if each != "scratch" and each.lower() not in stages]
    return bool(
        others
        or re.search(r"(?im)^\s*RUN\b", text)
        or re.search(r"(?i)--from=(busybox|alpine|box)", text)
        or "http" in case
        or "git" in case
        or "steps" in case
        or "prereq" in case
        or "target" in case.get("options", {})
        or "build_contexts" in case.get("options", {})
    )


def _cases() -> list[Json]:
    larger = [case for topic in TOPICS for case in corpora.larger_cases(f"build/{topic}.json")]
    own = (*corpora.own_cases("build"), *corpora.own_cases("ignore"))
    return [case for case in (*own, *larger) if not _needs_more(case)]


def _compile(case: Json, context: Path) -> Plan:
    dockerfile = context / case.get("dockerfile_path", "Dockerfile")
    plan = compile_dockerfile(
        CompileRequest(
            text=dockerfile.read_bytes(),
            platform=LINUX,
            build_platform=LINUX,
            build_args=case.get("options", {}).get("build_args", {}),
        ),
        {},
    )
    assert isinstance(plan, Plan)
    return plan


def _solve(plan: Plan, context: Tree, tmp: Path, *, link: bool) -> StackTree:
    stacks: dict[str, list[Path]] = {}
    for number, vertex in enumerate(plan.vertices):
        if isinstance(vertex.op, LocalOp):
            continue
        if isinstance(vertex.op, ImageOp):
            assert vertex.op.diff_ids == ()
            stacks[vertex.digest] = []
            continue
        below = stacks.get(vertex.base, []) if vertex.base is not None else []
        base = StackTree(below, OWNERSHIP)
        upper = tmp / f"layer{number}"
        upper.mkdir()
        if isinstance(vertex.op, MkdirOp):
            destination = examine(vertex.op, base)
            write_directory(destination, upper, OWNERSHIP, created_ns=CREATED_NS)
        else:
            assert isinstance(vertex.op, CopyOp)
            trees = [
                StackTree(stacks[each], OWNERSHIP) if each in stacks else context
                for each in vertex.inputs
            ]
            selection = select(vertex.op, trees)
            destination = examine(vertex.op, base, selection)
            write(destination, upper, OWNERSHIP, created_ns=CREATED_NS, link=link)
            assert selection.digest() == select(vertex.op, trees).digest()
            assert destination.digest() == examine(vertex.op, base, selection).digest()
        stacks[vertex.digest] = [*below, upper]
    return StackTree(stacks[plan.target] if plan.target is not None else [], OWNERSHIP)


def _entries(tree: StackTree, times: set[str]) -> list[Json]:
    found: list[Json] = []
    inodes: dict[tuple[int, int], str] = {}
    paths: list[str] = []
    pending = ["/"]
    while pending:
        directory = pending.pop().rstrip("/")
        for name in tree.names(directory or "/"):
            paths.append(f"{directory}/{name}")
            facts = tree.lstat(paths[-1])
            assert facts is not None
            if facts.is_dir:
                pending.append(paths[-1])
    for path in sorted(paths, key=lambda each: each[1:]):
        facts = tree.lstat(path)
        assert facts is not None
        kinds = {stat.S_IFDIR: "dir", stat.S_IFREG: "file", stat.S_IFLNK: "symlink"}
        kind = kinds.get(stat.S_IFMT(facts.mode), "fifo")
        entry = {
            "path": path[1:],
            "type": kind,
            "mode": f"{stat.S_IMODE(facts.mode):04o}",
            "uid": facts.uid,
            "gid": facts.gid,
        }
        if kind == "file":
            first = inodes.setdefault(facts.identity, path[1:])
            if first != path[1:]:
                entry["hardlink_to"] = first
            entry["size"] = facts.size
            entry["sha256"] = tree.file_digest(path).hex()
            host_path = Path(tree.host_path(path))
            assert hashlib.sha256(host_path.read_bytes()).hexdigest() == entry["sha256"]
        elif kind == "symlink":
            entry["target"] = tree.readlink(path)
        xattrs = {
            name: base64.b64encode(value).decode()
            for name, value in tree.xattrs(path).items()
            if not name.startswith("user.")
        }
        if xattrs:
            entry["xattrs"] = xattrs
        if path[1:] in times:
            entry["mtime"] = facts.mtime_ns // 10**9
        found.append(entry)
    return found


@pytest.mark.needs_root
@pytest.mark.parametrize("link", [False, True], ids=["copied", "linked"])
@pytest.mark.parametrize("case", corpora.parameters(_cases()))
def test_files_are_those_that_buildkit_makes(case: Json, link: bool, tmp_path: Path) -> None:
    folder = tmp_path / "context"
    contexts.write_context(contexts.entries_of(case), folder)
    expected = case["expected"]
    dockerfile = folder / case.get("dockerfile_path", "Dockerfile")
    try:
        ignore = find_ignore_file(folder, dockerfile)
        context = LocalTree(folder, ignored=ignore.matcher())
        tree = _solve(_compile(case, folder), context, tmp_path, link=link)
    except JettisonError:
        if not expected.get("error") and case.get("also_ok") != "error":
            raise
        return
    if expected.get("error"):
        assert case.get("also_ok") == "success", expected["message"]
        return
    got = _entries(tree, set(case.get("check_mtime", ())))
    if case["name"] in DIFFERENCES:
        return
    want = [{k: v for k, v in each.items() if k != "base_dep"} for each in expected["tree"]]
    assert got == want
