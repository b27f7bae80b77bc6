"""What a command starts, what that imports, and what of it is missing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from jettison.analysis.python.closure import Closure, closure
from jettison.analysis.python.distributions import distributions, owned, owners, tops
from jettison.analysis.python.modules import Modules, archive_names
from jettison.analysis.python.starts import Command, Start, python_start
from unit.analysis.python.python_rig import ELF, distribution, lookup_of, python, venv

SITE = "/usr/local/lib/python3.11/site-packages"
PATH = {"PATH": "/app/.venv/bin:/usr/local/bin:/bin"}
TAG = "cpython-311-x86_64-linux-gnu"


def started(
    root: Path, argv: str, *contents: dict, environment: dict | None = None
) -> Start | None:
    lookup = lookup_of(root, python(), *contents)
    command = Command(tuple(argv.split(" ")), "/app", {**PATH, **(environment or {})}, "/root")
    return python_start(lookup, command)


def followed(root: Path, argv: str, *contents: dict, environment: dict | None = None) -> Closure:
    lookup = lookup_of(root, python(), *contents)
    command = Command(tuple(argv.split(" ")), "/app", {**PATH, **(environment or {})}, "/root")
    start = python_start(lookup, command)
    assert start is not None
    return closure(Modules(lookup, start.interpreter, start.path), start.origins)


def missing(found: Closure) -> list[tuple[str, str, int]]:
    return [(each.name, each.path, each.line) for each in found.missing]


APP = {
    "/app/main.py": "import sys\nfrom pkg.views import index\nimport flask\n",
    "/app/pkg/__init__.py": "from . import models\nfrom .views import *\n",
    "/app/pkg/models.py": "import yaml\n",
    "/app/pkg/views.py": "from ..pkg import models\nfrom flask import Flask\nimport json\n",
}


def test_modules_that_are_not_there_are_missing_where_they_are_imported_first(
    tmp_path: Path,
) -> None:
    found = followed(tmp_path, "python main.py", APP)
    assert missing(found) == [("flask", "/app/main.py", 3), ("yaml", "/app/pkg/models.py", 1)]
    assert found.sources[:2] == ("/app/main.py", "/app/pkg/__init__.py")
    assert found.missing[1].chain == ("/app/main.py", "/app/pkg/__init__.py", "/app/pkg/models.py")
    assert not found.is_open


def test_what_is_installed_is_not_looked_into(tmp_path: Path) -> None:
    flask = distribution(
        SITE, "Flask", "3.0", {"flask/__init__.py": "import nothing_of_that\n"}, ("click>=8",)
    )
    yaml = {f"{SITE}/yaml.{TAG}.so": ELF}
    found = followed(tmp_path, "python main.py", APP, flask, yaml)
    assert found.missing == ()
    assert {name: module.path for name, module in found.installed.items()} == {
        "flask": f"{SITE}/flask/__init__.py",
        "yaml": f"{SITE}/yaml.{TAG}.so",
    }
    assert (found.installed["yaml"].kind, found.installed["flask"].kind) == ("extension", "source")


def test_namespace_packages_are_made_of_what_all_directories_have(tmp_path: Path) -> None:
    contents = {
        "/app/main.py": "import ns.mine, ns.theirs\nfrom ns import other, none\nimport ns.gone.x\n",
        "/app/ns/mine.py": "import ns\n",
        f"{SITE}/ns/theirs/__init__.py": "",
        f"{SITE}/ns/other.py": "",
    }
    found = followed(tmp_path, "python main.py", contents)
    assert [each.name for each in found.missing] == ["ns.none", "ns.gone"]
    assert sorted(found.installed) == ["ns.other", "ns.theirs"]


def test_modules_that_sources_or_extensions_make_are_not_missed(tmp_path: Path) -> None:
    contents = {
        "/app/main.py": "import six.moves.urllib, fast.inner, plain.x\nimport lazy.x\n",
        "/app/six.py": "import sys\nsys.meta_path.append(1)\n",
        "/app/lazy/__init__.py": "import sys\nsys.modules[__name__ + '.x'] = 1\n",
        f"/app/fast.{TAG}.so": ELF,
        "/app/plain.py": "",
    }
    found = followed(tmp_path, "python main.py", contents)
    assert [each.name for each in found.missing] == ["plain.x"]


def test_an_extension_of_another_abi_is_no_module(tmp_path: Path) -> None:
    contents = {
        "/app/main.py": "import fast\n",
        f"{SITE}/fast.cpython-312-x86_64-linux-gnu.so": ELF,
    }
    assert [each.name for each in followed(tmp_path, "python main.py", contents).missing] == [
        "fast"
    ]


def test_sources_that_change_the_search_path_say_so(tmp_path: Path) -> None:
    contents = {"/app/main.py": "import sys\nsys.path.append('x')\nimport gone\n"}
    found = followed(tmp_path, "python main.py", contents)
    assert found.is_open
    assert [each.name for each in found.missing] == ["gone"]


SERVED = {
    "/app/web/__init__.py": "",
    "/app/web/main.py": "import gone\n",
    "/srv/api.py": "import gone\n",
    f"{SITE}/gunicorn/app/wsgiapp.py": "import nothing_of_that\n",
    f"{SITE}/gunicorn/__init__.py": "",
    f"{SITE}/gunicorn/__main__.py": "from gunicorn.app.wsgiapp import run\n",
    "/usr/local/bin/gunicorn": "#!/usr/local/bin/python3\nfrom gunicorn.app.wsgiapp import run\n",
    "/usr/local/bin/uvicorn": "#!/usr/bin/env python3\nimport gunicorn\n",
    "/usr/local/bin/celery": "#!/usr/local/bin/python\nimport gunicorn\n",
    "/usr/local/bin/flask": "#!/usr/local/bin/python\nimport gunicorn\n",
    "/usr/local/bin/fastapi": "#!/usr/local/bin/python\nimport gunicorn\n",
}
MAIN = [("gone", "/app/web/main.py", 1)]
API = [("gone", "/srv/api.py", 1)]


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        ("gunicorn web.main:app", MAIN),
        ("gunicorn -b 0.0.0.0:80 -w4 --reload web.main:create_app()", MAIN),
        ("gunicorn --bind localhost:main -k uvicorn.workers.UvicornWorker web.main:app", MAIN),
        ("gunicorn --chdir /srv api:app", API),
        ("gunicorn --bind=:80 web.main", MAIN),
        ("python -m gunicorn web.main:app", MAIN),
        ("uvicorn web.main:app --host 0.0.0.0", MAIN),
        ("uvicorn --app-dir=/srv --factory api:app", API),
        ("celery -A web.main worker", MAIN),
        ("celery --app=web.main:app worker", MAIN),
        ("flask --app web/main.py run", []),
        ("flask --app web.main:app run", MAIN),
        ("fastapi run web/main.py", MAIN),
        ("python -m web.main", MAIN),
        ("python3 -u -X dev -Wd web/main.py", MAIN),
        ("/usr/local/bin/python3.11 /srv/api.py --x", API),
        ("python /srv", []),
        ("python -c pass", []),
        ("python -c import\tgone,sys", [("gone", "", 1)]),
        ("python", []),
        ("python -m http.server", []),
        ("gunicorn other.main:app", [("other", "", 0)]),
        ("python -m web.gone", [("web.gone", "", 0)]),
    ],
)
def test_what_servers_are_told_to_import_is_followed(
    tmp_path: Path, argv: str, wanted: list[tuple[str, str, int]]
) -> None:
    assert missing(followed(tmp_path, argv, SERVED)) == wanted


def test_the_environment_may_name_the_app(tmp_path: Path) -> None:
    found = followed(tmp_path, "flask run", SERVED, environment={"FLASK_APP": "web.main"})
    assert missing(found) == MAIN


def test_a_program_that_is_installed_is_followed_where_its_script_leads(tmp_path: Path) -> None:
    mine = {
        "/app/.venv/bin/serve": "#!/app/.venv/bin/python\nfrom mine.cli import main\nmain()\n",
        "/app/.venv/lib/python3.11/site-packages/mine/__init__.py": "",
        "/app/.venv/lib/python3.11/site-packages/mine/cli.py": "import gone\n",
    }
    found = followed(tmp_path, "serve", mine, venv("/app/.venv"))
    assert missing(found) == [("gone", "/app/.venv/lib/python3.11/site-packages/mine/cli.py", 1)]


def test_commands_that_start_no_python_are_none(tmp_path: Path) -> None:
    contents = {"/bin/sh": ELF, "/bin/script": "#!/bin/sh\n", "/bin/long": b"#!" + b"x" * 4000}
    for argv in ("sh -c python", "script", "long", "none", "", "/app", "ipython x"):
        assert started(tmp_path / (argv or "x").replace("/", "_"), argv, contents) is None


def test_archives_are_searched_by_their_names(tmp_path: Path) -> None:
    packed = tmp_path / "x.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("packed/__init__.py", "")
        archive.writestr("single.py", "")
    contents = {
        "/app/main.py": "import packed.x, single, gone\n",
        "/app/x.zip": packed.read_bytes(),
        "/app/broken.zip": b"PK\x05\x06" + b"\xff" * 18,
        "/app/app.pyz": b"#!/usr/bin/env python3\n" + packed.read_bytes(),
    }
    environment = {"PYTHONPATH": "/app/x.zip:/app/broken.zip"}
    found = followed(tmp_path / "a", "python main.py", contents, environment=environment)
    assert [each.name for each in found.missing] == ["gone"]
    assert followed(tmp_path / "b", "python app.pyz", contents).missing == ()
    lookup = lookup_of(tmp_path / "c", contents)
    assert archive_names(lookup, "/app/x.zip") == ["packed/__init__.py", "single.py"]
    assert archive_names(lookup, "/app/broken.zip") == []


def test_distributions_with_what_they_own_and_require(tmp_path: Path) -> None:
    old = {
        f"{SITE}/old-1.0-py3.11.egg-info/PKG-INFO": b"Name: old\nVersion: \xff1.0\nName: two\n",
        f"{SITE}/old-1.0-py3.11.egg-info/requires.txt": "six\n[extra:python_version<'3']\nenum34\n",
        f"{SITE}/old-1.0-py3.11.egg-info/top_level.txt": "oldmod\noldpkg\n",
        f"{SITE}/oldmod.py": "",
        f"{SITE}/oldpkg/x.py": "",
        f"{SITE}/single.egg-info": "Name: Single_Dist\nVersion: 2\n",
        f"{SITE}/linked.egg-link": "/src\n.",
        "/src/linked.egg-info/PKG-INFO": "Name: linked\nVersion: 3\n",
        f"{SITE}/broken-1.dist-info/RECORD": b'"a\0,b\n\xff\n../../../../bin/x,,\n',
        f"{SITE}/broken-1.dist-info/METADATA": b"\xff\xfe: x\nNoName\n",
        f"{SITE}/nothing.dist-info/RECORD": "",
        f"{SITE}/.egg-info/PKG-INFO": "Name: x\n",
    }
    new = distribution(
        SITE, "New.Dist", "1.5", {"new/__init__.py": "", "new_x.py": "", "../../../bin/new": ""},
        ("a>=1", "b ; extra == 'x'"),
    )  # fmt: skip
    lookup = lookup_of(tmp_path, new, old)
    found = distributions(lookup, [SITE])
    assert sorted(found) == ["broken", "linked", "new-dist", "old", "single-dist"]
    assert found["new-dist"].requires == ("a>=1", "b ; extra == 'x'")
    assert tops(lookup, found["new-dist"]) == ("new", "new_x.py", "New.Dist-1.5.dist-info")
    assert "/usr/local/bin/new" in list(owned(lookup, found["new-dist"]))
    assert found["old"].requires == ("six", "enum34 ; extra == \"extra\" and (python_version<'3')")
    assert set(tops(lookup, found["old"])) == {"oldmod.py", "oldpkg", "old-1.0-py3.11.egg-info"}
    assert found["linked"].version == "3"
    assert found["broken"].label == "broken 1"
    assert owners(lookup, found.values())["new_x"].name == "new-dist"
