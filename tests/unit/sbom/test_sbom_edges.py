"""Which packages depend on which, by the rules of their package managers."""

from __future__ import annotations

from jettison.analysis.packages.base import PackageRecord
from jettison.sbom.edges import edges


def test_alternatives_provided_names_and_what_is_not_there() -> None:
    found = edges([
        PackageRecord("deb", "a", "1", needs=("x|mawk", "awk", "gone", "a")),
        PackageRecord("deb", "mawk", "1", gives=("awk",)),
        PackageRecord("apk", "awk", "1"),
    ])  # fmt: skip
    assert found == [(1,), (), ()]


def test_node_looks_upwards_from_each_place() -> None:
    def npm(directory: str, *needs: str) -> PackageRecord:
        name = directory.rpartition("node_modules/")[2]
        return PackageRecord("npm", name, "1", needs=needs, scope=directory)

    found = edges([
        npm("/app/node_modules/a", "b", "@s/c"),
        npm("/app/node_modules/b"),
        npm("/app/node_modules/a/node_modules/b", "b", "d"),
        npm("/app/node_modules/@s/c", "b"),
        npm("/node_modules/d"),
        npm("/other/node_modules/a", "b"),
    ])  # fmt: skip
    assert found == [(2, 3), (), (4,), (1,), (), ()]


def test_packages_of_two_programs_are_not_mixed() -> None:
    found = edges([
        PackageRecord("go", "app", "1", needs=("x",), scope="/one"),
        PackageRecord("go", "x", "1", scope="/two"),
        PackageRecord("go", "x", "2", scope="/one"),
        PackageRecord("python", "a", "1", needs=("b",), scope="/usr/lib/python3"),
        PackageRecord("python", "B", "1", gives=("b",), scope="/usr/local/lib/python3"),
    ])  # fmt: skip
    assert found == [(2,), (), (), (4,), ()]
