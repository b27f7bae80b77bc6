"""What databases say of packages beside names and versions; databases that few images have."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from jettison.analysis.packages.base import PackageRecord, Reading
from jettison.analysis.packages.catalog import find_packages, package_records
from jettison.analysis.rootfs import Rootfs
from jettison.fs.zstd import ZstdCompressor
from unit.analysis.test_packages import elf_with, go_info
from unit.analysis.tree_rig import files_of

RPM = Path(__file__).parent / "rpm"
"""Databases that RPM 4.16 made of two packages; of Berkeley DB, Berkeley DB's own ``db_load``."""


def records(
    root: Path, contents: dict[str, bytes | str], reached: frozenset[str] = frozenset()
) -> dict[str, PackageRecord]:
    """Return the packages of a tree by name."""
    reading = Reading(
        files_of(root, contents, {p: 0o755 for p in contents if "/bin/" in p}), reached
    )
    found = list(package_records(reading, Rootfs(reading.files).programs))
    assert reading.unread == {}
    return {each.name: each for each in found}


def test_debian_packages_have_source_architecture_maintainer_and_dependencies(tmp_path) -> None:
    status = (
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n"
        "Source: glibc (2.36-8)\nMaintainer: GNU <glibc@example.org>\nProvides: libc6-abi (= 2)\n"
        "Depends: libgcc-s1, awk | mawk:any (>= 1)\nPre-Depends: dpkg (>= 1.15)\n"
    )
    found = records(tmp_path, {
        "var/lib/dpkg/status": status,
        "var/lib/dpkg/info/libc6:amd64.list": "/.\n/lib/libc.so.6\n/lib/ld.so\n",
        "lib": "->usr/lib",
        "usr/lib/libc.so.6": "12",
        "usr/lib/ld.so": "345",
    }, frozenset({"/usr/lib/ld.so"}))["libc6"]  # fmt: skip
    assert (found.source, found.source_version) == ("glibc", "2.36-8")
    assert (found.architecture, found.supplier) == ("amd64", "GNU <glibc@example.org>")
    assert found.needs == ("dpkg", "libgcc-s1", "awk|mawk")
    assert found.gives == ("libc6-abi",)
    assert found.owned == (5, 2, 1, "/usr/lib/libc.so.6")
    assert found.path == "/var/lib/dpkg/status"


def test_alpine_packages_have_licence_origin_and_what_they_provide(tmp_path) -> None:
    found = records(tmp_path, {
        "lib/apk/db/installed": (
            "P:musl-utils\nV:1.2.5-r0\nA:x86_64\nL:MIT AND BSD-2-Clause\no:musl\nm:Me <m@example.org>\n"
            "D:scanelf so:libc.musl-x86_64.so.1 busybox>=1.3 !uclibc\np:cmd:ldd=1.2.5-r0 libc-utils~1\n\n"
        ),
    })["musl-utils"]  # fmt: skip
    assert (found.licence, found.source, found.architecture) == (
        "MIT AND BSD-2-Clause",
        "musl",
        "x86_64",
    )
    assert found.needs == ("scanelf", "so:libc.musl-x86_64.so.1", "busybox")
    assert found.gives == ("cmd:ldd", "libc-utils")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("Packages", "var/lib/rpm"),
        ("Packages.db", "usr/lib/sysimage/rpm"),
        ("rpmdb.sqlite", "usr/lib/sysimage/rpm"),
    ],
)
def test_every_form_of_rpms_database_says_what_rpm_itself_says(tmp_path, name, place) -> None:
    # rpm -qa --qf '%{NAME} %{EPOCHNUM} %{VERSION}-%{RELEASE} %{ARCH} %{LICENSE} %{SOURCERPM}\n'
    said = (
        "alpha 2 1.2-3.el9 noarch GPLv2+ and MIT alpha-1.2-3.el9.src.rpm",
        "beta 2 1.2-3.el9 noarch Apache-2.0 alpha-1.2-3.el9.src.rpm",
    )
    contents: dict[str, bytes | str] = {
        f"{place}/{name}": gzip.decompress((RPM / f"{name}.gz").read_bytes()),
        "usr/bin/alpha": "one\n",
        "usr/share/alpha/a-file-with-a-long-name-400": "400\n",
    }
    found = records(tmp_path, contents)
    lines = [
        f"{each.name} {dict(each.qualifiers)['epoch']} {each.version} {each.architecture}"
        f" {each.licence} {each.source}"
        for each in sorted(found.values(), key=lambda each: each.name)
    ]
    assert tuple(lines) == said
    alpha = found["alpha"]
    assert alpha.owned == (8, 2, 0, "/usr/bin/alpha")
    assert alpha.needs == ("/bin/sh", "beta")
    assert alpha.gives == ("alpha", "alpha-tools")
    assert alpha.supplier == "Example Project"


def test_the_list_of_an_image_without_rpms_database_is_read(tmp_path) -> None:
    line = "zlib\t1.3-1.azl3\t1\t1\tMicrosoft\t(none)\t9\tx86_64\t0\tzlib-1.src.rpm"
    found = records(tmp_path, {
        "var/lib/rpmmanifest/container-manifest-2": f"{line}\nshort\tline\n",
    })  # fmt: skip
    assert [(each.name, each.version, each.source) for each in found.values()] == [
        ("zlib", "1.3-1.azl3", "zlib-1.src.rpm")
    ]


def test_packages_of_chisel_own_the_paths_of_their_slices(tmp_path) -> None:
    lines = [
        '{"jsonwall":"1.0","schema":"1.0","count":4}',
        '{"kind":"package","name":"base-files","version":"13ubuntu10","sha256":"x","arch":"amd64"}',
        '{"kind":"slice","name":"base-files_base"}',
        '{"kind":"path","path":"/etc/issue","mode":"0644","slices":["base-files_base"],"size":2}',
    ]
    compressor = ZstdCompressor()
    wall = compressor.compress("\n".join(lines).encode()) + compressor.flush()
    found = records(tmp_path, {"var/lib/chisel/manifest.wall": wall, "etc/issue": "ab"})
    one = found["base-files"]
    assert (one.kind, one.version, one.architecture) == ("deb", "13ubuntu10", "amd64")
    assert one.owned[:2] == (2, 1)


def test_python_distributions_have_licences_and_needs_without_extras(tmp_path) -> None:
    metadata = (
        "Metadata-Version: 2.1\nName: Flask_Thing\nVersion: 1\n"
        "Classifier: License :: OSI Approved :: BSD License\nRequires-Dist: Werkzeug>=3\n"
        'Requires-Dist: zope.interface; python_version < "4"\nRequires-Dist: x; extra == "dev"\n'
    )
    site = "usr/lib/python3/site-packages"
    found = records(tmp_path, {f"{site}/Flask_Thing-1.dist-info/METADATA": metadata})
    one = found["Flask_Thing"]
    assert one.licence == "BSD License"
    assert one.needs == ("werkzeug", "zope-interface")
    assert one.gives == ("flask-thing",)


def test_packages_of_dotnet_come_from_the_list_beside_the_program(tmp_path) -> None:
    listed = """{"runtimeTarget": {"name": "net8"}, "targets": {"net8": {
      "app/1.0.0": {"dependencies": {"Newtonsoft.Json": "13.0.3"}},
      "Newtonsoft.Json/13.0.3": {"runtime": {"lib/net6.0/Newtonsoft.Json.dll": {}},
        "dependencies": {"System.Memory": "4.5.5"}}}},
      "libraries": {"app/1.0.0": {"type": "project"}, "Newtonsoft.Json/13.0.3": {"type": "package"},
        "System.Memory/4.5.5": {"type": "package"}, "odd": 7}}"""
    found = records(tmp_path, {"app/app.deps.json": listed, "app/Newtonsoft.Json.dll": "1234"})
    assert sorted(found) == ["Newtonsoft.Json", "System.Memory"]
    assert found["Newtonsoft.Json"].owned[:2] == (4, 1)
    assert found["Newtonsoft.Json"].needs == ("System.Memory",)


def jar(entries: dict[str, bytes | str], method: int = zipfile.ZIP_STORED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def pom(group: str, artifact: str, version: str) -> dict[str, bytes | str]:
    text = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def test_archives_in_archives_are_opened(tmp_path) -> None:
    inner = jar(pom("org.x", "lib", "2"), zipfile.ZIP_DEFLATED)
    deepest = jar(pom("org.x", "deep", "3"))
    middle = jar({**pom("org.x", "middle", "1"), "lib/deep.jar": deepest})
    fat = jar(
        {
            **pom("com.app", "app", "1.0"),
            "BOOT-INF/lib/lib-2.jar": inner,
            "BOOT-INF/lib/middle.jar": middle,
            "BOOT-INF/lib/broken.jar": b"PK",
        }
    )
    found = records(tmp_path, {"app.jar": fat}, frozenset({"/app.jar"}))
    assert {(each.name, each.path) for each in found.values()} == {
        ("com.app:app", "/app.jar"),
        ("org.x:lib", "/app.jar:BOOT-INF/lib/lib-2.jar"),
        ("org.x:middle", "/app.jar:BOOT-INF/lib/middle.jar"),
        ("org.x:deep", "/app.jar:BOOT-INF/lib/middle.jar:lib/deep.jar"),
    }
    assert found["com.app:app"].owned == (len(fat), 1, 1, "/app.jar")
    assert found["org.x:lib"].owned == (0, 0, 0, "/app.jar")


YARN = """# yarn lockfile v1


"@babel/code-frame@^7.0.0", "@babel/code-frame@^7.8":
  version "7.8.3"
  resolved "somewhere"
  dependencies:
    js-tokens "^4.0.0"

js-tokens@^4.0.0:
  version "4.0.0"
"""
BERRY = """__metadata:
  version: 6

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  dependencies:
    js-tokens: ^4.0.0

"@babel/code-frame@npm:^7.0.0, @babel/code-frame@npm:^7.8":
  version: 7.8.3
  resolution: "@babel/code-frame@npm:7.8.3"
  dependencies:
    js-tokens: "npm:^4.0.0"
  languageName: node

"js-tokens@npm:^4.0.0":
  version: 4.0.0
  resolution: "js-tokens@npm:4.0.0"
"""
PNPM_9 = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      '@babel/code-frame':
        specifier: ^7.8.3
        version: 7.8.3

packages:

  '@babel/code-frame@7.8.3':
    resolution: {integrity: x}
    engines: {node: '>=6'}

  js-tokens@4.0.0:
    resolution: {integrity: x}

snapshots:

  '@babel/code-frame@7.8.3(peer@1.0.0)':
    dependencies:
      js-tokens: 4.0.0

  js-tokens@4.0.0: {}
"""
PNPM_5 = """lockfileVersion: 5.4

dependencies:
  '@babel/code-frame': 7.8.3

packages:

  /@babel/code-frame/7.8.3_peer@1.0.0:
    resolution: {integrity: x}
    dependencies:
      js-tokens: 4.0.0
    dev: false

  /js-tokens/4.0.0:
    resolution: {integrity: x}
"""
PNPM_6 = PNPM_5.replace("frame/7.8.3_peer@1.0.0", "frame@7.8.3(peer@1.0.0)").replace(
    "tokens/4.0.0:", "tokens@4.0.0:"
)
NPM_3 = """{"lockfileVersion": 3, "packages": {"": {"name": "app"},
 "node_modules/@babel/code-frame": {"version": "7.8.3", "license": "MIT",
   "dependencies": {"js-tokens": "^4.0.0"}},
 "node_modules/js-tokens": {"version": "4.0.0"}, "node_modules/mine": {"link": true}}}"""
NPM_1 = """{"lockfileVersion": 1, "dependencies": {"@babel/code-frame": {"version": "7.8.3",
 "requires": {"js-tokens": "^4.0.0"}, "dependencies": {"js-tokens": {"version": "4.0.0"}}}}}"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("yarn.lock", YARN),
        ("yarn.lock", BERRY),
        ("pnpm-lock.yaml", PNPM_9),
        ("pnpm-lock.yaml", PNPM_6),
        ("pnpm-lock.yaml", PNPM_5),
        ("package-lock.json", NPM_3),
        ("npm-shrinkwrap.json", NPM_1),
    ],
)
def test_lock_files_declare_what_is_not_installed(tmp_path, name: str, text: str) -> None:
    found = records(tmp_path / "a", {f"app/{name}": text})
    assert {(each.name, each.version, each.is_declared) for each in found.values()} == {
        ("@babel/code-frame", "7.8.3", True),
        ("js-tokens", "4.0.0", True),
    }
    needed = found["@babel/code-frame"].needs
    assert len(needed) == 1
    token = found["js-tokens"]
    assert needed[0] in (token.name, *token.gives)
    files = files_of(tmp_path / "b", {f"app/{name}": text})
    assert find_packages(Rootfs(files)).packages == ()
    installed = records(tmp_path / "c", {f"app/{name}": text, "app/node_modules/x/y": ""})
    assert installed == {}


def note_file(payload: bytes) -> bytes:
    """Return an ELF-64 file with a note segment about its package."""
    body = struct.pack("<III", 4, len(payload), 0xCAFE1A7E) + b"FDO\0" + payload
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 4, 4, 120, 120, 120, len(body), len(body), 4)
    return head + segment + body


def test_a_note_names_the_package_that_no_database_has(tmp_path) -> None:
    payload = (
        b'{"type":"rpm","os":"fedora","osVersion":"40","name":"curl","version":"8.6-7.fc40",'
        b'"architecture":"x86_64"}\0'
    )
    file = note_file(payload + bytes(-len(payload) % 4))
    found = records(tmp_path, {"usr/bin/curl": file})["curl"]
    assert (found.kind, found.version, found.architecture) == ("rpm", "8.6-7.fc40", "x86_64")
    assert found.qualifiers == (("distro", "fedora-40"),)
    assert found.owned[:2] == (len(file), 1)


def test_a_note_of_a_file_that_a_database_knows_is_no_package(tmp_path) -> None:
    rpm = gzip.decompress((RPM / "rpmdb.sqlite.gz").read_bytes())
    # Of Debian and Fedora it names the source package, which need not be installed.
    alpha = note_file(b'{"type":"rpm","name":"alpha-source","version":"1.2-3.el9"}\0\0\0')
    found = records(tmp_path, {"usr/bin/alpha": alpha, "var/lib/rpm/rpmdb.sqlite": rpm})
    assert sorted(found) == ["alpha", "beta"]


def test_modules_of_programs_depend_as_their_program_says(tmp_path) -> None:
    modules = b"path\tx\nmod\tx.org/app\t(devel)\t\ndep\ta.org/b\tv1.0.0\th1:x=\n=>\tc.org/b\tv1.0.1\th1:y=\n"
    audit = (
        b'{"packages":[{"name":"libc","version":"0.2.1"},'
        b'{"name":"app","version":"1.0.0","root":true,"dependencies":[0,2]},'
        b'{"name":"macros","version":"2.0.0","kind":"build"}]}'
    )
    found = records(
        tmp_path,
        {
            "usr/bin/go": elf_with(b".go.buildinfo", go_info(b"go1.23.5", modules)),
            "usr/bin/rust": elf_with(b".dep-v0", zlib.compress(audit)),
        },
    )
    assert found["x.org/app"].needs == ("std", "c.org/b")
    assert found["c.org/b"].version == "v1.0.1"
    assert "a.org/b" not in found
    assert found["app"].needs == ("libc 0.2.1", "macros 2.0.0")
    assert "macros" not in found
    assert found["libc"].owned.sample == "/usr/bin/rust"


def test_gems_conda_and_composer_have_licences_and_needs(tmp_path) -> None:
    gem = (
        's.licenses = ["MIT".freeze, "Ruby"]\ns.add_runtime_dependency(%q<rack>.freeze, [">= 2"])\n'
    )
    conda = (
        '{"build": "py311_0", "channel": "https://conda.example.org/main/linux-64", "subdir": "linux-64",'
        ' "license": "BSD-3-Clause", "depends": ["python >=3.11"], "files": ["lib/n.py"]}'
    )
    composer = (
        '[{"name": "psr/log", "version": "3.0", "license": ["MIT"], "require": {"php": ">=8"}}]'
    )
    found = records(
        tmp_path,
        {
            "g/specifications/sinatra-4.0.0.gemspec": gem,
            "c/conda-meta/numpy-1.26.4-py311_0.json": conda,
            "c/lib/n.py": "123",
            "app/vendor/composer/installed.json": composer,
        },
    )
    assert (found["sinatra"].licence, found["sinatra"].needs) == ("MIT OR Ruby", ("rack",))
    numpy = found["numpy"]
    assert numpy.qualifiers == (("build", "py311_0"), ("channel", "main"), ("subdir", "linux-64"))
    assert (numpy.licence, numpy.needs, numpy.owned[:2]) == ("BSD-3-Clause", ("python",), (3, 1))
    assert (found["psr/log"].licence, found["psr/log"].needs) == ("MIT", ("php",))
