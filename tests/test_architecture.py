"""The rules of the project's form: sizes, docstrings, imports, style, and what may not be named."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from jettison import errors

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "jettison"
MODULES = sorted(SOURCE.rglob("*.py"))
LINE_BUDGET = 400
MEDIAN_BUDGET = 130
PACKAGE_HOSTS = [  # written apart, so that this file may be looked at too
    ".".join(words)
    for words in (
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
    )
]

READS_THE_ENVIRONMENT = {
    "api/supervisor.py": "is a process of its own, and hands it to its session",
    "cli": "hands it to sessions",
    "linux/programs.py": "looks for programs where exec would",
    "linux/userns.py": "is told by the process that it replaced, and looks for newuidmap",
    "linux/userns_enter.py": "tells the process that replaces it",
    "python": "hands it to sessions",
    "sandbox/init": "is a process of its own, and looks for programs where exec would",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _run(*argv: str) -> None:
    """Run a tool of the virtual environment from the root of the project; what it says is the failure."""
    program = Path(sysconfig.get_path("scripts")) / argv[0]
    result = subprocess.run(
        [program, *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def _tracked() -> list[Path]:
    result = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in result.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_fits_its_line_budget(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LINE_BUDGET


def test_most_modules_are_small() -> None:
    sizes = [len(path.read_text().splitlines()) for path in MODULES if path.stat().st_size]
    assert statistics.median(sizes) <= MEDIAN_BUDGET


@pytest.mark.parametrize("path", [p for p in MODULES if p.stat().st_size], ids=_name)
def test_a_module_says_in_its_first_line_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "no module docstring"
    assert docstring.splitlines()[0].rstrip().endswith((".", ":"))


@pytest.mark.parametrize("package", ["container", "sandbox"])
def test_no_room_of_containers_has_more_than_twelve_modules(package: str) -> None:
    rooms = {path.parent for path in MODULES if package in path.relative_to(SOURCE).parts}
    sizes = {_name(room): len(list(room.glob("*.py"))) for room in rooms}
    assert {room: size for room, size in sizes.items() if size > 12} == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "common", "misc", "manager", "core"}
    assert [_name(path) for path in MODULES if empty & {path.stem, path.parent.name}] == []


def test_tracked_files_name_no_package_registry() -> None:
    """Machines get packages from where they are set up to; a lock file must not know better."""
    pattern = re.compile(rb"(?<![\w.])(" + "|".join(map(re.escape, PACKAGE_HOSTS)).encode() + rb")")
    found = [
        f"{_name(path)}: {match.group().decode()}"
        for path in _tracked()
        if not path.is_symlink()
        for match in pattern.finditer(path.read_bytes())
    ]
    assert found == []


def test_nothing_needs_a_newer_patch_release_of_python() -> None:
    """Debian 12 has 3.11.2, whose tarfile knows no filters: ``tests/archive_rig.py`` does without."""
    found = []
    for path in _tracked():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                takes_filter = node.func.attr in {"extract", "extractall", "unpack_archive"}
                if takes_filter and any(each.arg == "filter" for each in node.keywords):
                    found.append(f"{_name(path)}:{node.lineno}")
    assert found == []


def test_zstd_comes_from_where_each_python_has_it() -> None:
    """Python 3.14 has no backport of what it has itself."""
    found = {
        _name(path)
        for path in _tracked()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("backports")
    }
    assert found == {"src/jettison/fs/zstd.py", "tests/archive_rig.py"}


def test_requirements_are_pinned_with_hashes_and_have_no_options() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for requirement in path.read_text().replace("\\\n", " ").splitlines():
            assert re.match(r"[a-z0-9-]+==", requirement), f"{path.name}: {requirement[:60]}"
            assert " --hash=sha256:" in requirement, f"{path.name}: {requirement[:60]}"


def test_lock_files_hold_no_addresses_of_packages() -> None:
    locks = [p for p in _tracked() if p.name in {"poetry.lock", "package-lock.json", "yarn.lock"}]
    assert len(locks) >= 4
    for path in locks:
        assert not re.search(
            r"(?m)^\s*\"?(resolved|url)\"?[ :=]+\"?https?://.*\.(tgz|whl|gz)", path.read_text()
        )


def test_every_exit_status_is_documented() -> None:
    text = (ROOT / "docs/reference/exit-status.md").read_text()
    documented = set(re.findall(r"^\| (JE\d{4}) \| `(\w+)` \| (\d+) \|", text, re.MULTILINE))
    tree = [errors.JettisonError]
    for cls in tree:
        tree.extend(c for c in cls.__subclasses__() if c.__module__ == errors.__name__)
    defined = {(c.code, c.__name__, str(c.exit_status)) for c in tree[1:]}
    assert documented == defined


def test_the_picture_of_the_import_stack_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (each["layers"] for each in contracts if each["id"] == "layers")
    picture = (ROOT / "ARCHITECTURE.md").read_text().split("```text")[2].partition("```")[0]
    picture = picture.strip().splitlines()
    assert [re.split(r"  +", line)[0] for line in picture] == layers


def test_imports_point_downward_only() -> None:
    _run("lint-imports")


def test_the_environment_is_read_in_few_places() -> None:
    read = re.compile(r"\bos\.(environb?|getenvb?|get_exec_path)\b")
    found = {str(path.relative_to(SOURCE)) for path in MODULES if read.search(path.read_text())}
    listed = tuple(READS_THE_ENVIRONMENT)
    assert {name for name in found if not name.startswith(listed)} == set()
    assert {each for each in listed if not any(name.startswith(each) for name in found)} == set()


def test_no_module_takes_from_the_package_itself_what_programs_take() -> None:
    """The package gives them from the upper floors; from below that would be a way around."""
    submodules = {path.stem for path in SOURCE.iterdir()}
    found = [
        f"{_name(path)}:{node.lineno}: {each.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "jettison"
        for each in node.names
        if each.name not in submodules | {"__version__"}
    ]
    assert found == []


def test_the_walks_lead_to_modules_and_names() -> None:
    page = (ROOT / "docs/walks.md").read_text()
    assert len(page.splitlines()) <= 60
    named = set(re.findall(r"`([a-z_/]+/[a-z_]+\.py)`", page))
    assert {name for name in named if not (SOURCE / name).exists()} == set()
    source = "".join((SOURCE / name).read_text() for name in named)
    names = set(re.findall(r"`(?:[a-z_/]+\.)?(?:[A-Z]\w+\.)?([A-Za-z_]+)`", page))
    assert {name for name in names if not re.search(rf"\b{name}\b", source)} <= {
        "py",
        "chown",
        "config",
    }


def test_ruff_finds_nothing() -> None:
    _run("ruff", "check", ".")


def test_the_code_is_formatted() -> None:
    _run("ruff", "format", "--check", ".")


def test_mypy_finds_nothing() -> None:
    _run("mypy")


def test_the_package_imports_without_heavy_modules() -> None:
    """What every command pays for: the command line must not load what only some commands use."""
    heavy = ["asyncio", "jinja2", "obstore", "rich", "urllib3", "ssl", "sqlite3", "subprocess"]
    code = f"import sys, jettison.cli.main; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.xdist_group("alone")
def test_groups_of_tests_reach_the_scheduler(request: pytest.FixtureRequest) -> None:
    """A group prepares once what is dear; a pytest that pytest-xdist does not know lets it be."""
    shares = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@alone") == shares
