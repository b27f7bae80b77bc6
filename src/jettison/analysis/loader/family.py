"""Which C library an ELF file was built for.

In:  what the file says.
Out: ``Family``.
"""

from __future__ import annotations

import re

from jettison.analysis.elf.model import Elf
from jettison.analysis.loader.base import Family

_MUSL = re.compile(r"ld-musl-|libc\.musl-")
_GLIBC = re.compile(r"(?:.*/)?(?:ld-linux|ld64\.so|ld\.so\.1)|libc\.so\.6")


def built_for(elf: Elf) -> Family:
    """Return the C library that a file was built for; UNKNOWN if it does not say."""
    names = (elf.interp, *elf.needed)
    if any(_MUSL.search(each) for each in names):
        return Family.MUSL
    if any(_GLIBC.match(each) for each in names):
        return Family.GLIBC
    return Family.NONE if elf.is_static else Family.UNKNOWN
