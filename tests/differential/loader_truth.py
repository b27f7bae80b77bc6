"""What the real loader says of a program: it is started in a sandbox.

In:  a ``Pair``, a driver.
Out: ``Truth``.
"""

from __future__ import annotations

import os
import re

import msgspec

from differential.loader_pairs import Pair
from jettison.analysis.loader.base import Verdict
from jettison.sandbox.base import Sandbox, Streams
from jettison.sandbox.spec import NetworkMode, Root, RootKind, SandboxSpec

_GLIBC_LIBRARY = re.compile(r"error while loading shared libraries: ([^\n]*?): ([^\n]*)")
_GLIBC_VERSION = re.compile(r"(?<!weak )version `([^']+)' not found \(required by ([^)]+)\)")
_MUSL_LIBRARY = re.compile(r"Error loading shared library ([^\n]*?): [^\n]* \(needed by ")


class Truth(msgspec.Struct, frozen=True):
    """What came of it.

    Args:
        verdict: That.
        names: Of libraries that are missing, as far as the loader got; versions that are.
        output: All that was said.
    """

    verdict: Verdict
    names: tuple[str, ...]
    output: str


def start(sandbox: Sandbox, pair: Pair) -> Truth:
    """Start the program of a pair in its root."""
    env = ("PATH=/usr/bin:/bin", "LC_ALL=C")
    if pair.library_path:
        env += (f"LD_LIBRARY_PATH={pair.library_path}",)
    spec = SandboxSpec(
        root=Root(RootKind.DIRECTORY, pair.root),
        argv=(pair.program, *pair.arguments),
        env=env,
        cwd=pair.directory,
        network=NetworkMode.NONE,
    )
    out = os.open(pair.root.parent, os.O_RDWR | os.O_TMPFILE, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    try:
        code = sandbox.start(spec, Streams(null, out, out)).wait()
        output = os.pread(out, 1 << 20, 0).decode(errors="replace")
    finally:
        os.close(out)
        os.close(null)
    return read(code, output)


def read(code: int, output: str) -> Truth:
    """Return what an exit code and output of a loader mean."""
    if output.startswith("exec ") and code in {126, 127}:
        is_format = "exec format error" in output.lower()
        verdict = Verdict.WRONG_ARCHITECTURE if is_format else Verdict.NO_INTERPRETER
        return Truth(verdict, (), output)
    found = _GLIBC_LIBRARY.search(output)
    if found is not None:
        return Truth(Verdict.NO_LIBRARY, (found[1],), output)
    versions = tuple(sorted({each[0] for each in _GLIBC_VERSION.findall(output)}))
    if versions:
        return Truth(Verdict.NO_VERSION, versions, output)
    libraries = tuple(sorted(set(_MUSL_LIBRARY.findall(output))))
    if libraries:
        return Truth(Verdict.NO_LIBRARY, libraries, output)
    return Truth(Verdict.STARTS, (), f"{code}: {output}")
