"""What is known of an ELF file.

In:  nothing.
Out: ``Elf`` and the values in it: plain numbers and text that can be kept as MessagePack.

Source: System V gABI, chapters 4 and 5; "Linker and Libraries Guide" for symbol versions.
"""

from __future__ import annotations

import msgspec

REL, EXEC, DYN = 1, 2, 3
"""Values of ``Elf.kind`` (``e_type``): an object, a program at a fixed address, a library or a
program at any address."""

MACHINES = {
    3: "386",
    8: "mips",
    20: "ppc",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "amd64",
    183: "arm64",
    243: "riscv64",
    258: "loong64",
}
"""``e_machine`` to the name of an architecture as platforms have it."""

_FLAG_NOW, _FLAG_1_NODEFLIB, _FLAG_1_PIE = 0x8, 0x800, 0x0800_0000
_ISA_LEVELS = ((8, "x86-64-v4"), (4, "x86-64-v3"), (2, "x86-64-v2"))


class GoModule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A module that a Go program was built of, as it was built: after replacements."""

    path: str
    version: str


class GoInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """The build information of a Go program.

    Args:
        version: Of Go: ``go1.23.5``.
        path: Of the package of the program.
        main: Its module, None when it was built of files alone.
        modules: Those that it depends on.
        settings: ``CGO_ENABLED``, ``GOARCH``, ``vcs.revision`` …
    """

    version: str
    path: str = ""
    main: GoModule | None = None
    modules: tuple[GoModule, ...] = ()
    settings: dict[str, str] = {}

    @property
    def uses_cgo(self) -> bool:
        """Whether C code could be linked in; it need not have been."""
        return self.settings.get("CGO_ENABLED") == "1"


class Crate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A crate of the audit data of a Rust program.

    Args:
        kind: ``runtime`` or ``build``: whether it is in the program or only helped to make it.
        source: ``crates.io``, ``git``, ``local``, ``registry`` …
        root: Whether it is the program's own.
        dependencies: Numbers of those crates of the data that it needs.
    """

    name: str = ""
    version: str = ""
    kind: str = "runtime"
    source: str = ""
    root: bool = False
    dependencies: tuple[int, ...] = ()


class PackageNote(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The package that a file says it is of (note ``FDO``): ``deb``, ``rpm`` …, name, version."""

    type: str = ""
    name: str = ""
    version: str = ""
    architecture: str = ""
    os: str = ""
    os_version: str = ""


class Elf(msgspec.Struct, frozen=True, omit_defaults=True):
    """An ELF file.

    Args:
        bits: 32 or 64.
        is_big: Whether numbers are big-endian.
        machine: ``e_machine``.
        kind: ``e_type``.
        entry: Address of the first instruction; 0 in most libraries.
        os_abi: The OS that the header names: 0 (none) or 3 (GNU) on Linux.
        interp: Path of the program interpreter, the loader; empty if none is asked for.
        is_dynamic: Whether there is a dynamic section.
        soname: Empty if it has none.
        needed: Names of libraries, in their order.
        rpath: The raw text; None if there is none.
        runpath: Likewise.
        flags: ``DT_FLAGS``.
        flags_1: ``DT_FLAGS_1``.
        needs: Name of a library to the versions of symbols that it has to define.
        weak_needs: Likewise, those without which loaders go on.
        defines: Versions of symbols that it defines; its own name (``VER_FLG_BASE``) is none.
        has_versions: Whether it defines any, its own name counts.
        isa: Bits of the x86-64 levels that it was built for (``GNU_PROPERTY_X86_ISA_1_NEEDED``).
        kernel: Least version of Linux by the ABI note of the C library's start files; empty if
            there is no such note.
        build_id: Hexadecimal.
        symbols: Bytes of the symbol table that running does not need.
        debug: Bytes of debug information.
        go: Build information of Go.
        crates: Audit data of Rust.
        package: The package that it says it is of.
        fault: What is wrong with the file; what was read before that is there.
    """

    bits: int
    is_big: bool = False
    machine: int = 0
    kind: int = 0
    entry: int = 0
    os_abi: int = 0
    interp: str = ""
    is_dynamic: bool = False
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    flags: int = 0
    flags_1: int = 0
    needs: dict[str, tuple[str, ...]] = {}
    weak_needs: dict[str, tuple[str, ...]] = {}
    defines: tuple[str, ...] = ()
    has_versions: bool = False
    isa: int = 0
    kernel: tuple[int, ...] = ()
    build_id: str = ""
    symbols: int = 0
    debug: int = 0
    go: GoInfo | None = None
    crates: tuple[Crate, ...] = ()
    package: PackageNote | None = None
    fault: str = ""

    @property
    def architecture(self) -> str:
        """As platforms name it: ``amd64``, ``arm64`` …; of an unknown one its number."""
        name = MACHINES.get(self.machine, f"machine {self.machine}")
        if name == "ppc64" and not self.is_big:
            return "ppc64le"
        if name == "mips":
            return f"mips{'64' if self.bits == 64 else ''}{'' if self.is_big else 'le'}"
        return name

    @property
    def is_program(self) -> bool:
        """Whether it can be started, and is no mere library."""
        return self.kind == EXEC or (
            self.kind == DYN and bool(self.interp or self.flags_1 & _FLAG_1_PIE)
        )

    @property
    def is_static(self) -> bool:
        """Whether it is a program that starts without a loader."""
        return self.kind in {EXEC, DYN} and not self.interp and not self.needed and self.entry != 0

    @property
    def has_default_directories(self) -> bool:
        """Whether its libraries may come from the directories of the system."""
        return not self.flags_1 & _FLAG_1_NODEFLIB

    @property
    def isa_level(self) -> str:
        """The x86-64 level that a processor needs to have; empty for the first."""
        return next((name for bit, name in _ISA_LEVELS if self.isa & bit), "")
