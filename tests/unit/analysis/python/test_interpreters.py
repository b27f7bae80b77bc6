"""Interpreters and virtual environments of trees, and where they look for modules."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jettison.analysis.files import Files
from jettison.analysis.python.interpreters import interpreter_at, interpreters
from jettison.analysis.python.lookup import Lookup
from jettison.analysis.python.search_path import Flags, PthLine, search_path, site_directories
from jettison.analysis.python.starts import Command, python_start
from jettison.analysis.python.venvs import stale_scripts, venv_of, venvs
from jettison.fs.host_tree import HostTree
from jettison.fs.tree import file_stat
from unit.analysis.python.python_rig import ELF, lookup_of, python, tree_of, venv

DEBIAN = 'sitepackages.append("dist-packages")'


def test_interpreters_are_found_by_their_libraries(tmp_path: Path) -> None:
    files = tree_of(
        tmp_path,
        python("3.12"),
        python("3.11", "/usr", site=DEBIAN),
        python("3.13", "/root/.local/share/uv/python/cpython-3.13.1-linux-x86_64-musl", "musl"),
        python("3.10", "/opt/conda/envs/x"),
        python("3.9", "/root/.pyenv/versions/3.9.1"),
        {"/usr/bin/python3.8": ELF, "/usr/bin/python3-config": "#!/bin/sh", "/bin/pyflakes": ELF},
    )
    found = {each.version: each for each in interpreters(files)}
    assert sorted(found) == ["3.10", "3.11", "3.12", "3.13", "3.8", "3.9"]
    assert found["3.11"].layout == "debian"
    assert found["3.12"].layout == "plain"
    assert found["3.12"].prefix == "/usr/local"
    assert found["3.13"].suffixes[0] == ".cpython-313-x86_64-linux-musl.so"
    assert (found["3.13"].libc, found["3.12"].libc, found["3.12"].machine) == (
        *("musl", "gnu", "x86_64"),
    )
    assert (found["3.8"].library, found["3.8"].suffixes) == ("", ())
    assert list(site_directories(found["3.11"])) == [
        "/usr/local/lib/python3.11/dist-packages",
        "/usr/lib/python3/dist-packages",
        "/usr/lib/python3.11/dist-packages",
    ]


def test_a_program_without_a_version_has_that_of_its_library(tmp_path: Path) -> None:
    lookup = lookup_of(
        tmp_path,
        {"/opt/bin/python": ELF, "/opt/lib/python3.9/os.pyc": b"", "/opt/lib/python3.11/os.py": ""},
    )
    found = interpreter_at(lookup, "/opt/bin/python")
    assert found is not None
    assert (found.version, found.library) == ("3.11", "/opt/lib/python3.11")


def test_a_virtual_environment_and_the_links_of_its_interpreter(tmp_path: Path) -> None:
    files = tree_of(
        tmp_path, python(), venv("/app/.venv"), venv("/gone", "/x/bin", "/x/bin/python3.9")
    )
    good, gone = venvs(files)
    assert good.interpreter is not None
    assert (good.version, good.interpreter.version, good.dangling) == ("3.11", "3.11", "")
    assert good.links == ("/app/.venv/bin/python3", "/usr/local/bin/python3.11")
    assert (gone.dangling, gone.interpreter, gone.home) == ("/x/bin/python3.9", None, "/x/bin")
    found = venv_of(Lookup(files), "/app/.venv/bin/python3")
    assert found == good
    assert venv_of(Lookup(files), "/usr/local/bin/python3") is None


def test_scripts_that_name_an_interpreter_which_is_not_there(tmp_path: Path) -> None:
    files = tree_of(
        tmp_path,
        python(),
        venv("/app"),
        {
            "/app/bin/good": "#!/app/bin/python3\n",
            "/app/bin/moved": "#!/build/venv/bin/python\nimport x\n",
            "/app/bin/long": "#!/bin/sh\n'''exec' /build/long/bin/python3 \"$0\" \"$@\"\n' '''\n",
            "/app/bin/activate": "#!/bin/nothing\n",
        },
    )
    assert stale_scripts(Lookup(files), venvs(files)[0]) == {
        "/app/bin/long": "/build/long/bin/python3",
        "/app/bin/moved": "/build/venv/bin/python",
    }


def test_links_that_go_round_lead_to_no_interpreter(tmp_path: Path) -> None:
    files = tree_of(
        tmp_path,
        {
            "/v/pyvenv.cfg": b"home = \xff/bin\nno equals\n\0=\0",
            "/v/bin/python": "->python3",
            "/v/bin/python3": "->python",
            "/v/lib": "->../v/lib",
        },
    )
    (found,) = venvs(files)
    assert found.interpreter is None
    assert found.version == ""
    assert interpreters(files) == ()


def test_what_pth_files_and_variables_add(tmp_path: Path) -> None:
    site = "/usr/local/lib/python3.11/site-packages"
    finder = "MAPPING: dict[str, str] = {'one': '/src/one', 'two': '/gone/two'}\nNAMESPACES = {}\n"
    lookup = lookup_of(
        tmp_path,
        python(),
        {
            f"{site}/a.pth": b"\xef\xbb\xbf# text\n\n/more\nimport os; os.x()\n/none\nrelative\n\0\n",
            f"{site}/__editable__.one.pth": "import __editable___one_finder; __editable___one_finder.install()",
            f"{site}/__editable___one_finder.py": finder,
            f"{site}/old.egg-link": "/gone/old\n../",
            f"{site}/relative/x.py": "",
            f"{site}/distutils-precedence.pth": "import os; os.x",
            "/more/x.py": "",
            "/src/one/__init__.py": "",
            "/first/x.py": "",
            "/root/.local/lib/python3.11/site-packages/y.py": "",
        },
    )
    found = interpreter_at(lookup, "/usr/local/bin/python")
    assert found is not None
    path = search_path(
        lookup, found, None, {"PYTHONPATH": "/first:/none"}, first=("/app",), home="/root"
    )
    user = "/root/.local/lib/python3.11/site-packages"
    library = "/usr/local/lib/python3.11"
    assert path.entries == (
        *("/first", library, f"{library}/lib-dynload", user, site, "/more", f"{site}/relative"),
    )
    assert path.site == (user, site)
    assert path.is_open  # by a.pth's code
    assert path.mapped == {"one": "/src/one"}
    assert [(line.target, line.name) for line in path.lines if not line.found] == [
        ("/gone/two", "two"),
        ("/none", ""),
        ("/gone/old", ""),
    ]
    assert PthLine(f"{site}/a.pth", "/more") in path.lines
    isolated = Flags(ignore_environment=True, no_site=True, safe_path=True)
    path = search_path(
        lookup, found, None, {"PYTHONPATH": "/first"}, first=("/more",), flags=isolated
    )
    assert path.entries == (library, f"{library}/lib-dynload")


def host_files(*places: str) -> Files:
    entries = {}

    def add(path: str) -> None:
        if path not in entries and path not in {"", "/"}:
            add(os.path.dirname(path))
            entries[path] = file_stat(os.lstat(path))

    for place in places:
        if not os.path.lexists(place):
            continue
        add(place)
        for parent, directories, names in os.walk(place):
            if parent.count("/") - place.count("/") >= 2:
                directories.clear()  # no search path depends on what is so deep
            for name in (*directories, *names):
                add(f"{parent}/{name}")
    return Files(HostTree(Path("/")), entries)


PYTHONS = [sys.executable, "/usr/bin/python3"]
PYTHONS += sorted(str(each) for each in (Path.home() / ".pyenv/versions").glob("3.*/bin/python"))


@pytest.mark.parametrize("program", [each for each in PYTHONS if os.path.exists(each)])
def test_the_search_path_is_that_of_real_interpreters(program: str) -> None:
    said = "import sys, json, _imp; print(json.dumps([sys.path[1:], _imp.extension_suffixes()]))"
    environment = {"PATH": "/usr/bin", "HOME": "/nonexistent"}
    done = subprocess.run(
        [program, "-c", said], capture_output=True, text=True, env=environment, cwd="/", check=True
    )
    path, suffixes = json.loads(done.stdout)
    links, base = [program], program
    while os.path.islink(base):
        base = os.path.join(os.path.dirname(base), os.readlink(base))
        links.append(base)
    above = [os.path.dirname(os.path.dirname(each)) for each in (program, base)]
    places = [*links, f"{above[0]}/pyvenv.cfg", "/etc/python3.11"]
    places += [str(each) for each in Path(above[1]).glob("lib/python3*")]
    places += [each for each in path if not each.startswith(tuple(places))]
    lookup = Lookup(host_files(*dict.fromkeys(places)))
    command = Command((program, "-c", ""), "/", environment, "/nonexistent")
    start = python_start(lookup, command)
    assert start is not None
    assert list(start.interpreter.suffixes) == suffixes
    wanted = [os.path.realpath(each) for each in path if os.path.exists(each)]
    assert [each for each in start.path.entries if each] == wanted
