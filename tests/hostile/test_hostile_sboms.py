"""Bills of materials of trees that somebody made to hurt who describes them."""

from __future__ import annotations

import json
import os
import random
import re
import time
from pathlib import Path
from typing import Any

from jettison.analysis.files import list_files
from jettison.analysis.rootfs import Rootfs
from jettison.fs.ownership import process_ownership
from jettison.sbom.cyclonedx import cyclonedx_document
from jettison.sbom.describe import described
from jettison.sbom.model import Bom, Subject
from jettison.sbom.spdx import spdx_document
from jettison.sbom.table import sbom_table
from jettison.snapshot.stack import StackTree
from unit.analysis.tree_rig import files_of

JSON = {
    "app/node_modules/a/package.json": (
        "name",
        "version",
        "license",
        "licenses",
        "dependencies",
        "type",
    ),
    "app/node_modules/@s/b/package.json": ("name", "version", "license", "optionalDependencies"),
    "src/package-lock.json": (
        "packages",
        "dependencies",
        "node_modules/a",
        "version",
        "requires",
        "link",
    ),
    "net/app.deps.json": (
        "targets",
        "libraries",
        "net8",
        "A/1",
        "type",
        "package",
        "dependencies",
        "runtime",
    ),
    "c/conda-meta/a-1-0.json": ("build", "channel", "subdir", "license", "depends", "files"),
    "p/vendor/composer/installed.json": ("packages", "name", "version", "license", "require"),
}
LINES = {
    "var/lib/dpkg/status": (
        "Package: a", "Package:", "Status: x installed", "Version: 1", "Source: b (", "Source: b (2)", "",
        "Depends: a | b (>= 1), :any,, c", "Provides: a (= 1", "Maintainer: <>", "Maintainer: a <b", " x",
    ),
    "lib/apk/db/installed": ("P:a", "V:1", "D:!", "D:so:x=1 <", "p:a=", "F:../..", "R:../x", "L:((", ":", ""),
    "y/yarn.lock": ("a@1:", '"@a/b@^1", "c@2":', '  version "1"', "  version:", "  dependencies:", "    a 1", '    "', "@:", '"'),
    "z/pnpm-lock.yaml": ("packages:", "snapshots:", "  /a/1.0:", "  '@a/b@1(c@2)':", "    dependencies:", "      a: 1", "      :", "  :", "\t"),
    "py/a-1.dist-info/METADATA": ("Name: a", "Version: 1", "License: GPL-2+ and (", "License: OR", "Requires-Dist: ;", "Requires-Dist: b[x]>1", "Classifier: License :: "),
    "g/specifications/a-1.gemspec": ('s.licenses = ["', "s.license = 'MIT", "s.add_dependency(%q<", "s.add_dependency('b'", "\0"),
    "usr/share/doc/a/copyright": ("Format: copyright-format/1.0", "Files: *", "License: GPL-2+ or", "License: (", ""),
    "etc/os-release": ("ID=a b", "ID=debian", "ID='", "VERSION_ID=\"12\"", "PRETTY_NAME=\x1b[2J", "=", "ID_LIKE=;"),
}  # fmt: skip
WORDS = (
    "",
    "a",
    "@s/a",
    "1.0",
    "\u202e",
    "\x1b[2J",
    "a\nb",
    "x" * 300,
    "MIT OR",
    "((",
    "../..",
    "a/1",
    "\ud800",
)


def value(chance: random.Random, keys: tuple[str, ...], depth: int = 0) -> Any:
    kind = chance.randrange(9 if depth < 4 else 5)
    if kind < 3:
        return chance.choice(WORDS)
    if kind < 5:
        return chance.choice((None, True, 7, -1.5, [], {}))
    if kind < 6:
        return [value(chance, keys, depth + 1) for _ in range(chance.randrange(4))]
    names = (*keys, *WORDS)
    return {
        chance.choice(names): value(chance, keys, depth + 1) for _ in range(chance.randrange(6))
    }


def document(chance: random.Random, keys: tuple[str, ...]) -> str:
    top = {key: value(chance, keys, 1) for key in keys if chance.random() < 0.8}
    return json.dumps(top if chance.random() < 0.9 else [top, value(chance, keys)])


def subject_of(root: Path) -> Subject:
    files = list_files(StackTree([root], process_ownership()))
    return described(
        Subject("s", "x", "stage", "x"), Rootfs(files), reached=frozenset(files.entries)
    )


def checked(subject: Subject) -> tuple[Any, Any]:
    bom = Bom("x", "", "1", (subject,))
    spdx = json.loads(b"".join(spdx_document(bom)))
    cyclonedx = json.loads(b"".join(cyclonedx_document(bom)))
    ids = [each["SPDXID"] for each in spdx["packages"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in ids)
    for each in spdx["packages"]:
        assert each["name"].isprintable()
        assert (
            all(line.startswith("jettison:") for line in each["comment"].split("\n"))
            if "comment" in each
            else True
        )
        for reference in each.get("externalRefs", []):
            assert re.fullmatch(r"pkg:[!-~]+", reference["referenceLocator"])
    sbom_table(bom)
    return spdx, cyclonedx


def test_whatever_documents_and_lists_hold_there_is_a_document_and_no_error(tmp_path: Path) -> None:
    chance = random.Random(11)
    found = 0
    for turn in range(30):
        root = tmp_path / str(turn)
        contents: dict[str, bytes | str] = {
            path: document(chance, keys) for path, keys in JSON.items()
        }
        for path, words in LINES.items():
            contents[path] = "\n".join(chance.choices(words, k=chance.randrange(30)))
        files_of(root, contents)
        found += len(checked(subject_of(root))[0]["packages"])
    assert found > 100  # much of it is understood


def test_a_path_says_nothing_but_itself(tmp_path: Path) -> None:
    forged = "x\njettison:reached=none\x1b[2J"
    manifest = '{"name": "a", "version": "1"}'
    files_of(tmp_path, {f"{forged}/node_modules/a/package.json": manifest})
    raw = os.fsencode(tmp_path) + b"/\xff\xfe"
    os.makedirs(raw + b"/node_modules/b")
    Path(os.fsdecode(raw + b"/node_modules/b/package.json")).write_text(
        manifest.replace('"a"', '"b"')
    )
    os.makedirs(raw + b"/app")
    with open(raw + b"/app/yarn.lock", "wb") as file:
        file.truncate(20 << 20)
    spdx, cyclonedx = checked(subject_of(tmp_path))
    comments = [each["comment"] for each in spdx["packages"] if each["name"] in {"a", "b"}]
    assert len(comments) == 2
    assert all(each.count("jettison:reached=") == 1 or "\\n" in each for each in comments)
    assert all("\njettison:reached=all" in each for each in comments)
    assert cyclonedx["compositions"][0]["aggregate"] == "incomplete"


def test_everything_that_needs_everything_is_bounded(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(1010)]
    needs = ", ".join(names)
    status = "".join(
        f"Package: {name}\nStatus: x installed\nVersion: 1\nDepends: {needs}\n\n" for name in names
    )
    files_of(tmp_path, {"var/lib/dpkg/status": status})
    before = time.process_time()
    subject = subject_of(tmp_path)
    assert time.process_time() - before < 60
    assert len(subject.components) == len(names)
    assert sum(len(each.needs) for each in subject.components) <= 1_000_000
    assert "dependencies" in subject.notes[0][1]
