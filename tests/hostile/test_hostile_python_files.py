"""Readers of Python's files are given anything: they end soon, and raise nothing."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from jettison.analysis.python.closure import closure
from jettison.analysis.python.distributions import distributions, owned, owners
from jettison.analysis.python.interpreters import interpreters
from jettison.analysis.python.lookup import Lookup
from jettison.analysis.python.modules import Modules
from jettison.analysis.python.requirements import environment_of, parse_requirement
from jettison.analysis.python.starts import Command, python_start
from jettison.analysis.python.venvs import named_interpreter, stale_scripts, venvs
from unit.analysis.python.python_rig import distribution, python, tree_of, venv

SITE = "/usr/local/lib/python3.11/site-packages"
ENVIRONMENT = {"PATH": "/app/.venv/bin:/usr/local/bin"}
FILES = {
    **python(),
    **venv("/app/.venv"),
    **distribution(SITE, "one", "1.0", {"one/__init__.py": "import two\n"}, ("two>=1; x",)),
    f"{SITE}/a.pth": "/src\nimport __editable___x_finder; __editable___x_finder.install()\n",
    f"{SITE}/__editable___x_finder.py": "MAPPING = {'x': '/src/x'}\n",
    f"{SITE}/y.egg-link": "/src\n.\n",
    "/src/x.py": "import y\n",
    "/app/main.py": "#!/app/.venv/bin/python\nfrom x import *\nimport one, gone\n",
    "/app/.venv/bin/tool": "#!/build/bin/python\nimport gone\n",
}
BITS = [
    b"\0",
    b"\xff",
    b"(" * 300,
    b"import ",
    b"from . import ",
    b"->",
    b"\n",
    b"\\\n",
    b"=",
    b"{",
    b"'" * 3,
]


def read_everything(root: Path, contents: dict) -> None:
    files = tree_of(root, contents)
    lookup = Lookup(files)
    interpreters(files)
    for each in venvs(files):
        stale_scripts(lookup, each)
    for argv in (("/app/main.py",), ("python", "/app/main.py"), ("tool",), ("python", "-m", "x")):
        start = python_start(lookup, Command(argv, "/app", ENVIRONMENT, "/root"))
        if start is None:
            continue
        closure(Modules(lookup, start.interpreter, start.path), start.origins)
        known = distributions(lookup, start.path.site)
        owners(lookup, known.values())
        for one in known.values():
            list(owned(lookup, one))
            for line in one.requires:
                found = parse_requirement(line)
                if found is not None:
                    found.counts(environment_of(start.interpreter.version))
    for path in files.entries:
        named_interpreter(files, path)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_are_read_without_an_exception(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    contents: dict[str, bytes | str] = dict(FILES)
    for path in chance.sample(sorted(contents), 8):
        old = contents[path]
        if isinstance(old, str) and old.startswith("->"):
            contents[path] = "->" + chance.choice(
                ["python", "..", "/", path, "a/" * 200, ".", "/dev/null"]
            )
            continue
        data = bytearray(old.encode() if isinstance(old, str) else old)
        for _ in range(chance.randint(1, 6)):
            at = chance.randint(0, len(data))
            data[at : at + chance.randint(0, 9)] = chance.choice(BITS)
        contents[path] = bytes(data)
    read_everything(tmp_path, contents)


def test_links_that_go_round_and_what_is_too_large_are_left_out(tmp_path: Path) -> None:
    deep = "/app/" + "d/" * 120 + "x.py"
    contents = {
        **FILES,
        "/app/.venv/lib64": "->lib64",
        "/usr/local/lib/python3.11/lib-dynload": "->site-packages",
        f"{SITE}/loop": "->loop",
        f"{SITE}/up": "->..",
        f"{SITE}/gone": "->/proc/self/root",
        f"{SITE}/huge.pth": b"/x\n" * 200_000,
        f"{SITE}/many.pth": "\n".join(f"/none/{n}" for n in range(10_000)),
        f"{SITE}/big-1.dist-info/METADATA": b"Name: big\n" + b"Requires-Dist: x\n" * 30_000,
        f"{SITE}/big-1.dist-info/RECORD": b"a/b/c,,\n" * 30_000,
        "/app/one_line.py": b"x" * (2 << 20),
        "/app/all.py": b"import gone\n" * 50_000,
        "/app/main.py": "import one_line, all, gone\n"
        + "".join(f"import m{n}\n" for n in range(3000)),
        deep: "import gone\n",
    }
    del contents["/usr/local/lib/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so"]
    for number in range(40):
        contents[f"/app/m{number}.py"] = "\n".join(f"import m{n}" for n in range(40))
    begin = time.process_time()
    read_everything(tmp_path, contents)
    assert time.process_time() - begin < 60


def test_a_tree_without_python_costs_nothing(tmp_path: Path) -> None:
    files = tree_of(tmp_path, {f"/usr/share/{n}/{m}": b"" for n in range(40) for m in range(100)})
    begin = time.process_time()
    lookup = Lookup(files)
    assert python_start(lookup, Command(("/bin/app",), "/", ENVIRONMENT)) is None
    assert venvs(files) == ()
    assert interpreters(files) == ()
    assert time.process_time() - begin < 60
