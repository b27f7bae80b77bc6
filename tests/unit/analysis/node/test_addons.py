"""Add-ons: which of them the Node of an image can load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.analysis.elf.model import Elf
from jettison.analysis.node.addons import AddonJudge, Node, addons_by_package, find_node, libc_of
from jettison.analysis.node.modules import Modules
from jettison.analysis.node.packages import package_graph
from jettison.analysis.node.symbols import defined_symbols, glibc_symbols
from unit.analysis.tree_rig import files_of

FIXTURE = Path(__file__).parents[3] / "checks/defects/ms406-addon-of-another-libc"
GLIBC = Elf(64, machine=62, needed=("libc.so.6", "ld-linux-x86-64.so.2"))
MUSL = Elf(64, machine=62, needed=("libc.musl-x86_64.so.1",))
ARM = Elf(64, machine=183, needed=("libc.so.6",))
KINDS = {"glibc": GLIBC, "musl": MUSL, "arm": ARM}
ON_GLIBC, ON_MUSL = Node("/bin/node", "glibc", "amd64", 115), Node("/bin/node", "musl", "amd64")


def judge(root: Path, contents: dict[str, str], node: Node) -> dict[str, str]:
    """Return names of packages that cannot load their add-on to the reason."""
    packages = {f"/app/node_modules/{path}": text for path, text in contents.items()}
    files = files_of(root, packages)

    def find_elf(path: str) -> Elf | None:
        text = (files.read(path, 99, whole=False) or b"").decode()
        return next((elf for name, elf in KINDS.items() if text.startswith(name)), None)

    modules = Modules(files)
    names = {path.rpartition("/node_modules/")[2].split("/")[0] for path in packages}
    graph = package_graph(modules, [f"/app/node_modules/{each}" for each in sorted(names)])
    found = AddonJudge(files, node, find_elf).unfit(graph)
    return {path.rpartition("/")[2]: addon.reason for path, addon in found.items()}


@pytest.mark.parametrize(
    ("kind", "node", "reason"),
    [
        ("glibc", ON_MUSL, "libc"),
        ("musl", ON_GLIBC, "libc"),
        ("arm", ON_GLIBC, "architecture"),
        ("mach-o", ON_GLIBC, "architecture"),
        ("glibc", ON_GLIBC, ""),
        ("musl", ON_MUSL, ""),
        ("glibc node_register_module_v93", ON_GLIBC, "abi"),
        ("glibc node_register_module_v115", ON_GLIBC, ""),
        ("glibc node_register_module_v93 napi_register_module_v1", ON_GLIBC, ""),
    ],
)
def test_an_add_on_fits_or_does_not(tmp_path: Path, kind: str, node: Node, reason: str) -> None:
    contents = {"p/package.json": "{}", "p/build/Release/p.node": kind}
    assert judge(tmp_path, contents, node) == ({"p": reason} if reason else {})


def test_one_of_several_will_do(tmp_path: Path) -> None:
    contents = {
        "p/package.json": "{}",
        "p/prebuilds/linux-x64/p.glibc.node": "glibc",
        "p/prebuilds/linux-x64/p.musl.node": "musl",
        "p/prebuilds/darwin-arm64/p.node": "mach-o",
        "q/package.json": json.dumps({"optionalDependencies": {"q-gnu": "1", "q-musl": "1"}}),
        "q-gnu/package.json": "{}",
        "q-gnu/q.node": "glibc",
    }
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert judge(tmp_path / "one", contents, ON_MUSL) == {"q": "libc", "q-gnu": "libc"}
    more = contents | {"q-musl/package.json": "{}", "q-musl/q.node": "musl"}
    assert "q" not in judge(tmp_path / "two", more, ON_MUSL)


def test_the_version_of_an_add_on_is_in_its_path_or_beside_it(tmp_path: Path) -> None:
    contents = {
        "p/package.json": "{}",
        "p/lib/binding/node-v93-linux-x64/p.node": "glibc",
        "q/package.json": "{}",
        "q/build/config.gypi": "{'variables': {'node_module_version': 93}}",
        "q/build/Release/q.node": "glibc",
    }
    assert judge(tmp_path, contents, ON_GLIBC) == {"p": "abi", "q": "abi"}


def test_add_ons_belong_to_the_nearest_package(tmp_path: Path) -> None:
    paths = ("/a/node_modules/@s/p/x.node", "/a/node_modules/q/build/obj.target/y.node", "/z.node")
    found = addons_by_package(files_of(tmp_path, dict.fromkeys(paths, "")))
    assert found == {"/a/node_modules/@s/p": ["/a/node_modules/@s/p/x.node"]}


def test_the_node_of_an_image_is_known_by_its_headers(tmp_path: Path) -> None:
    header = "#define NODE_MODULE_VERSION 108\n"
    files = files_of(tmp_path / "a", {"/usr/include/node/node_version.h": header})
    elf = Elf(64, machine=62, interp="/lib/ld-musl-x86_64.so.1")
    assert find_node(files, "/usr/bin/node", elf, {}) == Node("/usr/bin/node", "musl", "amd64", 108)
    files = files_of(tmp_path / "b", {"/lib/libgcompat.so.0": ""})
    found = find_node(files, "/usr/bin/node", elf, {"NODE_VERSION": "22.1.0"})
    assert found == Node("/usr/bin/node", "", "amd64", 127)
    assert find_node(files, "/usr/bin/node", None, {}) is None
    assert libc_of(Elf(64, interp="/lib64/ld-linux-x86-64.so.2")) == "glibc"
    assert libc_of(Elf(64)) == ""


def test_what_a_library_needs_of_glibc_is_in_its_symbols() -> None:
    data = (FIXTURE / "glibc.node").read_bytes()
    assert glibc_symbols(data) == {"__printf_chk"}
    assert defined_symbols(data) == {"napi_register_module_v1"}
    assert glibc_symbols((FIXTURE / "musl.node").read_bytes()) is None


def test_damaged_libraries_say_nothing() -> None:
    data = (FIXTURE / "glibc.node").read_bytes()
    for end in range(0, len(data), 7):
        glibc_symbols(data[:end])
        defined_symbols(data[:end])
    for at in range(0, len(data), 11):
        broken = data[:at] + b"\xff\xff\xff" + data[at + 3 :]
        glibc_symbols(broken)
        defined_symbols(broken)
