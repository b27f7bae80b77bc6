"""Java programs, archives and runtimes, from bytes as compilers write them."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from jettison.analysis.java.archive import open_archive, parse_jar_manifest
from jettison.analysis.java.class_file import ClassFile, parse_class
from jettison.analysis.java.command import JavaStart, java_start
from jettison.analysis.java.modules import module_of
from jettison.analysis.java.program import java_program
from jettison.analysis.java.runtime import JavaRuntime, java_runtime, java_version
from unit.analysis.tree_rig import files_of


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">BH", 1, len(data)) + data


def class_file(java: int, *names: str, minor: int = 0, rest: bytes = b"") -> bytes:
    """Return a class that names others, as far as its constants."""
    pool = b"".join(text(name) + struct.pack(">BH", 7, 1 + 2 * n) for n, name in enumerate(names))
    head = struct.pack(">IHHH", 0xCAFEBABE, minor, 44 + java, 1 + 2 * len(names))
    return head + pool + (rest or bytes(20))


def module_info(*needs: tuple[str, int]) -> bytes:
    """Return a ``module-info`` that needs modules with flags."""
    names = [text("Module"), text("app"), struct.pack(">BH", 19, 2)]
    for number, (name, _) in enumerate(needs):
        names += [text(name), struct.pack(">BH", 19, 4 + 2 * number)]
    pool = struct.pack(">H", len(names) + 1) + b"".join(names)
    rows = b"".join(struct.pack(">HHH", 5 + 2 * n, flags, 0) for n, (_, flags) in enumerate(needs))
    module = struct.pack(">HHHH", 3, 0, 0, len(needs)) + rows
    tail = struct.pack(">HHHH", 0x8000, 0, 0, 0) + struct.pack(">HH", 0, 0)
    tail += struct.pack(">HHI", 1, 1, len(module)) + module
    return struct.pack(">IHH", 0xCAFEBABE, 0, 61) + pool + tail


def jar(**entries: bytes | str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_a_class_says_which_java_it_needs_and_what_it_names() -> None:
    found = parse_class(class_file(17, "java/sql/Driver", "[Ljava/util/logging/Level;", "[I"))
    assert found == ClassFile(17, classes=frozenset({"java/sql/Driver", "java/util/logging/Level"}))
    assert parse_class(class_file(21, minor=0xFFFF)[:8], whole=False) == ClassFile(21, preview=True)
    assert parse_class(b"\xca\xfe\xba\xbe") is None
    assert parse_class(b"MZ" + bytes(30)) is None


def test_a_module_says_what_it_needs_when_it_runs() -> None:
    data = module_info(("java.base", 0x8000), ("java.sql", 0), ("java.desktop", 0x40))
    found = parse_class(data)
    assert found is not None
    assert found.requires == ("java.base", "java.sql")


def test_truncated_and_damaged_classes_say_less() -> None:
    for data in (class_file(17, "java/sql/Driver", "a/B"), module_info(("java.sql", 0))):
        for end in range(len(data)):
            parse_class(data[:end])
        for at in range(8, len(data)):
            found = parse_class(data[:at] + b"\xff" + data[at + 1 :])
            assert found is not None
            assert found.java == 17


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["-Xmx1g", "-jar", "a.jar", "-x"], JavaStart(jar="a.jar", module_path=("",))),
        (
            ["--class-path=a.jar:lib/*", "x.Main"],
            JavaStart(main="x.Main", class_path=("a.jar", "lib/*"), module_path=("",)),
        ),
        (
            ["-p", "mods", "--add-modules", "x", "-m", "app/x.Main"],
            JavaStart(main="app/x.Main", module_path=("mods",), is_module=True),
        ),
        (
            ["--enable-preview", "x/Main"],
            JavaStart(main="x.Main", module_path=("",), previews=True),
        ),
        (["@args"], JavaStart(jar="b.jar", module_path=("",))),
        (["Main.java"], None),
        (["-version"], None),
        (["$JAVA_OPTS", "Main"], None),
        ([], None),
    ],
)
def test_what_java_starts(arguments: list[str], start: JavaStart | None) -> None:
    assert (
        java_start(arguments, "", lambda path: "-jar\nb.jar # it" if path == "args" else "")
        == start
    )


def test_the_runtime_says_its_version_and_modules(tmp_path: Path) -> None:
    release = 'JAVA_VERSION="17.0.9"\nMODULES="java.base java.logging"\nSOURCE=".:git"\n'
    contents = {
        "/opt/jre/release": release,
        "/opt/jre/bin/java": "",
        "/usr/lib/jvm/java-11-openjdk-amd64/bin/java": "",
        "/usr/lib/jvm/java-8-openjdk/jre/bin/java": "",
        "/usr/lib/jvm/java-8-openjdk/release": 'JAVA_VERSION="1.8.0_392"\n',
        "/bin/java": "",
    }
    files = files_of(tmp_path, contents)
    modules = frozenset({"java.base", "java.logging"})
    assert java_runtime(files, "/opt/jre/bin/java") == JavaRuntime(
        "/opt/jre", "17.0.9", 17, modules
    )
    by_name = java_runtime(files, "/usr/lib/jvm/java-11-openjdk-amd64/bin/java")
    assert by_name is not None
    assert by_name.java == 11
    old = java_runtime(files, "/usr/lib/jvm/java-8-openjdk/jre/bin/java")
    assert old is not None
    assert old.java == java_version(old.version) == 8
    assert java_runtime(files, "/java") is None


def test_programs_in_archives_directories_and_modules(tmp_path: Path) -> None:
    manifest = (
        "Manifest-Version: 1.0\r\nMain-Class: boot.Laun\r\n cher\r\nStart-Class: app.Main\r\n"
    )
    boot = {
        "META-INF/MANIFEST.MF": manifest,
        "boot/Launcher.class": class_file(8),
        "BOOT-INF/classes/app/Main.class": class_file(21, "java/sql/Driver", "java/util/List"),
    }
    contents = {
        "/app/boot.jar": jar(**boot),
        "/app/lib/a.jar": jar(**{"x/Other.class": class_file(8)}),
        "/app/lib/b.jar": jar(**{"x/Main.class": class_file(11)}),
        "/app/classes/y/Main.class": class_file(17),
        "/app/mods/app.jar": jar(
            **{"module-info.class": module_info(("java.sql", 0)), "m/Main.class": class_file(17)}
        ),
        "/app/no.jar": b"PK\x05\x06",
    }
    files = files_of(tmp_path, contents)

    def classes(start: JavaStart) -> list[tuple[str, str, int]]:
        program = java_program(files, start, "/app")
        return [(each.name, each.place, each.file.java) for each in program.classes]

    assert classes(JavaStart(jar="boot.jar")) == [
        ("boot.Launcher", "/app/boot.jar", 8),
        ("app.Main", "/app/boot.jar", 21),
    ]
    assert java_program(files, JavaStart(jar="boot.jar"), "/app").uses == {
        "java.sql": "/app/boot.jar"
    }
    start = JavaStart(main="x.Main", class_path=("lib/*",))
    assert classes(start) == [("x.Main", "/app/lib/b.jar", 11)]
    start = JavaStart(main="y.Main", class_path=("none", "classes"))
    assert classes(start) == [("y.Main", "/app/classes/y/Main.class", 17)]
    start = JavaStart(main="app/m.Main", module_path=("mods",), is_module=True)
    assert classes(start) == [("m.Main", "/app/mods/app.jar", 17)]
    assert java_program(files, start, "/app").requires == {"java.sql": "/app/mods/app.jar"}
    assert classes(JavaStart(jar="no.jar")) == classes(JavaStart(jar="gone.jar")) == []


def test_entries_are_read_up_to_a_limit(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"/bomb.jar": jar(**{"a.class": bytes(50 << 20)})})
    with open_archive(files, "/bomb.jar") as archive:
        assert archive is not None
        assert archive.read("a.class", 100) == bytes(100)
        assert archive.read("none", 100) is None
        assert archive.names == {"a.class"}


def test_damaged_archives_are_none_or_give_nothing(tmp_path: Path) -> None:
    whole = jar(**{"META-INF/MANIFEST.MF": "Main-Class: a.B\n", "a/B.class": class_file(17) * 9})
    for number in range(0, len(whole), 5):
        place = tmp_path / str(number)
        cut = whole[:number]
        torn = whole[:number] + b"\xff\xff\xff\xff" + whole[number + 4 :]
        files = files_of(place, {"/cut.jar": cut, "/torn.jar": torn})
        for name in ("cut.jar", "torn.jar"):
            java_program(files, JavaStart(jar=name), "/")


def test_modules_are_known_by_packages() -> None:
    assert module_of("java/util/logging/Logger") == "java.logging"
    assert module_of("java/awt/datatransfer/Clipboard") == "java.datatransfer"
    assert module_of("org/example/Main") == module_of("Main") == ""
    assert parse_jar_manifest(" broken\nA: b\n\nC: d") == {"A": "b"}
