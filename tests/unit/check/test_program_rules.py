"""Rules about loading programs, on images of two stages: how bad it is, what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elf_rig import elf
from jettison.check.rule import Rule
from jettison.check.rules.ms302 import MS302
from jettison.check.rules.ms303 import MS303
from jettison.check.rules.ms304 import MS304
from jettison.check.rules.ms305 import MS305
from jettison.check.rules.ms306 import MS306
from jettison.check.rules.ms307 import MS307
from jettison.check.rules.ms313 import MS313
from jettison.check.rules.ms409 import MS409
from jettison.findings.finding import Finding, FixKind
from jettison.oci.config import ContainerConfig
from unit.analysis.test_loader import ALPINE, LD, MUSL
from unit.analysis.test_loader import DEBIAN as GLIBC
from unit.check.stages_rig import two_stages

RULES: tuple[Rule, ...] = (
    *(MS302(), MS303(), MS304(), MS305(), MS306(), MS307(), MS313(), MS409()),
)
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
BOOKWORM = {
    **GLIBC,
    "/etc/os-release": 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n',
}
TRIXIE = {
    **BOOKWORM,
    "/lib/x86_64-linux-gnu/libc.so.6": elf(
        soname="libc.so.6", defines=("GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_2.41")
    ),
    "/etc/os-release": 'ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian 13"\n',
}
PQ = {f"{LIBRARIES}/libpq.so.5": elf(soname="libpq.so.5", needed=("libc.so.6",))}
OWNED = {"/var/lib/dpkg/info/libpq5:amd64.list": f"/.\n{LIBRARIES}/libpq.so.5\n"}


def program(*needed: str, **more: Any) -> bytes:
    return elf(interp=more.pop("interp", LD), needed=needed, **more)


def found(
    root: Path, *copies: tuple[str, str], start: str = "/bin/none", **more: Any
) -> list[Finding]:
    config = ContainerConfig(cmd=(start,), env=("PATH=/usr/local/bin:/usr/bin:/bin",))
    subject = two_stages(root, copies=copies, config=config, **more)
    return [each for rule in RULES for each in rule.check(subject)]


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.rule, each.severity.value, each.path) for each in findings]


OUT = ("/out", "/opt/app")


def test_what_works_where_it_came_from_and_not_here_is_an_error(tmp_path: Path) -> None:
    builder = {**BOOKWORM, **PQ, "/out/tool": program("libpq.so.5")}
    findings = found(tmp_path, OUT, builder=builder, base=BOOKWORM)
    assert told(findings) == [("MS303", "error", "/opt/app/tool")]
    assert findings[0].line == 4


def test_what_works_nowhere_is_nothing_unless_the_image_starts_it(tmp_path: Path) -> None:
    builder = {
        **BOOKWORM,
        "/out/tool": program("libpq.so.5"),
        "/out/x.so": elf(needed=("liby.so",)),
    }
    assert not found(tmp_path / "a", OUT, builder=builder, base=BOOKWORM)
    findings = found(tmp_path / "b", OUT, start="/opt/app/tool", builder=builder, base=BOOKWORM)
    assert told(findings) == [("MS303", "error", "/opt/app/tool")]


def test_a_plug_in_without_its_library_is_a_warning(tmp_path: Path) -> None:
    builder = {**BOOKWORM, **PQ, "/out/plugin.so": elf(needed=("libpq.so.5",))}
    findings = found(tmp_path, OUT, builder=builder, base=BOOKWORM)
    assert told(findings) == [("MS303", "warning", "/opt/app/plugin.so")]


def test_libraries_of_drivers_are_none_of_the_image_s(tmp_path: Path) -> None:
    contents = {**BOOKWORM, "/out/tool": program("libcuda.so.1", "libnvidia-ml.so.1")}
    assert not found(tmp_path, OUT, start="/opt/app/tool", builder=contents, base=BOOKWORM)


def test_a_missing_library_is_copied_or_installed(tmp_path: Path) -> None:
    builder = {**BOOKWORM, **PQ, **OWNED, "/out/tool": program("libpq.so.5")}
    (finding,) = found(tmp_path, OUT, builder=builder, base=BOOKWORM)
    copy, install = finding.fixes
    assert (copy.kind, copy.line) == (FixKind.INSERT, 4)
    assert copy.text == f"COPY --from=builder {LIBRARIES}/libpq.so.5 {LIBRARIES}/libpq.so.5"
    assert (install.kind, install.line) == (FixKind.INSERT, 3)
    assert "--no-install-recommends libpq5 " in install.text
    assert finding.cause == (
        f"stage `builder` has it: `{LIBRARIES}/libpq.so.5`, of package libpq5",
        "the image: Debian 12, glibc 2.36",
        "stage `builder`, from python:3.12-slim: Debian 12, glibc 2.36",
    )


def test_a_library_that_needs_more_than_the_image_has_is_not_copied(tmp_path: Path) -> None:
    newer = elf(soname="libpq.so.5", needed=("libc.so.6",), needs={"libc.so.6": ("GLIBC_2.41",)})
    builder = {
        **TRIXIE, f"{LIBRARIES}/libpq.so.5": newer, "/out/tool": program("libpq.so.5", "libc.so.6")
    }  # fmt: skip
    (finding,) = found(tmp_path, OUT, builder=builder, base=BOOKWORM)
    assert [each.kind for each in finding.fixes] == [FixKind.ADVICE]


def test_one_copy_of_many_programs_is_one_finding(tmp_path: Path) -> None:
    tools = {f"/out/{name}": program("libpq.so.5") for name in "abc"}
    (finding,) = found(tmp_path, OUT, builder={**BOOKWORM, **PQ, **tools}, base=BOOKWORM)
    assert "`/opt/app/a` (and 2 more files of this COPY) needs `libpq.so.5`" in finding.detail


@pytest.mark.parametrize(
    ("froms", "texts"),
    [
        (
            ("rust:1.95-slim", "debian:bookworm-slim"),
            [
                "FROM rust:1.95-slim-bookworm AS builder",
                "FROM debian:trixie-slim",
                "FROM rust:1.95-slim",
            ],
        ),
        (
            ("golang:1.25-trixie", "example.com/base:1"),
            ["FROM golang:1.25-bookworm AS builder", "FROM golang:1.25-trixie"],
        ),
        (("own/builder", "own/base"), ["FROM own/builder"]),
    ],
)
def test_a_newer_builder_is_aligned(
    tmp_path: Path, froms: tuple[str, str], texts: list[str]
) -> None:
    app = program("libc.so.6", needs={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.41")})
    builder = {**TRIXIE, "/out/tool": app}
    (finding,) = found(tmp_path, OUT, builder=builder, base=BOOKWORM, froms=froms)
    assert (finding.rule, finding.severity.value) == ("MS304", "error")
    assert "needs GLIBC_2.41 of `libc.so.6`, which has versions up to GLIBC_2.36" in finding.detail
    assert [each.text for each in finding.fixes] == texts


def test_what_ldconfig_would_find_is_mended_by_it(tmp_path: Path) -> None:
    base = {**BOOKWORM, "/etc/ld.so.conf": "/usr/local/lib\n"}
    builder = {
        **BOOKWORM, **PQ, "/out/lib/libpq.so.5": PQ[f"{LIBRARIES}/libpq.so.5"],
        "/out/bin/tool": program("libpq.so.5"),
    }  # fmt: skip
    (finding,) = found(tmp_path, ("/out", "/usr/local"), builder=builder, base=base)
    assert [(each.text, each.line) for each in finding.fixes] == [("RUN ldconfig", 4)]


def test_the_other_c_library_is_told_once(tmp_path: Path) -> None:
    builder = {**BOOKWORM, "/out/tool": program("libc.so.6")}
    (finding,) = found(tmp_path / "a", OUT, builder=builder, base=ALPINE)
    assert (finding.rule, finding.severity.value) == ("MS305", "error")
    assert "was built for glibc, and the image has musl" in finding.detail
    builder = {**ALPINE, "/out/tool": program("libc.musl-x86_64.so.1", interp=MUSL)}
    (finding,) = found(tmp_path / "b", OUT, builder=builder, base=BOOKWORM)
    assert "was built for musl, and the image has glibc" in finding.detail


def test_what_musl_loads_by_the_name_of_glibc_s_loader_is_a_warning(tmp_path: Path) -> None:
    builder = {
        **BOOKWORM, "/out/tool": program("libc.so.6", needs={"libc.so.6": ("GLIBC_2.36",)})
    }  # fmt: skip
    base = {**ALPINE, LD: f"->{MUSL}"}
    findings = found(tmp_path, OUT, builder=builder, base=base)
    assert told(findings) == [("MS305", "warning", "/opt/app/tool")]


def test_without_a_c_library_all_that_is_loaded_is_copied(tmp_path: Path) -> None:
    builder = {**BOOKWORM, "/out/tool": program("libc.so.6")}
    (finding,) = found(tmp_path, OUT, builder=builder, base={})
    assert finding.rule == "MS302"
    assert finding.fixes[0].text.split("\n") == [
        f"COPY --from=builder /lib/x86_64-linux-gnu/ld.so {LD}",
        "COPY --from=builder /lib/x86_64-linux-gnu/libc.so.6 /lib/x86_64-linux-gnu/libc.so.6",
    ]


def test_another_architecture_matters_on_path_only(tmp_path: Path) -> None:
    builder = {**BOOKWORM, "/out/tool": elf(kind=2, machine=183)}
    assert not found(tmp_path / "a", OUT, builder=builder, base=BOOKWORM)
    findings = found(tmp_path / "b", ("/out", "/usr/local/bin"), builder=builder, base=BOOKWORM)
    assert told(findings) == [("MS306", "error", "/usr/local/bin/tool")]
    assert "is for arm64, and the image for amd64" in findings[0].detail


def test_extensions_of_languages_are_left_to_their_rules(tmp_path: Path) -> None:
    needs = {"libc.so.6": ("GLIBC_2.36",)}
    names = ("x.node", "x.cpython-311-x86_64-linux-gnu.so", "x.abi3.so")
    extensions = {f"/out/{name}": elf(needed=("libc.so.6",), needs=needs) for name in names}
    assert not found(tmp_path, OUT, builder={**BOOKWORM, **extensions}, base=ALPINE)


def test_a_script_may_know_where_libraries_are(tmp_path: Path) -> None:
    base = {
        **BOOKWORM,
        "/bin/sh": elf(kind=2),
        "/opt/lib/libpq.so.5": PQ[f"{LIBRARIES}/libpq.so.5"],
        "/bin/start": "#!/bin/sh\nexport LD_LIBRARY_PATH=/opt/lib\nexec /opt/app/tool\n",
    }
    contents = {**BOOKWORM, "/out/tool": program("libpq.so.5")}
    findings = found(tmp_path / "a", OUT, start="/bin/start", builder=contents, base=base)
    assert told(findings) == [("MS303", "warning", "/opt/app/tool")]
    findings = found(tmp_path / "b", OUT, start="/opt/app/tool", builder=contents, base=base)
    assert told(findings) == [("MS303", "error", "/opt/app/tool")]


def test_an_interpreter_that_nobody_may_execute_is_none(tmp_path: Path) -> None:
    contents = {**BOOKWORM, "/out/tool": program("libc.so.6", interp="/etc/os-release")}
    (finding,) = found(tmp_path, OUT, start="/opt/app/tool", builder=contents, base=BOOKWORM)
    assert finding.rule == "MS302"
    assert finding.detail.endswith(
        "needs the interpreter `/etc/os-release`, which cannot be executed"
    )
