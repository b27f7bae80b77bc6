"""Something must be compiled, and the stage has no compiler or no `make`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("unable to execute", r"unable to execute '?(?P<name>[\w+-]+)'?: No such file"),
    ("failed: no such file", r"command '(?P<name>[\w+/-]*(?:gcc|cc|g\+\+|clang|cl))' failed: No such file"),
    ("no acceptable c compiler", r"no acceptable (?P<name>C compiler) found"),
    ("c compiler cannot create", r"(?P<name>C compiler) cannot create executables"),
    ("no acceptable", r"no acceptable (?P<name>\S+) (?:could be |)found in \$PATH"),
    ("linker `cc` not found", r"linker `(?P<name>cc)` not found"),
    ("executable file not found", r"exec: \"(?P<name>gcc|g\+\+|cc|clang)\": executable file not found"),
    ("c compiler \"gcc\" not found", r"C compiler \"(?P<name>gcc)\" not found"),
    ("no cmake_c", r"No (?P<name>CMAKE_\w+_COMPILER) could be found"),
    ("cmake_c", r"(?P<name>CMAKE_\w+_COMPILER) not set"),
    ("gyp err!", r"gyp ERR! stack Error: not found: (?P<name>make|python\d?|g\+\+|gcc)"),
    ("gyp err!", r"gyp ERR! (?:find|stack Error: Can't find) (?P<name>Python)"),
    ("you have to install development tools", r"(?P<name>)You have to install development tools first"),
    ("microsoft visual", r"(?P<name>)Microsoft Visual C\+\+ .* is required"),
    ("needs a c compiler", r"(?P<name>C compiler)"),
    ("command not found", r"make(?:\[\d+\])?: (?P<name>gcc|cc|g\+\+|c\+\+|clang|gfortran): (?:Command not found|No such file)"),
    ("not found", r"sh: (?:\d+: |line \d+: )?(?P<name>gcc|cc|g\+\+|c\+\+|gfortran): (?:command )?not found"),
    ("no fortran compiler", r"(?i)no (?P<name>fortran compiler) found|fortran compiler .* not found"),
    ("no usable", r"(?P<name>)error: no usable (?:C )?compiler"),
    ("unknown compiler", r"(?i)ERROR: Unknown compiler\(s\)(?P<name>)"),
)  # fmt: skip
_EVERYTHING = {"apt": "build-essential", "apk": "build-base", "dnf": "gcc gcc-c++ make"}


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=120)
    if found is None:
        return None
    name = found["name"]
    if name.lower().startswith("python"):
        package = "python3"
    elif "fortran" in name.lower():
        package = "gfortran"
    else:
        package = _EVERYTHING.get(failure.distribution.family, "build-essential")
    return Cause(
        "missing-compiler",
        f"something must be compiled, and the stage has no {quoted(name or 'compiler')}",
        f"no ready-made build fits this platform or version, and {failure.stage} has no compiler",
        f"{failure.distribution.install(package)}; a multi-stage build leaves it behind",
    )
