"""Rules about Python, on images of two stages: what they find, how bad it is, what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elf_rig import elf
from jettison.check.rule import Rule
from jettison.check.rules.ms401 import MS401
from jettison.check.rules.ms402 import MS402
from jettison.check.rules.ms403 import MS403
from jettison.check.rules.ms404 import MS404
from jettison.check.rules.ms405 import MS405
from jettison.check.rules.ms411 import MS411
from jettison.check.subject import Subject
from jettison.findings.finding import Finding
from jettison.oci.config import ContainerConfig, Healthcheck
from unit.analysis.python.python_rig import ELF, distribution, python, venv
from unit.check.stages_rig import two_stages

RULES: tuple[Rule, ...] = (MS401(), MS402(), MS403(), MS404(), MS405(), MS411())
LOCAL = "/usr/local/lib/python{}/site-packages"
DEBIAN = 'sitepackages.append("dist-packages")'
SHELL = {"/bin/sh": ELF}
APP = {"/src/app.py": "import flask\n"}
COPY_APP = ("/src/app.py", "/app/app.py")


def flask(site: str, **more: Any) -> dict[str, bytes | str]:
    return distribution(site, "flask", "3.0", {"flask/__init__.py": ""}, **more)


def config(*argv: str, **more: Any) -> ContainerConfig:
    path = "PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin"
    return ContainerConfig(cmd=argv, env=(path, *more.pop("env", ())), **more)


RUN_APP = config("python", "/app/app.py")


def findings(subject: Subject) -> dict[str, Finding]:
    found = [each for rule in RULES for each in rule.check(subject)]
    assert len({each.rule for each in found}) == len(found), found
    return {each.rule: each for each in found}


def only(subject: Subject, rule: str, severity: str) -> Finding:
    found = findings(subject)
    assert list(found) == [rule], found
    assert found[rule].severity.value == severity
    return found[rule]


def fix(finding: Finding) -> tuple[str, str, int]:
    first = finding.fixes[0]
    return first.kind.value, first.text, first.line


def test_what_is_installed_in_the_builder_is_copied_to_where_the_image_looks(
    tmp_path: Path,
) -> None:
    builder = {**python("3.11"), **flask(LOCAL.format("3.11")), **APP}
    base = {**python("3.11", "/usr", site=DEBIAN), **SHELL}
    subject = two_stages(
        tmp_path,
        builder=builder,
        base=base,
        copies=(COPY_APP,),
        config=config("python3", "/app/app.py"),
    )
    found = only(subject, "MS401", "error")
    assert (found.path, found.line) == ("/app/app.py", 4)
    target = "/usr/local/lib/python3.11/dist-packages"
    assert fix(found) == ("insert", f"COPY --from=builder {LOCAL.format('3.11')} {target}", 4)
    assert "flask 3.0" in found.cause[0]


def test_a_stage_with_another_python_gets_the_base_of_the_image(tmp_path: Path) -> None:
    builder = {**python("3.12"), **flask(LOCAL.format("3.12")), **APP}
    subject = two_stages(
        tmp_path, builder=builder, base=python("3.11"), copies=(COPY_APP,), config=RUN_APP,
        froms=("python:3.12-slim", "python:3.11-slim"),
    )  # fmt: skip
    assert fix(only(subject, "MS401", "error")) == (
        "replace",
        "FROM python:3.11-slim AS builder",
        1,
    )


@pytest.mark.parametrize("froms", [("python:3.12", "debian:12"), ("python:$V", "python:3.11")])
def test_another_base_is_only_advised_where_none_is_sure(
    tmp_path: Path, froms: tuple[str, str]
) -> None:
    builder = {**python("3.12"), **flask(LOCAL.format("3.12")), **APP}
    subject = two_stages(
        tmp_path,
        builder=builder,
        base=python("3.11"),
        copies=(COPY_APP,),
        config=RUN_APP,
        froms=froms,
    )
    kind, text, _ = fix(only(subject, "MS401", "error"))
    assert (kind, text) == (
        "advice",
        "install the packages with Python 3.11, as the image has; stage `builder` has 3.12",
    )


def test_a_package_of_the_distribution_is_copied_by_itself(tmp_path: Path) -> None:
    site = "/usr/lib/python3/dist-packages"
    builder = {**python("3.11", "/usr", site=DEBIAN), **flask(site), **APP}
    base = python("3.11", "/usr", site=DEBIAN)
    subject = two_stages(
        tmp_path,
        builder=builder,
        base=base,
        copies=(COPY_APP,),
        config=config("python3", "/app/app.py"),
    )
    assert (
        fix(only(subject, "MS401", "error"))[1] == f"COPY --from=builder {site}/flask {site}/flask"
    )


def test_what_is_not_sure_is_no_error(tmp_path: Path) -> None:
    builder = {**python("3.11"), **flask(LOCAL.format("3.11"))}

    def found(name: str, source: str, configured: ContainerConfig = RUN_APP) -> dict[str, Finding]:
        contents = {
            **builder,
            "/src/app.py": source,
            "/src/run.sh": "#!/bin/sh\ncd /app\nexec python app.py\n",
        }
        copies = (COPY_APP, ("/src/run.sh", "/run.sh"))
        subject = two_stages(
            tmp_path / name,
            builder=contents,
            base={**python("3.11"), **SHELL},
            copies=copies,
            config=configured,
        )
        return findings(subject)

    assert found("try", "try:\n    import flask\nexcept ImportError:\n    flask = None\n") == {}
    assert found("late", "def f():\n    import flask\n") == {}
    assert (
        found("path", "import sys\nsys.path.append('x')\nimport flask\n")["MS401"].severity.value
        == "warning"
    )
    shell = config("sh", "-c", "pip install flask && python /app/app.py")
    assert found("pip", "import flask\n", shell) == {}
    assert found("unknown", "import nowhere\n")["MS401"].severity.value == "warning"


def test_a_health_check_is_followed_as_well(tmp_path: Path) -> None:
    builder = {**python("3.11"), **flask(LOCAL.format("3.11")), "/src/app.py": ""}
    test = ("CMD", "python", "-c", "import flask")
    configured = config("python", "/app/app.py", healthcheck=Healthcheck(test=test))
    subject = two_stages(
        tmp_path, builder=builder, base=python("3.11"), copies=(COPY_APP,), config=configured
    )
    found = only(subject, "MS401", "error")
    assert "imported by HEALTHCHECK" in found.detail


def test_packages_of_another_version_need_the_other_python(tmp_path: Path) -> None:
    site = LOCAL.format("3.12")
    builder = {**python("3.12"), **flask(site), **APP}
    subject = two_stages(
        tmp_path, builder=builder, base=python("3.11"), copies=(COPY_APP, (site, site)), config=RUN_APP,
        froms=("python:3.12-slim", "python:3.11-slim"),
    )  # fmt: skip
    found = only(subject, "MS402", "error")
    assert (found.path, found.line) == (site, 5)
    assert fix(found) == ("replace", "FROM python:3.11-slim AS builder", 1)


def test_packages_that_no_one_starts_are_only_warned_of(tmp_path: Path) -> None:
    site = LOCAL.format("3.12")
    builder = {**python("3.12"), **flask(site)}
    subject = two_stages(
        tmp_path,
        builder=builder,
        base={**python("3.11"), **SHELL},
        copies=((site, site),),
        config=config("sh"),
    )
    only(subject, "MS402", "warning")


def test_a_virtual_environment_whose_interpreter_is_of_another_version(tmp_path: Path) -> None:
    site = "/app/.venv/lib/python3.12/site-packages"
    builder = {
        **python("3.12"), **APP, **flask(site),
        **venv("/app/.venv", program="/usr/local/bin/python3", version="3.12"),
    }  # fmt: skip
    subject = two_stages(
        tmp_path, builder=builder, base=python("3.11"), copies=(COPY_APP, ("/app/.venv", "/app/.venv")),
        config=RUN_APP, froms=("python:3.12-slim", "python:3.11-slim"),
    )  # fmt: skip
    found = only(subject, "MS402", "error")
    assert found.path == "/app/.venv"
    assert fix(found) == ("replace", "FROM python:3.11-slim AS builder", 1)


def test_packages_for_the_other_interpreter_of_the_image(tmp_path: Path) -> None:
    site = "/usr/lib/python3/dist-packages"
    builder = {**flask(site), **APP}
    base = {**python("3.12"), **python("3.11", "/usr", site=DEBIAN)}
    copies = (
        COPY_APP,
        (f"{site}/flask", f"{site}/flask"),
        (f"{site}/flask-3.0.dist-info", f"{site}/flask-3.0.dist-info"),
    )
    subject = two_stages(tmp_path, builder=builder, base=base, copies=copies, config=RUN_APP)
    found = only(subject, "MS402", "error")
    assert found.detail.startswith(f"packages in {site} are not seen by Python 3.12")


UV = "/root/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu"


def managed(
    tmp_path: Path, base: dict[str, bytes | str], configured: ContainerConfig = RUN_APP
) -> Subject:
    builder = {
        **python("3.13", UV), **APP, **flask("/app/.venv/lib/python3.13/site-packages"),
        **venv("/app/.venv", f"{UV}/bin", f"{UV}/bin/python3.13", "3.13"),
    }  # fmt: skip
    copies = (("/app/.venv", "/app/.venv"), COPY_APP)
    return two_stages(tmp_path, builder=builder, base=base, copies=copies, config=configured)


def test_an_interpreter_that_stayed_behind_is_copied_or_linked(tmp_path: Path) -> None:
    found = only(managed(tmp_path / "a", {}), "MS403", "error")
    assert (found.path, found.line) == ("/app/.venv/bin/python", 4)
    assert fix(found) == ("insert", f"COPY --from=builder {UV} {UV}", 4)
    found = only(managed(tmp_path / "b", {**python("3.13", "/usr"), **SHELL}), "MS403", "error")
    assert (
        fix(found)[1] == f"RUN mkdir -p {UV}/bin && ln -s /usr/bin/python3.13 {UV}/bin/python3.13"
    )
    found = only(managed(tmp_path / "c", {**python("3.11"), **SHELL}), "MS403", "error")
    assert fix(found)[1] == f"COPY --from=builder {UV} {UV}"
    assert found.cause[1] == "the image has Python 3.11"


def test_a_broken_environment_that_nobody_starts(tmp_path: Path) -> None:
    only(managed(tmp_path / "a", SHELL, config("sh")), "MS403", "warning")
    path = "PYTHONPATH=/app/.venv/lib/python3.13/site-packages"
    used = config("/usr/local/bin/python3", "/app/app.py", env=(path,))
    assert findings(managed(tmp_path / "b", python("3.13"), used)) == {}


def test_a_moved_environment_is_linked_or_copied_again(tmp_path: Path) -> None:
    builder = {
        **python("3.11"), **venv("/build/venv"), **flask("/build/venv/lib/python3.11/site-packages"),
        "/build/venv/bin/flask": "#!/build/venv/bin/python3\nimport flask\n",
        "/build/venv/bin/pip": "#!/build/venv/bin/python3\nimport pip\n",
    }  # fmt: skip
    copies = (("/build/venv", "/app/.venv"),)

    def found(name: str, more: dict[str, bytes | str], *argv: str) -> dict[str, Finding]:
        base = {**python("3.11"), **more}
        place = tmp_path / name
        return findings(
            two_stages(place, builder=builder, base=base, copies=copies, config=config(*argv))
        )

    moved = found("a", SHELL, "flask")["MS403"]
    assert (moved.path, moved.severity.value) == ("/app/.venv/bin/flask", "error")
    assert fix(moved)[1] == "RUN mkdir -p /build && ln -s /app/.venv /build/venv"
    assert fix(found("b", {}, "flask")["MS403"])[1] == "COPY --from=builder /build/venv /build/venv"
    assert found("c", {}, "python", "-m", "flask")["MS403"].severity.value == "note"


def extension(tmp_path: Path, source: str, *names: str) -> Subject:
    site = LOCAL.format("3.11")
    files = {"fast/__init__.py": source, **{f"fast/{name}": ELF for name in names}}
    builder = {
        **python("3.12"),
        **distribution(site, "fast", "1", files),
        "/src/app.py": "import fast\n",
    }
    copies = (COPY_APP, (site, site))
    return two_stages(tmp_path, builder=builder, base=python("3.11"), copies=copies, config=RUN_APP)


OTHERS = (
    "_x.cpython-312-x86_64-linux-gnu.so",
    "_x.cpython-311-x86_64-linux-musl.so",
    "_x.pypy39-pp73-x86_64-linux-gnu.so",
)


def test_an_extension_for_another_python_is_an_error_where_it_is_needed(tmp_path: Path) -> None:
    for number, name in enumerate(OTHERS):
        found = only(
            extension(
                tmp_path / f"a{number}", "from . import _y\nfrom ._x import y\n", "_y.abi3.so", name
            ),
            "MS404",
            "error",
        )
        assert (found.path, found.line) == (f"{LOCAL.format('3.11')}/fast/{name}", 5)
        assert "`fast 1`" in found.detail
    source = "try:\n    from ._x import y\nexcept ImportError:\n    y = None\n"
    only(extension(tmp_path / "b", source, OTHERS[0]), "MS404", "warning")
    both = extension(
        tmp_path / "c", "from ._x import y\n", OTHERS[0], "_x.cpython-311-x86_64-linux-gnu.so"
    )
    assert findings(both) == {}
    assert findings(extension(tmp_path / "d", "from ._x import y\n", "_x.abi3.so")) == {}


def test_an_extension_that_a_requirement_of_an_import_needs(tmp_path: Path) -> None:
    site = LOCAL.format("3.11")
    builder = {
        **python("3.12"), "/src/app.py": "import api\n",
        **distribution(site, "api", "1", {"api/__init__.py": "from .x import y\n", "api/x.py": "import model\n"}, ("model",)),
        **distribution(site, "model", "2", {"model/__init__.py": "import core._core\n"}, ("core",)),
        **distribution(site, "core", "3", {"core/__init__.py": "", f"core/{OTHERS[0].replace('_x', '_core')}": ELF}),
        **distribution(site, "other", "4", {"other/__init__.py": "", f"other/{OTHERS[0]}": ELF}),
    }  # fmt: skip
    subject = two_stages(
        tmp_path,
        builder=builder,
        base=python("3.11"),
        copies=(COPY_APP, (site, site)),
        config=RUN_APP,
    )
    assert only(subject, "MS404", "error").path.endswith(
        "/core/_core.cpython-312-x86_64-linux-gnu.so"
    )


@pytest.mark.parametrize(
    ("libc", "needed", "more", "severity"),
    [
        ("musl", "libc.so.6", "", "error"),
        ("musl", "libc.so.6", "/lib/libc.so.6", ""),
        ("gnu", "libc.musl-x86_64.so.1", "", "error"),
        ("gnu", "libc.so.6", "", ""),
    ],
)
def test_an_extension_for_any_python_needs_the_libc_of_this_one(
    tmp_path: Path, libc: str, needed: str, more: str, severity: str
) -> None:
    site = LOCAL.format("3.11")
    files = {
        "rust/__init__.py": "from . import _rust\nfrom ._rust import x\n",
        "rust/_rust.abi3.so": elf(needed=[needed]),
    }
    builder = {**distribution(site, "rust", "1", files), "/src/app.py": "import rust\n"}
    base = {**python("3.11", libc=libc), **({more: ELF} if more else {})}
    subject = two_stages(
        tmp_path, builder=builder, base=base, copies=(COPY_APP, (site, site)), config=RUN_APP
    )
    found = findings(subject)
    assert [each.severity.value for each in found.values()] == ([severity] if severity else [])
    assert not severity or found["MS404"].path == f"{site}/rust/_rust.abi3.so"


def test_a_module_of_its_own_that_is_for_another_python(tmp_path: Path) -> None:
    builder = {"/src/app.py": "import _x\n", f"/src/{OTHERS[0]}": ELF}
    subject = two_stages(
        tmp_path, builder=builder, base=python("3.11"), copies=(("/src", "/app"),), config=RUN_APP
    )
    assert only(subject, "MS404", "error").path == f"/app/{OTHERS[0]}"


def test_requirements_are_those_of_the_imported_packages_for_this_python(tmp_path: Path) -> None:
    site = LOCAL.format("3.11")
    wanted = ("click>=8", 'old; python_version < "3.11"', 'x; extra == "all"', "jinja2[i18n]")
    builder = {
        **python("3.11"), **APP, **flask(site, requires=wanted),
        **distribution(site, "click", "7.0", {"click.py": ""}),
        **distribution(site, "jinja2", "3", {"jinja2.py": ""}, ('babel; extra == "i18n"',)),
        **distribution(site, "unused", "1", {"unused.py": ""}, ("nothing",)),
    }  # fmt: skip
    subject = two_stages(
        tmp_path,
        builder=builder,
        base=python("3.11"),
        copies=(COPY_APP, (site, site)),
        config=RUN_APP,
    )
    found = list(MS405().check(subject))
    assert [(each.path.rpartition("/")[2], each.severity.value) for each in found] == [
        ("flask-3.0.dist-info", "warning"),
        ("jinja2-3.dist-info", "warning"),
    ]
    assert found[0].cause == ("click: 7.0 is installed, >=8 is wanted",)
    assert found[1].cause == ("babel: not installed",)
    # A copy from the builder would bring what is there, and no other version.
    assert [fix(each)[:2] for each in found] == [
        ("advice", "install click for Python 3.11"),
        ("advice", "install babel for Python 3.11"),
    ]


def test_editable_installs_by_finders_links_and_paths(tmp_path: Path) -> None:
    site = "/app/.venv/lib/python3.11/site-packages"
    finder = "import __editable___flask_finder; __editable___flask_finder.install()"
    ways = {
        "finder": {
            f"{site}/__editable__.flask.pth": finder,
            f"{site}/__editable___flask_finder.py": "MAPPING = {'flask': '/work/src/flask'}\n",
        },
        "link": {
            f"{site}/flask.egg-link": "/work/src\n.",
            f"{site}/easy-install.pth": "/work/src\n",
        },
        "path": {f"{site}/flask.pth": "/work/src\n"},
    }
    for name, files in ways.items():
        builder = {
            **python("3.11"), **venv("/app/.venv"), **APP, **files, "/work/src/flask/__init__.py": "",
        }  # fmt: skip
        copies = (("/app/.venv", "/app/.venv"), COPY_APP)
        subject = two_stages(
            tmp_path / name, builder=builder, base=python("3.11"), copies=copies, config=RUN_APP
        )
        error = only(subject, "MS411", "error")
        source = "/work/src/flask" if name == "finder" else "/work/src"
        assert fix(error) == ("insert", f"COPY --from=builder {source} {source}", 4)
        copies = (*copies, ("/work/src", "/work/src"))
        subject = two_stages(
            tmp_path / f"{name}-good",
            builder=builder,
            base=python("3.11"),
            copies=copies,
            config=RUN_APP,
        )
        assert findings(subject) == {}
